"""The journal: steps found again, interrupts heard where they may be and only there."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from bus.entries import CustomerSaid, Step, ToolAnswered
from bus.errors import Diverged, Interrupted, Superseded
from bus.message import Memo
from bus.store import actions, arrivals, inbox
from bus.wake import Discard, Preview
from tests.bus.calls import (
    REFUND,
    action,
    asked,
    begun,
    flushed,
    ok,
    resumed,
    thought,
    unasked,
)
from tests.bus.scripts import NOW, message, peer, thread
from tests.bus.world import World


async def test_steps_are_numbered_and_found_again_by_number_and_digest(world: World) -> None:
    work, first = await begun(world)
    written = [await first.step({"ask": number}, thought) for number in range(3)]
    await flushed(world)
    again = await resumed(world, work)
    assert [await again.step({"ask": number}, unasked) for number in range(3)] == written
    assert [step.step for step in written] == [1, 2, 3]
    assert again.steps == 3
    assert (await again.step({"ask": 3}, thought)).step == 4


async def test_equal_requests_have_equal_digests_however_their_numbers_are_written(world: World) -> None:
    work, first = await begun(world)
    await first.step({"amount": Decimal("189.40"), "of": 1}, thought)
    await flushed(world)
    await (await resumed(world, work)).step({"of": Decimal(1), "amount": 189.4}, unasked)


async def test_a_step_recorded_for_another_request_has_diverged(world: World) -> None:
    work, first = await begun(world)
    await first.step("this", thought)
    await flushed(world)
    with pytest.raises(Diverged):
        await (await resumed(world, work)).step("that", thought)


async def test_the_window_shows_the_customer_but_not_this_turns_own_steps(world: World) -> None:
    _, one = await begun(world)
    await one.step("ask", thought)
    await flushed(world)
    assert [type(line.entry) for line in await one.window()] == [CustomerSaid]


async def test_actions_are_the_conversations_own(world: World) -> None:
    work, one = await begun(world)
    _, other = await begun(world, "bob")
    await world.tenant.write(actions.insert, action(work))
    assert [each.id for each in await one.actions()] == ["act_1"]
    assert await one.action("act_1") is not None
    assert await other.action("act_1") is None
    assert await other.actions() == []


async def test_it_says_whether_a_memo_still_waits(world: World) -> None:
    work, one = await begun(world)
    _, other = await begun(world, "bob")
    await world.tenant.write(inbox.remind, work.conversation.id, Memo("handover", "handover", NOW), NOW)
    assert await one.waits("handover")
    assert not await one.waits("quiet")
    assert not await other.waits("handover")


@pytest.mark.parametrize(("who", "raised"), [("staff", Interrupted), ("customer", Superseded)])
async def test_a_word_cancels_what_the_model_was_asked(world: World, who: str, raised: type[Exception]) -> None:
    _, one = await begun(world)
    waiting = asyncio.Event()

    async def forever() -> Step:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    asking = asyncio.create_task(one.step("ask", forever))
    await waiting.wait()
    one.interrupt(who)
    with pytest.raises(raised):
        await asking
    assert one.steps == 0


async def test_the_next_step_hears_a_word_that_only_the_store_knows_of(world: World) -> None:
    _, one = await begun(world)
    await world.tenant.write(arrivals.accept, message(900, at=peer()), side="customer", now=NOW)
    await one.step("ask", thought)
    await flushed(world)
    with pytest.raises(Superseded):
        await one.step("more", thought)


async def test_no_word_cancels_a_writing_call(world: World) -> None:
    _, one = await begun(world)
    await one.intend("refund", REFUND, asked)
    going, go = asyncio.Event(), asyncio.Event()

    async def slow() -> ToolAnswered:
        going.set()
        await go.wait()
        return await ok()()

    calling = asyncio.create_task(one.outcome("refund", slow, REFUND))
    await going.wait()
    one.interrupt("staff")
    go.set()
    assert (await calling).result == "paid"
    await flushed(world)
    assert (await world.row("effect_find", tool="refund", idempotency_key="key-1"))["state"] == "ok"
    with pytest.raises(Interrupted):
        one.check()


async def test_a_newer_message_never_starts_over_what_has_called_something(world: World) -> None:
    work, one = await begun(world)
    assert one.may_yield
    await one.intend("refund", REFUND, asked)
    one.interrupt("customer")
    one.check()
    assert (one.wrote, one.may_yield) == (True, False)
    assert (await resumed(world, work)).may_yield is False


@pytest.mark.parametrize(
    ("inbound", "side"), [(message(900, at=peer()), "customer"), (message(900, at=thread("t")), "staff")]
)
async def test_whoever_has_the_word_by_now_comes_before_a_writing_call(world: World, inbound: Any, side: Any) -> None:
    """`wait, don't` is in the inbox, and nobody has told this process: the call is not made."""
    from bus.store import conversations

    work, one = await begun(world)
    await world.tenant.write(conversations.link, thread("t"), work.conversation.id, "staff")
    await world.tenant.write(arrivals.accept, inbound, side=side, now=NOW)
    with pytest.raises(Superseded if side == "customer" else Interrupted):
        await one.intend("refund", REFUND, asked)
    assert await world.kinds(work.conversation.id) == ["customer_said"]
    assert await world.query("SELECT * FROM effect") == []


async def test_previews_are_shown_and_taken_back_once(world: World) -> None:
    work, one = await begun(world)
    with world.process.hub.subscribe(work.conversation.id) as reader:
        one.discard()
        one.preview(0, "Hel")
        one.preview(3, "lo")
        one.discard()
        one.discard()
        assert await reader.take() == [Preview(1, 0, "Hel"), Preview(1, 3, "lo"), Discard(1)]
