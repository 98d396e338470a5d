"""The methods of Slack's Web API that the app uses, each with the errors that Slack gives.

https://docs.slack.dev/reference/methods
"""

import json
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo.slack import blocks
from demo.slack.books import SlackError
from demo.slack.files import File
from demo.slack.message import Json, Message
from demo.slack.people import BOT, BOT_ID, OTHER_TEAM, TEAM, TEAM_NAME, Channel, Member
from demo.slack.workspace import Workspace

MAX_TEXT = 40_000
MAX_METADATA = 8_000
CUSTOMIZE = "chat:write.customize"
Args = dict[str, Any]
Call = Callable[[Workspace, Args], Json]


@dataclass(frozen=True)
class Method:
    """`form_only`: reading methods ignore JSON bodies, as Slack's do. `app_level`: wants the `xapp-` token."""

    call: Call
    scope: str | None = None
    form_only: bool = False
    app_level: bool = False


def auth_test(workspace: Workspace, _: Args) -> Json:
    return {"url": workspace.url + "/", "team": TEAM_NAME, "user": workspace.people[BOT].name, "team_id": TEAM,
            "user_id": BOT, "bot_id": BOT_ID, "is_enterprise_install": False}  # fmt: skip


def post_message(workspace: Workspace, args: Args) -> Json:
    room, fields = workspace.room(_addressed(workspace, args)), _content(args) | _thread(args) | _face(workspace, args)
    _not_too_fast(workspace, room)
    message, events = workspace.add(room.id, BOT, **fields)
    workspace.tell_later(events)
    return {"channel": message.channel, "ts": message.ts, "message": message.told()}


def post_ephemeral(workspace: Workspace, args: Args) -> Json:
    room, user = workspace.room(_required(args, "channel")), _required(args, "user")
    if user not in room.members:
        raise SlackError("user_not_in_channel")
    message, _ = workspace.add(room.id, BOT, **_content(args), **_thread(args), **_face(workspace, args), for_user=user)
    return {"message_ts": message.ts}


def update(workspace: Workspace, args: Args) -> Json:
    message = _own(workspace, args, "cant_update_message")
    fields = _content({"text": message.text, "blocks": [] if args.get("text") else message.blocks} | args)
    if fields["metadata"] is None:
        fields["metadata"] = message.metadata
    workspace.tell_later(workspace.change(message, BOT, **fields))
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.told()}


def delete(workspace: Workspace, args: Args) -> Json:
    message = _own(workspace, args, "cant_delete_message")
    workspace.tell_later(workspace.remove(message))
    return {"channel": message.channel, "ts": message.ts}


def set_status(workspace: Workspace, args: Args) -> Json:
    """A line below a thread that says what the app is doing; "" takes it away."""
    room, thread = _read(workspace, {"channel": _required(args, "channel_id")}), _required(args, "thread_ts")
    workspace.message(room.id, thread)
    workspace.show_status(room.id, thread, str(args.get("status") or ""))
    return {}


def add_reaction(workspace: Workspace, args: Args) -> Json:
    workspace.tell_later(workspace.react(_reacted(workspace, args), _reaction_name(args), BOT))
    return {}


def remove_reaction(workspace: Workspace, args: Args) -> Json:
    workspace.tell_later(workspace.unreact(_reacted(workspace, args), _reaction_name(args), BOT))
    return {}


def users_info(workspace: Workspace, args: Args) -> Json:
    member = workspace.people.get(_required(args, "user"))
    if member is None:
        raise SlackError("user_not_found")
    return {"user": profile(workspace, member)}


