"""A turn of the relay while it is being decided: what was found, what is decided so far, and the Turn it closes into."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from bus.action import Action, ActionState
from bus.capsule import Capsule
from bus.channel import Limits, Mode, Person
from bus.consumer import Journal, People
from bus.entries import CustomerPressed, CustomerSaid, Entry, Recorded, SystemSaid
from bus.errors import Permanent
from bus.message import (
    CASE_PREFIX,
    Act,
    Address,
    Attachment,
    CaseCard,
    CaseDetails,
    Content,
    Conversation,
    Inbound,
    Mark,
    Memo,
    Move,
    Outbound,
    Template,
    Turn,
    Work,
)
from bus.message import Words as Said
from handoff import case
from handoff.words import Words, literal, text_for

MEMBER, APPROVER = "member", "approver"


def _live(_: str) -> Mode:
    return "live"


async def _no_file(attachment: Attachment) -> str:
    raise Permanent("file_not_readable", attachment.name)


async def _kept_nowhere(_: Attachment) -> None:
    """Nothing to forget."""


def _a_day() -> int:
    return 24 * 3_600_000


class Desk(msgspec.Struct, frozen=True):
    """Where people work and what the roof lends the relay.

    `route` names the place (a Slack channel's id) for a capsule, "" where there is no desk; `words` are the spec's replies; `link` points
    to the log, `link_to` to a file, which `forget` takes away again (both raise GatewayError and OSError); `limits` and `mode` are
    those of a customer's channel; a case that nobody takes within `remind_after` ms is called out; a matter of the agent's that hears
    nothing for `quiet()` ms is closed.
    """

    people: People
    route: Callable[[Capsule], str]
    words: Words
    link: Callable[[str], str]
    limits: Callable[[str], Limits]
    channel: str = "desk"
    mode: Callable[[str], Mode] = _live
    account: str = "slack"
    remind_after: int = 10 * 60_000
    link_to: Callable[[Attachment], Awaitable[str]] = _no_file
    forget: Callable[[Attachment], Awaitable[None]] = _kept_nowhere
    quiet: Callable[[], int] = _a_day


class OpenTurn:
    """Collects decisions in order; `conversation` is how it stands with everything decided so far."""

    def __init__(
        self, desk: Desk, work: Work, journal: Journal, lines: Sequence[Recorded], actions: Sequence[Action]
    ) -> None:
        self.desk = desk
        self.journal = journal
        self.conversation: Conversation = work.conversation
        self.lines = list(lines)
        self.now = journal.now()
        self._actions = {action.id: action for action in actions}
        self._turn = work.turn
        self._entries: list[Entry] = []
        self._outbounds: list[tuple[Outbound, int | None]] = []
        self._moves: list[Move] = []
        self._memos: list[Memo] = []
        self._cancel: list[str] = []
        self._changes: dict[str, Any] = {}
        self._opens = False
        self._card = False
        self._reason = ("", "")

    @property
    def pending(self) -> list[Action]:
        """Actions that still await a word."""
        return [action for action in self._actions.values() if action.state == "pending"]

    async def person(self, inbound: Inbound) -> Person:
        """Who of the team did this."""
        return await self.desk.people(inbound.address.channel, inbound.sender.id)

    def record(self, entry: Entry) -> int:
        """Append a line to the log; its place serves as `cause`."""
        self._entries.append(entry)
        self.lines.append(Recorded(0, self.now, self.conversation.episode, self._turn, entry))
        return len(self._entries) - 1

    def change(self, **fields: Any) -> None:
        """Change the conversation: owner, owner_name, status."""
        self._changes |= fields
        self.conversation = msgspec.structs.replace(self.conversation, **fields)

    def await_customer(self) -> None:
        """The customer has the word. A matter of the agent's is closed once it has gone quiet."""
        self.change(status="waiting_customer")
        if self.conversation.owner == "agent":
            self.remind("quiet", self.now + self.desk.quiet())

    def silence_agent(self) -> None:
        """The agent's words of before are not sent any more."""
        self._changes["bump_epoch"] = True

    def close_matter(self) -> None:
        """The next message opens a new episode."""
        self._changes["new_episode"] = True

    def move(self, action: Action, after: ActionState, by: str = "", *, changed: bool = False) -> Action:
        """Move an action on; `changed`: it is kept as it is given here."""
        self._moves.append(Move(action.id, action.state, after, by, action if changed else None))
        moved = msgspec.structs.replace(
            action, state=after, **({"decided_by": by, "decided_at": self.now} if by else {})
        )
        self._actions[action.id] = moved
        return moved

    def remind(self, name: str, due_at: int, data: dict[str, Any] | None = None, key: str = "") -> None:
        """Leave a memo; the same key again moves it."""
        self._memos.append(Memo(key or name, name, due_at, data or {}))

    def cancel(self, *keys: str) -> None:
        """Take memos back."""
        self._cancel += keys

    def announce(self, name: str, /, **values: str) -> bool:
        """Say the gateway's own words without anybody's click, which a channel in draft mode does not do: False."""
        if self.desk.mode(self.conversation.address.channel) == "draft":
            return False
        self.tell_customer(name, **values)
        return True

    def tell_customer(self, name: str, /, **values: str) -> None:
        """Say the gateway's own words to the customer, because a person did something."""
        text = text_for(self.desk.words, name, self.conversation.language, **values)
        if text:
            self.say(Said(text, "system"), self.record(SystemSaid(text=text)), name)

    def say(self, words: Said, cause: int | None, name: str, key: str = "", epoch: int | None = None) -> None:
        """Send words to the customer."""
        key = key or self._key(name)
        self._outbounds.append((Outbound(key, "say", self.conversation.address, words, epoch=epoch), cause))

    def send_template(self, name: str) -> None:
        """Send the customer words that their platform has approved, by the name they have in the channel's section."""
        place = self.record(SystemSaid(text=f"[{name}]"))
        to = self.conversation.address
        self._outbounds.append((Outbound(self._key("template"), "say", to, Template(name)), place))

    def reach_customer(
        self, act: Act, target_key: str, name: str, words: Said | None = None, cause: int | None = None
    ) -> None:
        """Replace or remove words that were sent to the customer."""
        outbound = Outbound(self._key(name), act, self.conversation.address, words, target_key=target_key)
        self._outbounds.append((outbound, cause))

    def post(self, content: Content, name: str, key: str = "") -> None:
        """Say something in the conversation's thread at the desk, which is opened if there is none."""
        self.open_thread()
        self._at_desk("say", content, key or self._key(name))

    def tell_desk(self, text: str, *, broadcast: bool = False) -> None:
        """The gateway's own words in the thread (Markdown)."""
        self.post(Said(text, "system", broadcast=broadcast), "line")

    def show_files(self) -> None:
        """What the customer has shared in this matter appears in the thread; each file once, however often this is asked."""
        for line in self.lines:
            if line.episode == self.conversation.episode and isinstance(line.entry, CustomerSaid):
                for number, told in enumerate(line.entry.attachments):
                    file = msgspec.convert(told, Attachment)
                    shared = Said("", "customer", self.customer(), attachments=(self.shared_here(file),))
                    self._at_desk("say", shared, f"file:{self.conversation.id}:{line.entry.id}:{number}")

    def shared_here(self, file: Attachment) -> Attachment:
        """A file of the customer's, with the channel where it is."""
        return msgspec.structs.replace(file, channel=self.conversation.address.channel)

    def replace(self, content: Content, target_key: str) -> None:
        """Draw a message of the thread anew."""
        self._at_desk("replace", content, f"{target_key}:{self._turn}", target_key=target_key)

    def mark(self, mark: Mark, target: str, at: Address | None = None) -> None:
        """Put a sign on a message in the thread; `at` is where it stands, which may be no place of the desk's."""
        to = self.conversation.desk or at
        if to is not None and (at is None or at.channel == self.desk.channel):
            self._outbounds.append((Outbound(self._key("mark"), "mark", to, mark, target=target), None))

    def open_thread(self, reason: str = "", detail: str = "") -> bool:
        """Open the case at the desk; False when it is open or there is no desk. The card is drawn when the turn closes."""
        self._reason = (reason or self._reason[0], detail or self._reason[1])
        self.update_card()
        if self.conversation.desk is not None:
            return False
        place = self.desk.route(self.capsule())
        if not place:
            return False
        thread = f"{CASE_PREFIX}{self.conversation.id}"
        self.conversation = msgspec.structs.replace(
            self.conversation,
            desk=Address(self.conversation.address.tenant, self.desk.channel, self.desk.account, place, thread),
        )
        self._opens = True
        return True

    def show_again(self) -> None:
        """The matter is in the open thread again: a line that the whole channel sees, and everything as it stands now."""
        capsule = self.capsule()
        self.tell_desk(f"Handed over again: {literal(capsule.reason_text or capsule.reason)}", broadcast=True)
        self.post(CaseDetails(capsule), "details", key=f"details:{self.conversation.id}:{self._turn}")

    def update_card(self) -> None:
        """The card's content has changed; it is drawn once, when the turn closes."""
        self._card = True

    def customer(self) -> str:
        """The customer's name."""
        episode = self.conversation.episode
        return case.who(self.conversation, [line for line in self.lines if line.episode == episode]).name

    def capsule(self) -> Capsule:
        """The case as it stands now."""
        reason, detail = self._reason
        return case.build(
            self.conversation, self.lines, self._actions.values(), now=self.now, reason=reason, detail=detail,
            link=self.desk.link(self.conversation.id), reply_until=self.reply_until(),
        )  # fmt: skip

    def reply_until(self) -> int:
        """Until when the customer's platform lets us write to them, UTC ms; 0 where it always does."""
        window = self.desk.limits(self.conversation.address.channel).window
        heard = (line.at for line in reversed(self.lines) if isinstance(line.entry, CustomerSaid | CustomerPressed))
        return next(heard, self.now) + window if window else 0

    def close(self) -> Turn:
        """Everything decided, as the bus takes it."""
        desk = self._opening() if self._opens else []
        if self._card and not self._opens and self.conversation.desk is not None:
            self.replace(_card(self.capsule()), f"card:{self.conversation.id}")
        return Turn(
            entries=tuple(self._entries),
            outbounds=(*desk, *(self._caused(outbound, place) for outbound, place in self._outbounds)),
            moves=tuple(self._moves),
            memos=tuple(self._memos),
            cancel=tuple(self._cancel),
            **self._changes,
        )

    def _opening(self) -> list[Outbound]:
        capsule, to = self.capsule(), self.conversation.desk
        if to is None:
            return []
        key = self.conversation.id
        return [
            Outbound(f"card:{key}", "say", to, _card(capsule)),
            Outbound(f"details:{key}:{self._turn}", "say", to, CaseDetails(capsule)),
        ]

    def _at_desk(self, act: Act, content: Content, key: str, *, target_key: str = "") -> None:
        if self.conversation.desk is not None:
            self._outbounds.append((Outbound(key, act, self.conversation.desk, content, target_key=target_key), None))

    def _caused(self, outbound: Outbound, place: int | None) -> Outbound:
        """Entries are counted from the end of the turn, as the bus does."""
        return outbound if place is None else msgspec.structs.replace(outbound, cause=place - len(self._entries))

    def _key(self, name: str) -> str:
        return f"{name}:{self.conversation.id}:{self._turn}:{len(self._outbounds)}"


def _card(capsule: Capsule) -> CaseCard:
    """The card without the story, which the details tell once: a card is kept anew for each message, however long it is."""
    return CaseCard(msgspec.structs.replace(capsule, transcript=(), tools=(), sources=()))
