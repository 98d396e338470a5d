"""A Slack workspace on loopback: the Web API, events and buttons of one app, as strict as Slack itself."""

from demo.slack.people import Channel, Member
from demo.slack.workspace import Workspace

__all__ = ["Channel", "Member", "Workspace"]