def users_list(workspace: Workspace, _: Args) -> Json:
    people = [profile(workspace, member) for member in workspace.people.values()]
    return {"members": people, "cache_ts": workspace.clock() // 1000, "response_metadata": {"next_cursor": ""}}


def group_users(workspace: Workspace, args: Args) -> Json:
    users = workspace.groups.get(_required(args, "usergroup"))
    if users is None:
        raise SlackError("no_such_subteam")
    return {"users": users}


def room_info(workspace: Workspace, args: Args) -> Json:
    return {"channel": _room(workspace.room(_required(args, "channel")))}


def list_rooms(workspace: Workspace, args: Args) -> Json:
    kinds = str(args.get("types", "public_channel")).split(",")
    names = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = {names[kind.strip()] for kind in kinds if kind.strip() in names}
    rooms = [_room(room) for room in workspace.rooms.values() if room.kind in wanted]
    return {"channels": rooms, "response_metadata": {"next_cursor": ""}}


def own_rooms(workspace: Workspace, args: Args) -> Json:
    """Those that the app is in."""
    ours = [room for room in list_rooms(workspace, args)["channels"] if room["is_member"] and not room["is_archived"]]
    return {"channels": ours, "response_metadata": {"next_cursor": ""}}


def join(workspace: Workspace, args: Args) -> Json:
    room = workspace.room(_required(args, "channel"))
    if room.archived:
        raise SlackError("is_archived")
    if room.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    warning = {"warning": "already_in_channel"} if BOT in room.members else {}
    room.members.add(BOT)
    return {"channel": _room(room)} | warning


def open_direct(workspace: Workspace, args: Args) -> Json:
    return {"channel": {"id": workspace.direct(_required(args, "users")).id}}


def room_members(workspace: Workspace, args: Args) -> Json:
    room = workspace.room(_required(args, "channel"))
    return {"members": sorted(room.members), "response_metadata": {"next_cursor": ""}}


def permalink(workspace: Workspace, args: Args) -> Json:
    message = workspace.message(workspace.room(_required(args, "channel")).id, _required(args, "message_ts"))
    link = f"{workspace.url}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    return {"channel": message.channel, "permalink": link}


def history(workspace: Workspace, args: Args) -> Json:
    room = _read(workspace, args)
    top = [m for m in workspace.messages(room.id) if not m.for_user and (not m.is_reply or m.broadcast)]
    page = _page(list(reversed(top)), args)
    for told in page["messages"]:
        answers = workspace.thread(told["ts"], room.id)[1:]
        if answers:
            told |= {"reply_count": len(answers), "latest_reply": answers[-1].ts}
    return page


def replies(workspace: Workspace, args: Args) -> Json:
    room, ts = _read(workspace, args), _required(args, "ts")
    found = workspace.thread(ts, room.id)
    if not found:
        raise SlackError("thread_not_found")
    page = _page(found, args)
    for told in page["messages"]:
        if told["ts"] != found[0].ts:
            told["parent_user_id"] = found[0].user
    return page


def views_open(workspace: Workspace, args: Args) -> Json:
    view = args.get("view")
    if found := blocks.view_problems(view):
        raise SlackError("invalid_arguments", *found)
    assert isinstance(view, dict)
    return {"view": workspace.open_view(_required(args, "trigger_id"), view)}


def open_socket(workspace: Workspace, _: Args) -> Json:
    assert workspace.courier.sockets is not None
    return {"url": workspace.courier.sockets.address(workspace.url)}


def announce_upload(workspace: Workspace, args: Args) -> Json:
    name, length = _required(args, "filename"), _required(args, "length")
    if not length.isdecimal() or not int(length):
        raise SlackError("invalid_arguments", "must be a positive integer: length")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = workspace.files.keep(name, kind, b"", workspace.ids, awaited=int(length))
    return {"upload_url": f"{workspace.url}/upload/{file.id}", "file_id": file.id}


def complete_upload(workspace: Workspace, args: Args) -> Json:
    """Share what was uploaded, as a message of the app."""
    wanted = args.get("files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments", "missing required field: files")
    found = [workspace.files.told(_uploaded(workspace, entry), workspace.url) for entry in wanted]
    if args.get("channel_id"):
        text = str(args.get("initial_comment") or "")
        _, events = workspace.add(_required(args, "channel_id"), BOT, text, **_thread(args), files=found)
        workspace.tell_later(events)
    return {"files": found}


def tell_file(workspace: Workspace, args: Args) -> Json:
    file = workspace.files.known.get(_required(args, "file"))
    if file is None:
        raise SlackError("file_not_found")
    return {"file": workspace.files.told(file, workspace.url)}


def delete_file(workspace: Workspace, args: Args) -> Json:
    """Take a file of the app's out of every message; one that held nothing else goes with it."""
    file = workspace.files.known.get(_required(args, "file"))
    if file is None:
        raise SlackError("file_not_found")
    shown = [one for one in workspace.log if any(each["id"] == file.id for each in one.files)]
    if not all(one.by_app for one in shown):
        raise SlackError("cant_delete_file")
    del workspace.files.known[file.id]
    for message in shown:
        rest = [each for each in message.files if each["id"] != file.id]
        bare = not (rest or message.text)
        workspace.tell_later(workspace.remove(message) if bare else workspace.change(message, BOT, files=rest))
    return {}


def _uploaded(workspace: Workspace, wanted: Any) -> File:
    file = workspace.files.known.get(str(wanted.get("id"))) if isinstance(wanted, dict) else None
    if file is None or file.awaited:
        raise SlackError("file_not_found")
    return file


def _addressed(workspace: Workspace, args: Args) -> str:
    """A channel, or a user: that is the direct messages with them."""
    channel = _required(args, "channel")
    return workspace.direct(channel).id if channel in workspace.people else channel


def _not_too_fast(workspace: Workspace, room: Channel) -> None:
    """One message per second and channel, where the switch is on: https://docs.slack.dev/apis/web-api/rate-limits"""
    last = next((m for m in reversed(workspace.messages(room.id)) if m.by_app), None)
    if workspace.pace and last is not None and float(last.ts) * 1000 + workspace.pace > workspace.clock():
        raise SlackError("ratelimited")


def _required(args: Args, name: str) -> str:
    value = args.get(name)
    if not value:
        raise SlackError("invalid_arguments", f"missing required field: {name}")
    if not isinstance(value, str):  # a `ts` sent as a number has lost digits
        raise SlackError("invalid_arguments", f"must be a string: {name}")
    return value


def _content(args: Args) -> Args:
    """Text, blocks and metadata of a post, checked."""
    text, layout = str(args.get("text") or ""), args.get("blocks") or []
    if markdown := args.get("markdown_text"):
        if text or layout:
            raise SlackError("markdown_text_conflict")
        text, layout = str(markdown), [{"type": "markdown", "text": markdown}]
    if not text and not layout:
        raise SlackError("no_text")
    if len(text) > MAX_TEXT:
        raise SlackError("msg_too_long")
    return {"text": text, "blocks": _laid_out(layout), "metadata": _metadata(args.get("metadata"))}


def _laid_out(layout: Any) -> list[Json]:
    if not isinstance(layout, list):
        raise SlackError("invalid_blocks_format")
    if found := blocks.problems(layout):
        raise SlackError("invalid_blocks", *found)
    if blocks.characters(layout) > blocks.MAX_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return [{"block_id": f"b{n}"} | block for n, block in enumerate(layout)]


def _metadata(metadata: Any) -> Json | None:
    if not metadata:
        return None
    if not isinstance(metadata, dict) or metadata.keys() != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(metadata)) > MAX_METADATA:
        raise SlackError("metadata_too_large")
    return metadata


