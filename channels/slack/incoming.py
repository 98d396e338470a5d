"""What the team does at the desk becomes Inbounds. Pure; anything that is not clearly a person's doing in one of our threads is None."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from bus.message import Address, Inbound, Sender
from channels.slack import markup, spoken
from channels.slack.payloads import Envelope, Event, Message, Press, by_person, milliseconds

ACCOUNT = "slack"


def parse_event(
    envelope: Envelope, *, tenant: str, name: str, places: Collection[str], bot: str = ""
) -> Inbound | None:
    """What a person did in a thread of one of the desk's channels; None for everything else. Raises Rejected(400).

    `bot` is our own user id where the envelope does not tell it.
    """
    event = spoken.event_of(envelope)
    if event is None or event.channel not in places:
        return None
    here = Here(tenant, name, event.channel, envelope.bot or bot)
    if event.subtype == "message_changed":
        return here.edited(event)
    if event.subtype == "message_deleted":
        return here.deleted(event)
    return here.said(event)


class Here(msgspec.Struct, frozen=True):
    """Where an event happened."""

    tenant: str
    name: str
    channel: str
    bot: str

    def said(self, event: Event) -> Inbound | None:
        """A line in a thread."""
        if not by_person(event, self.bot) or not _in_thread(event):
            return None
        return spoken.said(event, self._address(event), self._typed(event))

    def edited(self, event: Event) -> Inbound | None:
        """A line that was changed."""
        now = spoken.changed_by_person(event, self.bot)
        if now is None or not _in_thread(now):
            return None
        return spoken.edited(event, now, self._address(now), self._typed(now))

    def deleted(self, event: Event) -> Inbound | None:
        """A line that was taken back."""
        before = spoken.deleted_by_person(event, self.bot)
        if before is None or not _in_thread(before):
            return None
        return spoken.deleted(event, before, self._address(before))

    def _address(self, message: Message) -> Address:
        return _address(self.tenant, self.name, self.channel, message.thread_ts)

    def _typed(self, message: Message) -> markup.Typed:
        return markup.plain(message.text or "", blocks=message.blocks, bot=self.bot)


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


def _in_thread(message: Message) -> bool:
    """A reply; the root itself and talk beside the threads are nobody's."""
    return bool(message.ts and message.thread_ts) and message.thread_ts != message.ts


def _address(tenant: str, name: str, channel: str, thread: str | None) -> Address:
    return Address(tenant, name, ACCOUNT, channel, thread or "")
