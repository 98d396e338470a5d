"""What a person said, changed or took back in Slack, whoever it was for: the desk and the customers' channel add where it belongs."""

from __future__ import annotations

from typing import Any

from bus.message import Address, Inbound, Sender
from channels.slack import markup
from channels.slack.payloads import Envelope, Event, Message, attachment, by_person, checked, milliseconds

# Whatever is not listed here never becomes words for anybody.
SUBTYPES = frozenset({"", "file_share", "me_message", "thread_broadcast", "message_changed", "message_deleted"})


def event_of(envelope: Envelope) -> Event | None:
    """The event, where it may be a person's doing. Raises Rejected(400)."""
    if envelope.type != "event_callback" or envelope.event.get("type") not in ("message", "app_mention"):
        return None
    event = checked(envelope.event, Event)
    return event if (event.subtype or "") in SUBTYPES else None


def said(event: Event, address: Address, typed: markup.Typed) -> Inbound:
    """New words, and what is shared with them."""
    return Inbound(
        key=f"message:{event.channel}:{event.ts}",
        address=address,
        sender=Sender(event.user or "", verified="channel"),
        kind="message",
        at=milliseconds(event.ts),
        text=typed.text,
        target=event.ts,
        attachments=tuple(attachment(file) for file in event.files or ()),
        data=_data(typed),
    )


def changed_by_person(event: Event, bot: str) -> Message | None:
    """The message as it is now. Unfurled links and our own updates look alike, but change no words of a person."""
    now, before = event.message, event.previous_message
    if now is None or now.edited is None or not by_person(now, bot) or now.subtype == "tombstone":
        return None
    return None if before is not None and before.text == now.text else now


def edited(event: Event, now: Message, address: Address, typed: markup.Typed) -> Inbound:
    """Words that are others now."""
    changed_at = now.edited.ts if now.edited else ""
    return Inbound(
        key=f"edit:{event.channel}:{now.ts}:{changed_at}",
        address=address,
        sender=Sender(now.user or "", verified="channel"),
        kind="edit",
        at=milliseconds(changed_at or event.ts),
        text=typed.text,
        target=now.ts,
        data=_data(typed),
    )


def deleted_by_person(event: Event, bot: str) -> Message | None:
    """The message as it was."""
    before = event.previous_message
    return before if before is not None and event.deleted_ts and by_person(before, bot) else None


def deleted(event: Event, before: Message, address: Address) -> Inbound:
    """Words that were taken back."""
    target = event.deleted_ts or ""
    return Inbound(
        key=f"delete:{event.channel}:{target}",
        address=address,
        sender=Sender(before.user or "", verified="channel"),
        kind="delete",
        at=milliseconds(event.ts),
        target=target,
    )


def _data(typed: markup.Typed) -> dict[str, Any]:
    return ({"mentions": list(typed.mentions)} if typed.mentions else {}) | ({"aside": True} if typed.aside else {})
