"""The demo world: real HTTP servers on loopback that stand for what is outside – a shop and a Slack workspace."""