def _thread(args: Args) -> Args:
    if not args.get("thread_ts"):
        return {"thread_ts": None}
    return {"thread_ts": _required(args, "thread_ts"), "broadcast": _true(args, "reply_broadcast")}


def _face(workspace: Workspace, args: Args) -> Args:
    """Another name and picture, for which there is a scope of its own."""
    icon = args.get("icon_emoji") or args.get("icon_url")
    if (icon or args.get("username")) and CUSTOMIZE in workspace.missing_scopes:
        raise SlackError("missing_scope", f"needed: {CUSTOMIZE}")
    return {"username": args.get("username") or None, "icon": icon}


def _true(args: Args, name: str) -> bool:
    return str(args.get(name, "")).lower() in ("true", "1")


def _own(workspace: Workspace, args: Args, otherwise: str) -> Message:
    message = workspace.message(workspace.room(_required(args, "channel")).id, _required(args, "ts"))
    if message.for_user or message.tombstone:
        raise SlackError("message_not_found")
    if not message.by_app:
        raise SlackError(otherwise)
    return message


def _reacted(workspace: Workspace, args: Args) -> Message:
    room = _read(workspace, args)
    return workspace.message(room.id, _required(args, "timestamp"))


def _reaction_name(args: Args) -> str:
    name = _required(args, "name").strip(":")
    if not name.replace("_", "").replace("-", "").replace("+", "").isalnum() or not name.isascii():
        raise SlackError("invalid_name")
    return name


