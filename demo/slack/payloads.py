"""The JSON of what Slack sends: event envelopes, message events, button presses."""

from demo.slack.message import Json, Message
from demo.slack.people import APP, BOT, TEAM, TEAM_DOMAIN, Channel, Member


def envelope(event: Json, event_id: str, at_ms: int) -> Json:
    return {
        "token": "deprecated", "team_id": TEAM, "context_team_id": TEAM, "context_enterprise_id": None,
        "api_app_id": APP, "event": event, "type": "event_callback", "event_id": event_id,
        "event_time": at_ms // 1000, "is_ext_shared_channel": False, "event_context": f"4-{event_id}",
        "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True,
                            "is_enterprise_install": False}],
    }  # fmt: skip


def posted(message: Message, channel: Channel, root: Message | None) -> Json:
    """`message`: in the channel, in a thread, with files, broadcast, or a bot's."""
    event = message.told(metadata=True) | _where(channel, message.ts)
    if message.is_reply and root is not None:
        event["parent_user_id"] = root.user
    if message.broadcast and root is not None:
        event["root"] = root.told()
    return event


def changed(message: Message, before: Json, channel: Channel, ts: str) -> Json:
    event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": ts,
             "message": message.told(metadata=True), "previous_message": before}  # fmt: skip
    return event | _where(channel, ts)


def deleted(before: Json, channel: Channel, ts: str) -> Json:
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": ts,
             "deleted_ts": before["ts"], "previous_message": before}  # fmt: skip
    return event | _where(channel, ts)


def mentioned(message: Message) -> Json:
    """`app_mention`: the same words a second time, under another event id."""
    told = message.told()
    return told | {"type": "app_mention", "channel": message.channel, "event_ts": message.ts}


def reaction(kind: str, message: Message, name: str, user: str, ts: str) -> Json:
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    return {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user, "event_ts": ts}


def _where(channel: Channel, ts: str) -> Json:
    return {"channel": channel.id, "channel_type": channel.kind, "event_ts": ts}


def pressed(message: Message, channel: Channel, member: Member, action: Json, trigger: str, response_url: str) -> Json:
    """`block_actions` for one element of a message."""
    container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id,
                 "is_ephemeral": message.for_user is not None, "thread_ts": message.thread_ts}  # fmt: skip
    return _interaction("block_actions", member, trigger) | {
        "container": {key: value for key, value in container.items() if value is not None},
        "channel": {"id": channel.id, "name": channel.name if channel.kind != "im" else "directmessage"},
        "message": message.told(), "state": {"values": {}}, "response_url": response_url, "actions": [action],
    }  # fmt: skip


def submitted(view: Json, member: Member, values: Json, trigger: str) -> Json:
    """`view_submission` of a modal."""
    return _interaction("view_submission", member, trigger) | {
        "view": view | {"state": {"values": values}}, "response_urls": [],
    }  # fmt: skip


def _interaction(kind: str, member: Member, trigger: str) -> Json:
    return {
        "type": kind, "team": {"id": TEAM, "domain": TEAM_DOMAIN}, "api_app_id": APP, "token": "deprecated",
        "user": {"id": member.id, "username": member.name, "name": member.name, "team_id": member.team_id},
        "enterprise": None, "is_enterprise_install": False, "trigger_id": trigger,
    }  # fmt: skip
