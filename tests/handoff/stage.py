"""A conversation, a team and a journal that only remember: enough to take one turn of the relay."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from bus.action import Action
from bus.capsule import Capsule
from bus.channel import Limits, Person
from bus.effect import Claim, Reservation
from bus.entries import CustomerSaid, Entry, HandedOver, Recorded, Step, ToolAnswered, ToolAsked
from bus.message import (
    Address,
    CaseDetails,
    Conversation,
    Inbound,
    InboundKind,
    Memo,
    Move,
    Received,
    Sender,
    Side,
    Turn,
    Words,
    Work,
)
from handoff.open_turn import Desk
from handoff.relay import Relay

NOW = 1_779_271_200_000  # 20 May 2026, 10:00 UTC
TURN = 7
WEB = Address("default", "web", "site", "visitor-1")
CASE = Address("default", "desk", "slack", "C1", "case:c1")
THREAD = Address("default", "desk", "slack", "C1", "1779271200.000100")
SARA, BEN, GUEST = "U1", "U2", "U9"
TEAM = {
    SARA: Person(SARA, "Sara Lindqvist", "", frozenset({"member", "approver"})),
    BEN: Person(BEN, "Ben Okafor", "", frozenset({"member"})),
}


def conversation(**changes: Any) -> Conversation:
    """A web visitor's conversation with an open case that waits for a person."""
    plain = Conversation(
        id="c1", address=WEB, owner="staff", owner_name="", epoch=1, episode=1, status="waiting_staff", language="en",
        summary="", created_at=NOW - 60_000, updated_at=NOW - 1_000, desk=CASE,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def action(**changes: Any) -> Action:
    """A refund that waits for staff."""
    plain = Action(
        id="act_1", conversation="c1", what="tool", asks="staff", state="pending", tool="create_refund",
        args={"order_id": "A-48291", "amount": Decimal("189.40")}, digest="d1", spec="v1", idempotency_key="k1",
        created_at=NOW - 5_000, expires_at=NOW + 3_600_000, reason="amount_above_200", turn=6, episode=1,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def log(*entries: Entry, episode: int = 1) -> list[Recorded]:
    """Lines of the log, a second apart, the last one a second ago."""
    first = NOW - len(entries) * 1_000
    return [Recorded(n + 1, first + n * 1_000, episode, n + 1, entry) for n, entry in enumerate(entries)]


WAITING = log(CustomerSaid(text="Where is my refund?", name="Ana Ruiz"), HandedOver(reason="warehouse_flag"))


@dataclass
class Notebook:
    """Implements bus.consumer.Journal as far as the relay asks."""

    lines: Sequence[Recorded] = ()
    known: Sequence[Action] = ()
    due: Sequence[str] = ()
    turn: int = TURN
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def now(self) -> int:
        return NOW

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"

    async def window(self, limit: int = 200) -> Sequence[Recorded]:
        return list(self.lines)[-limit:]

    async def actions(self) -> Sequence[Action]:
        return [one for one in self.known if one.state in {"pending", "approved", "executing", "blocked", "unknown"}]

    async def action(self, action_id: str) -> Action | None:
        return next((one for one in self.known if one.id == action_id), None)

    async def waits(self, memo: str) -> bool:
        return memo in self.due

    async def step(self, request: object, produce: Callable[[], Awaitable[Step]]) -> Step:
        raise NotImplementedError

    async def intend(
        self, request: object, claim: Claim, record: Callable[[Reservation], ToolAsked], move: Move | None = None
    ) -> tuple[ToolAsked, Reservation]:
        raise NotImplementedError

    async def outcome(
        self, request: object, produce: Callable[[], Awaitable[ToolAnswered]], claim: Claim
    ) -> ToolAnswered:
        raise NotImplementedError

    def preview(self, offset: int, text: str) -> None:
        raise NotImplementedError

    def discard(self) -> None:
        raise NotImplementedError


async def people(channel: str, sender: str) -> Person:
    return TEAM.get(sender, Person(sender, "Robin Vale"))


def desk(**changes: Any) -> Desk:
    """The desk as the roof would build it."""
    plain = Desk(
        people=people, route=lambda _: "C1", words=lambda _, __: "", link=lambda name: f"https://x/{name}",
        limits=lambda _: Limits(pull=True),
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def row(kind: InboundKind, side: Side = "staff", *, number: int = 40, **fields: Any) -> Received:
    """An inbox row from the thread, or from the customer."""
    sender = fields.pop("sender", SARA if side == "staff" else "visitor-1")
    inbound = Inbound(
        key=f"{kind}:C1:1.2", address=THREAD if side == "staff" else WEB, sender=Sender(sender), kind=kind, at=NOW,
        **({"target": "1779271201.000200"} if side == "staff" else {}) | fields,
    )  # fmt: skip
    return Received(number, inbound, side, seq=0 if side == "staff" else 2)


def typed(text: str, *, sender: str = SARA, **data: Any) -> Received:
    """A line that a person typed into the thread."""
    return row("message", text=text, sender=sender, data=data)


def pressed(button: str, value: str = "c1", *, sender: str = SARA) -> Received:
    """A press on one of the desk's buttons."""
    return row("press", button=button, text=value, sender=sender)


def memo(name: str, **data: Any) -> Received:
    """A memo that came due."""
    address = Address("default", "memo", "", "c1")
    return Received(
        41, Inbound(f"memo:c1:{name}", address, Sender("gateway"), "memo", NOW, memo=name, data=data), "customer"
    )


def said(text: str, *, number: int = 42, name: str = "Ana Ruiz") -> Received:
    """A message of the customer's."""
    inbound = Inbound(f"message:m{number}", WEB, Sender("visitor-1", name), "message", NOW, text=text)
    return Received(number, inbound, "customer", seq=3)


async def take(
    *rows: Received,
    known: Sequence[Action] = (),
    lines: Sequence[Recorded] = WAITING,
    at: Desk | None = None,
    due: Sequence[str] = (),
    **changes: Any,
) -> Turn:
    """One turn of the relay over these rows, while these memos wait."""
    work = Work(conversation(**changes), "relay", rows, TURN, 1)
    return await Relay(at or desk()).take(work, Notebook(lines, known, due))


def to_customer(turn: Turn) -> list[tuple[str, str, str]]:
    """(speaker, name, text) of everything the customer gets."""
    found = [one.content for one in turn.outbounds if one.to == WEB and one.act == "say"]
    return [(one.speaker, one.name, one.text) for one in found if isinstance(one, Words)]


def kinds(turn: Turn) -> list[str]:
    """The names of the turn's lines."""
    return [entry.kind() for entry in turn.entries]


def story(turn: Turn) -> Capsule:
    """The capsule of the details in this turn."""
    return next(one.content.capsule for one in turn.outbounds if isinstance(one.content, CaseDetails))


def without_story(capsule: Capsule) -> Capsule:
    """What the card shows of it."""
    return msgspec.structs.replace(capsule, transcript=(), tools=(), sources=())


def card(turn: Turn) -> Capsule:
    """The capsule on the case's card, as this turn draws it."""
    shown = [one.content for one in turn.outbounds if one.key.startswith("card:")]
    assert len(shown) == 1
    capsule: Capsule = shown[0].capsule  # type: ignore[union-attr]
    return capsule


def named(turn: Turn, name: str) -> Memo | None:
    """The memo of this name that the turn leaves."""
    return next((one for one in turn.memos if one.name == name), None)