def _read(workspace: Workspace, args: Args) -> Channel:
    room = workspace.room(_required(args, "channel"))
    if BOT not in room.members:
        raise SlackError("not_in_channel")
    return room


def _page(found: list[Message], args: Args) -> Json:
    """Messages between `oldest` and `latest`, `limit` at a time."""
    oldest, latest = str(args.get("oldest") or "0"), str(args.get("latest") or "9")
    chosen = [m for m in found if (oldest < m.ts < latest) or m.ts == args.get("ts")]
    start, limit = _number(args, "cursor", 0), min(_number(args, "limit", 100), 1000)
    more = len(chosen) > start + limit
    told = [m.told(metadata=_true(args, "include_all_metadata")) for m in chosen[start : start + limit]]
    cursor = {"next_cursor": str(start + limit) if more else ""}
    return {"messages": told, "has_more": more, "response_metadata": cursor}


def _number(args: Args, name: str, otherwise: int) -> int:
    value = str(args.get(name) or otherwise)
    if not value.isascii() or not value.isdigit():
        raise SlackError(f"invalid_{name}")
    return int(value)


def _room(room: Channel) -> Json:
    kinds = {"is_channel": room.kind == "channel", "is_group": room.kind == "group", "is_im": room.kind == "im"}
    return {"id": room.id, "name": room.name, "is_archived": room.archived, "is_member": BOT in room.members,
            "is_private": room.kind != "channel", "topic": {"value": room.topic}} | kinds  # fmt: skip


def profile(workspace: Workspace, member: Member) -> Json:
    """A user object. People of other teams show no role flags of ours."""
    picture = f"{workspace.url}/avatars/{member.id}.svg"
    shown = {"real_name": member.real_name, "display_name": member.display_name, "title": member.title,
             "image_72": picture, "image_192": picture}  # fmt: skip
    return {
        "id": member.id, "team_id": member.team_id, "name": member.name, "real_name": member.real_name,
        "deleted": member.deleted, "is_bot": member.is_bot, "is_app_user": False, "profile": shown,
        "is_restricted": member.is_restricted, "is_ultra_restricted": member.is_ultra_restricted,
        "is_stranger": member.is_stranger, "is_admin": False, "is_owner": False, "tz": "Europe/Madrid",
    } | ({"who_can_share_contact_card": "EVERYONE"} if member.team_id == OTHER_TEAM else {})  # fmt: skip


METHODS = {
    "auth.test": Method(auth_test),
    "chat.postMessage": Method(post_message, "chat:write"),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write"),
    "chat.update": Method(update, "chat:write"),
    "chat.delete": Method(delete, "chat:write"),
    "assistant.threads.setStatus": Method(set_status, "chat:write"),
    "reactions.add": Method(add_reaction, "reactions:write"),
    "reactions.remove": Method(remove_reaction, "reactions:write"),
    "users.info": Method(users_info, "users:read", form_only=True),
    "users.list": Method(users_list, "users:read", form_only=True),
    "usergroups.users.list": Method(group_users, "usergroups:read", form_only=True),
    "conversations.info": Method(room_info, "channels:read", form_only=True),
    "conversations.list": Method(list_rooms, "channels:read", form_only=True),
    "users.conversations": Method(own_rooms, "channels:read", form_only=True),
    "conversations.members": Method(room_members, "channels:read", form_only=True),
    "conversations.join": Method(join, "channels:join"),
    "conversations.open": Method(open_direct, "im:write"),
    "conversations.history": Method(history, "channels:history", form_only=True),
    "conversations.replies": Method(replies, "channels:history", form_only=True),
    "chat.getPermalink": Method(permalink, form_only=True),
    "views.open": Method(views_open),
    "files.getUploadURLExternal": Method(announce_upload, "files:write", form_only=True),
    "files.info": Method(tell_file, "files:read", form_only=True),
    "files.completeUploadExternal": Method(complete_upload, "files:write"),
    "files.delete": Method(delete_file, "files:write"),
    "apps.connections.open": Method(open_socket, app_level=True),
}

SCOPES = ("app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write",
          "chat:write.customize", "files:read", "files:write", "groups:history", "im:history", "im:write", "reactions:read",
          "reactions:write", "usergroups:read", "users:read")  # fmt: skip
