"""What Slack posts, as far as we read it. Pure.

https://docs.slack.dev/reference/events/message – https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from bus.errors import Rejected
from bus.message import Attachment

Shape = TypeVar("Shape")


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


def attachment(file: File) -> Attachment:
    """A shared file; its id is where it can be had."""
    return Attachment(file.name or "file", file.mimetype or "application/octet-stream", file.size or 0, file.id)
