"""Slack's payloads become Inbounds. Pure; anything that is not clearly a person's doing in one of our threads is None.

https://docs.slack.dev/reference/events/message – https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from bus.errors import Rejected
from bus.message import Address, Attachment, Inbound, Sender
from channels.slack import markup

Json = dict[str, Any]
Shape = TypeVar("Shape")
ACCOUNT = "slack"
# Whatever is not listed here never becomes words for a customer.
SUBTYPES = frozenset({"", "file_share", "me_message", "thread_broadcast", "message_changed", "message_deleted"})


class File(msgspec.Struct, frozen=True):
    """A file beside a message."""

    id: str = ""
    name: str | None = None
    mimetype: str | None = None
    size: int | None = None


class Edited(msgspec.Struct, frozen=True):
    """When and by whom a message was changed."""

    user: str = ""
    ts: str = ""


class Message(msgspec.Struct, frozen=True):
    """A message as events tell it; `blocks` only serve to learn the emoji in it."""

    ts: str = ""
    thread_ts: str | None = None
    user: str | None = None
    bot_id: str | None = None
    text: str | None = None
    subtype: str | None = None
    files: list[File] | None = None
    edited: Edited | None = None
    blocks: list[Any] | None = None


class Event(Message, frozen=True):
    """An event of type message or app_mention."""

    type: str = ""
    channel: str = ""
    deleted_ts: str | None = None
    parent_user_id: str | None = None
    message: Message | None = None
    previous_message: Message | None = None


class Authorization(msgspec.Struct, frozen=True):
    """For whom the event is told: our bot."""

    user_id: str | None = None
    is_bot: bool = False


class Envelope(msgspec.Struct, frozen=True):
    """What is posted to the events endpoint."""

    type: str = ""
    challenge: str = ""
    team_id: str | None = None
    event: dict[str, Any] = {}
    authorizations: list[Authorization] | None = None

    @property
    def bot(self) -> str:
        """Our bot's user id, as this envelope tells it."""
        return next((one.user_id for one in self.authorizations or () if one.is_bot and one.user_id), "")


class Team(msgspec.Struct, frozen=True):
    """A workspace."""

    id: str = ""


class User(msgspec.Struct, frozen=True):
    """Who pressed."""

    id: str = ""
    team_id: str | None = None


class Container(msgspec.Struct, frozen=True):
    """Where the button stands."""

    message_ts: str = ""
    channel_id: str = ""
    thread_ts: str | None = None


class Channel(msgspec.Struct, frozen=True):
    """The channel of a press."""

    id: str = ""


class Action(msgspec.Struct, frozen=True):
    """One pressed element."""

    action_id: str = ""
    value: str | None = None
    action_ts: str = ""


class Input(msgspec.Struct, frozen=True):
    """What was typed into one field of a window."""

    value: str | None = None


class Typed(msgspec.Struct, frozen=True):
    """What was typed into a window: block → field → value."""

    values: dict[str, dict[str, Input]] = {}


class View(msgspec.Struct, frozen=True):
    """A window that was sent off."""

    id: str = ""
    callback_id: str = ""
    private_metadata: str = ""
    state: Typed = Typed()

    @property
    def words(self) -> str:
        """Everything typed into it."""
        fields = (field for block in self.state.values.values() for field in block.values())
        return "\n".join(field.value for field in fields if field.value)


class Press(msgspec.Struct, frozen=True):
    """What is posted to the interactivity endpoint."""

    type: str = ""
    team: Team | None = None
    user: User = User()
    channel: Channel | None = None
    container: Container = Container()
    message: Message | None = None
    actions: list[Action] = []
    trigger_id: str = ""
    view: View | None = None


def read_envelope(payload: object) -> Envelope:
    """The envelope, checked as far as we read it. Raises Rejected(400)."""
    return checked(payload, Envelope)


def read_press(payload: object) -> Press:
    """The interaction, checked as far as we read it. Raises Rejected(400)."""
    return checked(payload, Press)


def checked(payload: object, shape: type[Shape]) -> Shape:
    """The payload as far as this shape reads it. Raises Rejected(400)."""
    try:
        return msgspec.convert(payload, shape)
    except msgspec.ValidationError as error:
        raise Rejected(400, f"malformed: {error}") from error


def parse_event(
    envelope: Envelope, *, tenant: str, name: str, places: Collection[str], bot: str = ""
) -> Inbound | None:
    """What a person did in a thread of one of the desk's channels; None for everything else. Raises Rejected(400).

    `bot` is our own user id where the envelope does not tell it.
    """
    if envelope.type != "event_callback" or envelope.event.get("type") not in ("message", "app_mention"):
        return None
    event = checked(envelope.event, Event)
    if event.channel not in places or (event.subtype or "") not in SUBTYPES:
        return None
    bot = envelope.bot or bot
    if event.subtype == "message_changed":
        return _edit(event, bot, tenant, name)
    if event.subtype == "message_deleted":
        return _delete(event, bot, tenant, name)
    return _said(event, bot, tenant, name)


