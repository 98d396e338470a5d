"""The books compared: what customers and staff know, what the log says, and what was done outside."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import psycopg

from bench.customers import Customer
from bench.team import Team
from bus.errors import Unavailable
from bus.store import log, open_store

Json = dict[str, Any]
SPOKEN = ("customer_said", "agent_said", "system_said", "staff_said")
WORDS = frozenset({"agent_said", "system_said", "staff_said"})
STAFF = frozenset({"handed_over", "taken_over", "claimed"})
AGENT = frozenset({"returned", "resolved"})


@dataclass
class Report:
    """One run. Everything after `effects` up to `broken` must be 0. Times in milliseconds, of acknowledgements.

    lost: acknowledged and not in the log (customers' messages, staff's replies). duplicated: in the log, on a stream or at the desk
    twice. doubled: effects applied twice. missing: writing calls that were made, or asked for and not handed to a person, without an
    effect. unauthorised: refunds that nobody approved. unanswered: questions nobody answered. unseen: words no stream has shown.
    """

    name: str
    seed: int
    kills: int = 0
    acked: int = 0
    stored: int = 0
    effects: int = 0
    replies: int = 0
    approvals: int = 0
    lost: int = 0
    duplicated: int = 0
    doubled: int = 0
    missing: int = 0
    unauthorised: int = 0
    inversions: int = 0
    unanswered: int = 0
    unseen: int = 0
    broken: int = 0
    p50: float = 0.0
    p99: float = 0.0
    seconds: float = 0.0
    endings: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """True when every count that must be zero is."""
        return not any(getattr(self, name) for name in ZERO)

    def __str__(self) -> str:
        told = [f"{one.name} {getattr(self, one.name)}" for one in fields(self) if one.name not in ("endings", "found")]
        ends = ", ".join(f"{name} {count}" for name, count in self.endings.most_common())
        return "  ".join(told) + f"\n  ended: {ends}" + "".join(f"\n  ✖ {line}" for line in self.found[:20])


ZERO = ("lost", "duplicated", "doubled", "missing", "unauthorised", "inversions", "unanswered", "unseen", "broken")

COMES_BACK = 20.0  # seconds


class Line(NamedTuple):
    """A line of the log."""

    seq: int
    turn: int
    kind: str
    body: Json


class Books:
    """One run's books. `found` says in words what does not fit."""

    def __init__(self, store: str, everybody: Iterable[Customer], team: Team, effects: Counter[str]) -> None:
        self.lines = read(store)
        self.everybody = list(everybody)
        self.team = team
        self.effects = effects
        self.found: list[str] = []

    def fill(self, report: Report) -> Report:
        """Put every count into the report."""
        said = {customer.conversation: self._ids(customer) for customer in self.everybody}
        report.acked = sum(len(customer.acked) for customer in self.everybody)
        report.stored = sum(map(len, said.values()))
        report.effects, report.replies = sum(self.effects.values()), len(self.team.replied)
        report.lost = sum(self._note("lost", set(one.acked) - set(said[one.conversation])) for one in self.everybody)
        recorded = {line.body["id"] for line in self._all("staff_said")}
        report.lost += self._note("reply lost", set(self.team.replied) - recorded)
        report.duplicated = sum(len(ids) - len(set(ids)) for ids in said.values()) + self._twice()
        report.inversions = sum(_inversions(ids) for ids in said.values())
        report.doubled = self._note("doubled", (order for order, count in self.effects.items() if count > 1))
        report.missing = self._note("missing", itertools.chain(self._unapplied(), self._unserved("cancel", "refund")))
        approved = self._approved()
        report.approvals = len(approved)
        refunds = {order for one in self.everybody for what, order in one.asked.values() if what == "refund"}
        report.unauthorised = self._note("unauthorised", (refunds & set(self.effects)) - approved)
        report.missing += self._note("approved and missing", approved - set(self.effects))
        report.unanswered = self._note("unanswered", itertools.chain(self._unserved("status"), self._silent()))
        report.unseen = self._note("unseen", self._unseen())
        report.endings = self._endings()
        report.found = self.found
        return report

    def _note(self, what: str, found: Iterable[object]) -> int:
        """How many there are; each is told."""
        told = [f"{what}: {one}" for one in found]
        self.found += told
        return len(told)

    def _all(self, *kinds: str) -> Iterator[Line]:
        return (line for lines in self.lines.values() for line in lines if line.kind in kinds)

    def _ids(self, customer: Customer) -> list[str]:
        """Client ids in the log's order."""
        lines = self.lines.get(customer.conversation, ())
        return [line.body["id"].rpartition(":")[2] for line in lines if line.kind == "customer_said"]

    def _twice(self) -> int:
        """Shown twice on a stream, posted twice at the desk, recorded twice from the desk."""
        replies = Counter(line.body["id"] for line in self._all("staff_said"))
        again = sum(count - 1 for count in replies.values())
        shown = sum(customer.repeated for customer in self.everybody)
        posted = self._note("at the desk twice", range(self.team.doubled() + again))
        return self._note("shown twice", range(shown)) + posted

    def _unapplied(self) -> Iterator[str]:
        """Writing calls that the log says were made, without an effect outside."""
        for line in self._all("tool_asked"):
            if line.body["effect"] == "write" and line.body["policy"]["verdict"] != "refuse":
                order = line.body["args"]["order"]
                if not self.effects[order]:
                    yield f"{line.body['tool']} {order} was called"

    def _approved(self) -> set[str]:
        decided = self._all("approval_decided")
        return {line.body["args"]["order"] for line in decided if line.body["verdict"] == "approved"}

    def _unserved(self, *wanted: str) -> Iterator[str]:
        """What was asked, neither done nor answered, and not given to a person."""
        for customer in self.everybody:
            lines = self.lines.get(customer.conversation, [])
            said = ((at, line.body["id"]) for at, line in enumerate(lines) if line.kind == "customer_said")
            places = {name.rpartition(":")[2]: at for at, name in said}
            for name, (what, order) in customer.asked.items():
                if what in wanted and name in places and not self._is_served(lines, places[name], what, order):
                    yield f"{what} {order} of {customer.conversation}"

    def _is_served(self, lines: list[Line], at: int, what: str, order: str) -> bool:
        if _owner(lines[:at]) == "staff" or (what != "status" and self.effects[order]):
            return True
        rest = lines[at:]
        if what == "status" and any(line.kind in WORDS and order in line.body["text"] for line in rest):
            return True
        if what == "refund" and any(line.kind == "approval_asked" and order in str(line.body["args"]) for line in rest):
            return True
        return self._went_to_person(rest)

    @staticmethod
    def _went_to_person(rest: list[Line]) -> bool:
        """The turn that served it ended at a person."""
        ended = next((line for line in rest if line.kind in ("decided", "parked", "taken_over", "claimed")), None)
        return ended is not None and (ended.kind != "decided" or ended.body["decision"] == "hand_over")

    def _silent(self) -> Iterator[str]:
        """Conversations whose last word is the customer's, and nobody has them."""
        for conversation, lines in self.lines.items():
            spoken = [line.kind for line in lines if line.kind in SPOKEN]
            if spoken and spoken[-1] == "customer_said" and _owner(lines) == "agent":
                yield f"{conversation} ends with the customer's words"

    def _unseen(self) -> Iterator[str]:
        """Lines that the customer should have been shown and was not."""
        for customer in self.everybody:
            due = {line.seq for line in self.lines.get(customer.conversation, ()) if line.kind in SPOKEN}
            yield from (f"{customer.conversation} line {seq}" for seq in sorted(due - set(customer.seen)))

    def _endings(self) -> Counter[str]:
        """How turns ended, why people took over, and what was parked."""
        ends: Counter[str] = Counter()
        for line in self._all("handed_over"):
            ends[f"handed over ({line.body['reason']})"] += 1
        for line in self._all("parked"):
            ends[f"parked ({line.body['why']})"] += 1
        for line in self._all("decided"):
            if line.body["decision"] != "hand_over":
                ends[f"{line.body['decision']} ({line.body['reason']})"] += 1
        for kind in ("superseded", "interrupted", "resolved"):
            ends[kind] += sum(1 for _ in self._all(kind))
        return +ends


