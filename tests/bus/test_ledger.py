"""Writing calls and the ledger: one effect per key, sums under their limits, and the same answer after a crash."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest

from bus.effect import Cap, Claim, Reservation
from bus.entries import ToolAsked
from bus.errors import Stale
from tests.bus.calls import (
    REFUND,
    asked,
    begun,
    calls,
    flushed,
    never,
    not_called,
    ok,
    resumed,
)
from tests.bus.world import World


async def test_the_intent_is_durable_and_carries_the_ledgers_verdict(world: World) -> None:
    work, one = await begun(world)
    entry, place = await one.intend("refund", REFUND, asked)
    assert place == Reservation("go")
    (line,) = await world.entries(work.conversation.id, ToolAsked)
    assert line == entry
    assert (line.step, line.ledger) == (1, "go")


async def test_once_means_once_and_again_is_the_first_result(world: World) -> None:
    assert await calls(world, REFUND, "ada") == "go"
    _, other = await begun(world, "bob")
    assert (await other.intend("refund", REFUND, asked))[1] == Reservation("done", "ada")


async def test_a_hundred_askings_at_once_are_one_effect(world: World) -> None:
    verdicts = await asyncio.gather(*(calls(world, REFUND, f"c{number}") for number in range(100)))
    assert verdicts.count("go") == 1, f"{verdicts.count('go')} effects of {len(verdicts)} askings"
    assert set(verdicts) <= {"go", "busy", "done"}


async def test_limits_hold_over_parallel_conversations(world: World) -> None:
    def claim(number: int) -> Claim:
        cap = Cap("customer:1", 86_400_000, Decimal(30), Decimal(300))
        return Claim("refund", f"key-{number}", caps=(cap,), amounts=(("customer:1", Decimal(30)),))

    verdicts = await asyncio.gather(*(calls(world, claim(number), f"c{number}") for number in range(50)))
    assert (verdicts.count("go"), verdicts.count("limit")) == (10, 40)
    assert await calls(world, claim(99), "late") == "limit"
    world.clock.advance(86_401)
    assert await calls(world, claim(100), "later") == "go"


@pytest.mark.parametrize(
    ("status", "next_verdict"), [("ok", "done"), ("error", "go"), ("refused", "go"), ("unknown", "unknown")]
)
async def test_how_a_call_ended_decides_what_the_next_asking_hears(
    world: World, status: str, next_verdict: str
) -> None:
    _, one = await begun(world)
    await one.intend("refund", REFUND, asked)
    await one.outcome("refund", ok("x", status), REFUND)
    await flushed(world)
    _, other = await begun(world, "bob")
    assert (await other.intend("refund", REFUND, asked))[1].verdict == next_verdict


async def test_a_failed_call_gives_its_amount_back(world: World) -> None:
    cap = Cap("order:1", 1000, Decimal(10), Decimal(10))
    claim = Claim("refund", "key-1", caps=(cap,), amounts=(("order:1", Decimal(10)),))
    _, one = await begun(world)
    await one.intend("refund", claim, asked)
    await one.outcome("refund", ok("no", "error"), claim)
    await flushed(world)
    assert await calls(world, msgspec.structs.replace(claim, idempotency_key="key-2"), "bob") == "go"


async def test_only_the_turn_that_holds_a_place_settles_it(world: World) -> None:
    """A call that was refused by a limit ends as refused, and that does not free somebody else's place."""
    _, one = await begun(world)
    cap = Cap("order:1", 1000, Decimal(10), Decimal(1))
    refused = msgspec.structs.replace(REFUND, caps=(cap,))
    assert (await one.intend("refund", refused, asked))[1].verdict == "limit"
    _, other = await begun(world, "bob")
    assert (await other.intend("refund", REFUND, asked))[1].verdict == "go"
    await one.outcome("refund", ok("limit", "refused"), refused)
    await flushed(world)
    assert (await world.row("effect_find", tool="refund", idempotency_key="key-1"))["state"] == "reserved"


async def test_after_a_crash_an_intent_without_an_answer_goes_on_without_being_recorded_again(world: World) -> None:
    work, one = await begun(world)
    entry, _ = await one.intend("refund", REFUND, asked)
    again = await resumed(world, work)
    assert await again.intend("refund", REFUND, never) == (entry, Reservation("go"))
    await again.outcome("refund", ok(), REFUND)
    await flushed(world)
    assert len(await world.entries(work.conversation.id, ToolAsked)) == 1


@pytest.mark.parametrize("status", ["ok", "error", "unknown"])
async def test_after_a_crash_an_answered_call_is_as_it_was(world: World, status: str) -> None:
    work, one = await begun(world)
    await one.intend("refund", REFUND, asked)
    written = await one.outcome("refund", ok("x", status), REFUND)
    await flushed(world)
    before = await world.query("SELECT * FROM effect")
    again = await resumed(world, work)
    assert (await again.intend("refund", REFUND, never))[1].verdict == "go"
    assert await again.outcome("refund", not_called, REFUND) == written
    assert await world.query("SELECT * FROM effect") == before


async def test_after_a_crash_what_was_not_allowed_stays_so(world: World) -> None:
    cap = Cap("order:1", 1000, Decimal(10), Decimal(15))
    claim = Claim("refund", "key-1", caps=(cap,), amounts=(("order:1", Decimal(10)),))
    assert await calls(world, msgspec.structs.replace(claim, idempotency_key="key-0"), "bob") == "go"
    work, one = await begun(world)
    assert (await one.intend("refund", claim, asked))[1] == Reservation("limit", because="order:1")
    world.clock.advance(60)
    again = await resumed(world, work)
    assert (await again.intend("refund", claim, never))[1].verdict == "limit"
    assert len(await world.query("SELECT * FROM effect")) == 1


async def test_after_a_crash_a_second_asking_is_still_told_of_the_first(world: World) -> None:
    """The same turn asked twice: the second intent was `done`, and does not become a call because its row is the turn's own."""
    work, one = await begun(world)
    await one.intend("refund", REFUND, asked)
    await one.outcome("refund", ok(), REFUND)
    assert (await one.intend("once more", REFUND, asked))[1] == Reservation("done", "paid")
    again = await resumed(world, work)
    await again.intend("refund", REFUND, never)
    await again.outcome("refund", not_called, REFUND)
    assert (await again.intend("once more", REFUND, never))[1] == Reservation("done", "paid")


async def test_a_resumed_intent_needs_the_lease(world: World) -> None:
    work, one = await begun(world)
    await one.intend("refund", REFUND, asked)
    world.clock.advance(31)
    await world.another("p2").worker.sweep()
    with pytest.raises(Stale):
        await (await resumed(world, work)).intend("refund", REFUND, never)