def _said(event: Event, bot: str, tenant: str, name: str) -> Inbound | None:
    if not by_person(event, bot) or not _in_thread(event):
        return None
    typed = markup.plain(event.text or "", blocks=event.blocks, bot=bot)
    return Inbound(
        key=f"message:{event.channel}:{event.ts}",
        address=_address(tenant, name, event.channel, event.thread_ts),
        sender=Sender(event.user or "", verified="channel"),
        kind="message",
        at=milliseconds(event.ts),
        text=typed.text,
        target=event.ts,
        attachments=tuple(attachment(file) for file in event.files or ()),
        data=_data(typed),
    )


def _edit(event: Event, bot: str, tenant: str, name: str) -> Inbound | None:
    """A person changed their words. Unfurled links and our own updates look alike, but change no words of a person."""
    now, before = event.message, event.previous_message
    if now is None or now.edited is None or not by_person(now, bot) or not _in_thread(now):
        return None
    if now.subtype == "tombstone" or (before is not None and before.text == now.text):
        return None
    typed = markup.plain(now.text or "", blocks=now.blocks, bot=bot)
    return Inbound(
        key=f"edit:{event.channel}:{now.ts}:{now.edited.ts}",
        address=_address(tenant, name, event.channel, now.thread_ts),
        sender=Sender(now.user or "", verified="channel"),
        kind="edit",
        at=milliseconds(now.edited.ts or event.ts),
        text=typed.text,
        target=now.ts,
        data=_data(typed),
    )


def _delete(event: Event, bot: str, tenant: str, name: str) -> Inbound | None:
    before = event.previous_message
    if before is None or not event.deleted_ts or not by_person(before, bot) or not _in_thread(before):
        return None
    return Inbound(
        key=f"delete:{event.channel}:{event.deleted_ts}",
        address=_address(tenant, name, event.channel, before.thread_ts),
        sender=Sender(before.user or "", verified="channel"),
        kind="delete",
        at=milliseconds(event.ts),
        target=event.deleted_ts,
    )


def parse_press(press: Press, *, tenant: str, name: str, places: Collection[str]) -> Inbound | None:
    """A button pressed below one of our messages; `button` is its action_id and `text` its value."""
    channel = press.channel.id if press.channel else press.container.channel_id
    if press.type != "block_actions" or channel not in places or not press.actions or not press.user.id:
        return None
    action, stands = press.actions[0], press.container.message_ts or (press.message.ts if press.message else "")
    thread = press.container.thread_ts or (press.message.thread_ts if press.message else None) or stands
    return Inbound(
        key=f"press:{channel}:{stands}:{action.action_id}:{press.user.id}:{action.action_ts}",
        address=_address(tenant, name, channel, thread),
        sender=Sender(press.user.id, verified="channel"),
        kind="press",
        at=milliseconds(action.action_ts),
        text=action.value or "",
        button=action.action_id,
        target=stands,
    )


def milliseconds(ts: str) -> int:
    """A Slack timestamp as UTC ms. It is a string: a float would mix up neighbours. Raises Rejected(400)."""
    seconds, _, fraction = ts.partition(".")
    if not (seconds.isdecimal() and seconds.isascii() and len(seconds) < 13 and (fraction or "0").isalnum()):
        raise Rejected(400, "malformed: a timestamp is not one")
    thousandths = f"{fraction}000"[:3]
    return int(seconds) * 1000 + (int(thousandths) if thousandths.isdecimal() and thousandths.isascii() else 0)


def by_person(message: Message, bot: str) -> bool:
    """True for what a person wrote: no bot's post, and none of our own."""
    return bool(message.user) and not message.bot_id and message.user != bot


def _in_thread(message: Message) -> bool:
    """A reply; the root itself and talk beside the threads are nobody's."""
    return bool(message.ts and message.thread_ts) and message.thread_ts != message.ts


def _address(tenant: str, name: str, channel: str, thread: str | None) -> Address:
    return Address(tenant, name, ACCOUNT, channel, thread or "")


def attachment(file: File) -> Attachment:
    """A shared file; its id is where it can be had."""
    return Attachment(file.name or "file", file.mimetype or "application/octet-stream", file.size or 0, file.id)


def _data(typed: markup.Typed) -> Json:
    return ({"mentions": list(typed.mentions)} if typed.mentions else {}) | ({"aside": True} if typed.aside else {})