def read(store: str) -> dict[str, list[Line]]:
    """Every conversation's log."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for name, seq, turn, kind, body in rows(
        store, "SELECT conversation, seq, turn, kind, body FROM entry ORDER BY conversation, seq"
    ):
        lines[name].append(Line(seq, turn, kind, json.loads(body)))
    return lines


def waiting(store: str) -> int:
    """Rows that still have a way to go. Memos that are due later may wait."""
    inbox = "SELECT COUNT(*) FROM inbox WHERE state = 'ready' AND (kind != 'memo' OR due_at <= received_at + 5000)"
    outbox = "SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'sending')"
    return sum(int(count) for statement in (inbox, outbox) for (count,) in rows(store, statement))


def rows(store: str, statement: str) -> list[tuple[Any, ...]]:
    """What a statement finds in the store of this URL, read beside whoever serves from it."""
    if store.startswith("postgresql://"):
        return _served(store, statement)
    with closing(sqlite3.connect(f"file:{store.removeprefix('sqlite:///')}?mode=ro", uri=True)) as books:
        return books.execute(statement).fetchall()


def _served(store: str, statement: str) -> list[tuple[Any, ...]]:
    """The same of a server, which may be coming back just now."""
    until = time.monotonic() + COMES_BACK
    while True:
        try:
            with psycopg.connect(store) as served:
                return served.execute(statement.encode()).fetchall()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


async def broken_chains(store: str) -> int:
    """How many conversations have a hash chain that does not fit."""
    until = time.monotonic() + COMES_BACK
    while True:
        try:
            return await _broken(store)
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


async def _broken(store: str) -> int:
    opened = open_store(store, readonly=True)
    try:
        return len((await opened.tenant("default").read(log.verify))[1])
    finally:
        await opened.close()


def _owner(lines: Iterable[Line]) -> str:
    owner = "agent"
    for line in lines:
        owner = "staff" if line.kind in STAFF else "agent" if line.kind in AGENT else owner
    return owner


def _inversions(ids: list[str]) -> int:
    numbers = [int(name.rpartition("-")[2]) for name in ids]
    return sum(1 for before, after in itertools.pairwise(numbers) if before >= after)
