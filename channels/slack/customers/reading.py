"""What a person does in Slack becomes an Inbound. Pure; whatever is not clearly a person's word to us is None.

A direct message's address is its channel, with a thread only where the person opened one. In a channel it is the thread *and* the
person: colleagues may talk in one thread, but nobody's «yes» answers a question that somebody else was asked.

https://docs.slack.dev/reference/events/message – https://docs.slack.dev/reference/events/app_mention
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import msgspec

from bus.message import Address, Button, Inbound, Sender
from channels.slack import markup, spoken
from channels.slack.payloads import Envelope, Event, Message, Press, by_person, milliseconds

DIRECT = "D"


class Reading(msgspec.Struct, frozen=True):
    """An Inbound, and whether it may begin a conversation; else it counts only where there is one."""

    inbound: Inbound
    begins: bool = False


class Choice(msgspec.Struct, frozen=True):
    """What a button stands for: the choice `id` of the line `of`, offered at the address whose key is `to`, and to nobody else."""

    to: str
    id: str
    label: str
    of: int = 0


def token(button: Button, to: Address, of: int, seal: Callable[[str], str]) -> str:
    """A button's value: it says nothing to who reads it, and nobody can make one."""
    return seal(msgspec.json.encode(Choice(to.key, button.id, button.label, of)).decode())


def root(address: Address) -> str:
    """The `ts` of the thread that this address speaks in, "" for none."""
    return address.thread.partition(":")[0]


def person(address: Address) -> str:
    """The only person this address reaches, as far as the address says it: in a direct message the place does."""
    return address.thread.partition(":")[2]


def parse_event(
    envelope: Envelope, *, tenant: str, name: str, channels: Collection[str], bot: str = ""
) -> Reading | None:
    """What a person said, changed or took back where we listen. Raises Rejected(400). `bot`: where the envelope does not tell it."""
    event = spoken.event_of(envelope)
    if event is None or not event.channel:
        return None
    here = Here(tenant, name, envelope.team_id or "", envelope.bot or bot, event.channel, event.channel in channels)
    if event.subtype == "message_changed":
        return here.edited(event)
    if event.subtype == "message_deleted":
        return here.deleted(event)
    return here.said(event)


class Here(msgspec.Struct, frozen=True):
    """Where an event happened."""

    tenant: str
    name: str
    team: str
    bot: str
    channel: str
    listed: bool

    def said(self, event: Event) -> Reading | None:
        """A message. One that names us comes twice, as message and as mention, under the same `ts`."""
        if not by_person(event, self.bot) or not event.ts:
            return None
        typed = self._typed(event)
        if not typed.text and not event.files:
            return None
        return Reading(spoken.said(event, self._address(event), typed), self._begins(event))

    def edited(self, event: Event) -> Reading | None:
        """A person changed their words."""
        now = spoken.changed_by_person(event, self.bot)
        if now is None:
            return None
        return Reading(spoken.edited(event, now, self._address(now), self._typed(now)))

    def deleted(self, event: Event) -> Reading | None:
        """A person took their words back."""
        before = spoken.deleted_by_person(event, self.bot)
        if before is None:
            return None
        stood = msgspec.structs.replace(before, ts=event.deleted_ts)
        return Reading(spoken.deleted(event, before, self._address(stood)))

    def _begins(self, event: Event) -> bool:
        """Words to us: in private, naming us, or where we are listed at the head of a thread or by who opened it."""
        if self.channel.startswith(DIRECT) or event.type == "app_mention" or self._names_us(event.text or ""):
            return True
        return self.listed and (not _in_thread(event) or event.parent_user_id == event.user)

    def _address(self, message: Message) -> Address:
        if self.channel.startswith(DIRECT):
            thread = (message.thread_ts or "") if _in_thread(message) else ""
        else:
            thread = f"{message.thread_ts or message.ts}:{message.user}"
        return Address(self.tenant, self.name, self.team, self.channel, thread)

    def _names_us(self, text: str) -> bool:
        return bool(self.bot) and re.search(self._mention, text) is not None

    @property
    def _mention(self) -> str:
        return rf"\s*<@{re.escape(self.bot)}(?:\|[^<>]*)?>[:,]?"

    def _typed(self, message: Message) -> markup.Typed:
        """The words without our own name, which is how they found us. To us nothing is said aside."""
        bare = re.sub(self._mention, "", message.text or "") if self.bot else message.text or ""
        typed = markup.plain(bare if bare.strip() else message.text or "", blocks=message.blocks)
        return msgspec.structs.replace(typed, text=typed.text.strip(), aside=False)


def parse_press(press: Press, *, tenant: str, name: str, opened: Callable[[str], str | None]) -> Inbound | None:
    """A choice below a message of ours, by the person it was offered to. `opened` gives what a value was made of, None for another's.

    One message takes one choice, so the key is the message's.
    """
    choice = choice_of(press, opened)
    if choice is None or not press.user.id or press.team is None:
        return None
    address = Address.from_key(tenant, choice.to)
    where = (name, press.team.id, press.channel.id if press.channel else press.container.channel_id)
    if (address.channel, address.account, address.peer) != where or person(address) not in ("", press.user.id):
        return None
    stands = press.container.message_ts or (press.message.ts if press.message else "")
    return Inbound(
        key=f"press:{address.peer}:{stands}",
        address=address,
        sender=Sender(press.user.id, verified="channel"),
        kind="press",
        at=milliseconds(press.actions[0].action_ts),
        text=choice.label,
        button=choice.id,
        target=stands,
        data={"of": choice.of} if choice.of else {},
    )


def choice_of(press: Press, opened: Callable[[str], str | None]) -> Choice | None:
    """What was pressed, None when no button of ours was."""
    if press.type != "block_actions" or not press.actions:
        return None
    content = opened(press.actions[0].value or "")
    try:
        return None if content is None else msgspec.json.decode(content, type=Choice)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _in_thread(message: Message) -> bool:
    return bool(message.thread_ts) and message.thread_ts != message.ts
