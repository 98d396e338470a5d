"""Journals for turns that a test drives itself, and writing calls in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bus.action import Action
from bus.effect import Claim, Reservation
from bus.entries import ModelReplied, Step, ToolAnswered, ToolAsked
from bus.journal import TurnJournal
from bus.message import Work
from bus.store import arrivals
from bus.store.claims import Lease
from tests.bus.scripts import NOW, message, peer
from tests.bus.world import World

Answer = Callable[[], Awaitable[ToolAnswered]]
REFUND = Claim("refund", "key-1", once="once-1")


async def begun(world: World, who: str = "ada", owner: str = "p1") -> tuple[Work, TurnJournal]:
    """Work that the test itself took, and its journal."""
    lease = Lease(owner, world.clock() + 30_000)
    accepted = await world.tenant.write(
        arrivals.accept, message(next(world.numbers), at=peer(who)), side="customer", now=world.clock(),
        fresh=world.new_id("c"), lease=lease,
    )  # fmt: skip
    assert accepted.work is not None
    return accepted.work, journal(world, accepted.work, owner)


def journal(world: World, work: Work, owner: str = "p1") -> TurnJournal:
    return TurnJournal(
        world.tenant, work, lambda: Lease(owner, world.clock() + 30_000), world.clock, world.new_id, world.process.hub
    )


async def resumed(world: World, work: Work) -> TurnJournal:
    """The journal of the same turn after a crash."""
    again = journal(world, msgspec.structs.replace(work, rows=(msgspec.structs.replace(work.rows[0], attempts=2),)))
    await again.load()
    return again


def asked(reservation: Reservation) -> ToolAsked:
    return ToolAsked(tool="refund", args={}, policy={"verdict": "allow"}, effect="write", idempotency_key="key-1")


def never(reservation: Reservation) -> ToolAsked:
    raise AssertionError("an intent that is recorded is not recorded again")


def ok(result: Any = "paid", status: Any = "ok") -> Answer:
    async def produce() -> ToolAnswered:
        return ToolAnswered(tool="refund", status=status, result=result)

    return produce


async def not_called() -> ToolAnswered:
    raise AssertionError("called twice")


async def thought() -> Step:
    return ModelReplied(model="m", text="thought")


async def unasked() -> Step:
    raise AssertionError("asked twice")


async def flushed(world: World) -> None:
    """Everything queued so far is on the disk."""
    await world.tenant.write(lambda tx: None)


async def calls(world: World, claim: Claim, who: str) -> str:
    """One conversation's whole writing call; the ledger's verdict."""
    _, one = await begun(world, who)
    _, place = await one.intend("refund", claim, asked)
    if place.verdict == "go":
        await one.outcome("refund", ok(who), claim)
        await flushed(world)
    return place.verdict


def action(work: Work) -> Action:
    return Action(
        "act_1", work.conversation.id, "tool", "staff", "approved", "refund", {}, "d", "v1", "key-1", NOW, NOW + 1
    )
