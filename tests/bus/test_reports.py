"""What platforms tell afterwards of what we sent."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from bus.entries import Delivered, DeliveryFailed
from bus.message import Inbound, Sender
from tests.bus.scripts import NOW, peer, says
from tests.bus.world import World


def report(platform_id: str, status: str, reason: str = "", attempt: str = "") -> Inbound:
    """What a platform tells of a message of ours."""
    data = {"status": status, "reason": reason, "attempt": attempt}
    key = f"status:{platform_id}:{status}"
    return Inbound(key, peer(), Sender("tg"), "delivery", NOW, target=platform_id, data=data)


# What platforms tell afterwards.


async def test_a_failure_that_a_platform_tells_later_is_recorded_and_told(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()
    told = await world.accept(report("tg-1", "failed", "63016"))
    assert (told.new, told.conversation) == (True, accepted.conversation)
    assert (await world.accept(report("tg-1", "failed", "63016"))).new is False
    await world.settle()
    assert [entry.reason for entry in await world.entries(accepted.conversation, DeliveryFailed)] == ["63016"]
    assert [data["of"] for data in world.reports()] == [2]


@pytest.mark.parametrize("seed", range(6))
async def test_reports_in_any_order_and_number_have_one_end(world: World, seed: int) -> None:
    """accepted < delivered < failed, whatever comes first and however often."""
    accepted = await world.say("hello")
    await world.settle()
    events = ["accepted", "delivered", "delivered", "failed", "accepted", "failed"]
    random.Random(seed).shuffle(events)
    for number, status in enumerate(events):
        inbound = report("tg-1", status, "no" if status == "failed" else "")
        await world.accept(Inbound(f"{inbound.key}:{number}", *_rest(inbound)))
    await world.settle()
    assert (await world.post(f"reply:{accepted.conversation}:1"))["state"] == "failed"
    assert len(await world.entries(accepted.conversation, DeliveryFailed)) == 1
    assert len(await world.entries(accepted.conversation, Delivered)) == 1


def _rest(inbound: Inbound) -> tuple[Any, ...]:
    return tuple(getattr(inbound, name) for name in Inbound.__struct_fields__[1:])


async def test_a_report_that_is_quicker_than_our_own_mark_waits_for_it(world: World) -> None:
    world.tg.gate = asyncio.Event()
    accepted = await world.say("hello")
    await world.tg.started.wait()
    assert (await world.accept(report("tg-1", "failed", "late"))).conversation == ""
    await world.intake.route()
    world.tg.gate.set()
    await world.settle()
    assert [entry.reason for entry in await world.entries(accepted.conversation, DeliveryFailed)] == ["late"]


async def test_a_report_that_names_the_attempt_proves_that_it_arrived(world: World) -> None:
    """The answer to the call was lost, the platform cannot be asked; its callback settles it."""
    conversation = await world.crash_while_sending(arrives=True)
    world.tg.blind = True
    await world.accept(report("SM1", "accepted", attempt=world.tg.calls[0].attempt))
    await world.settle()
    assert (await world.post(f"reply:{conversation}:1"))["platform_id"] == "SM1"
    assert [entry.of for entry in await world.entries(conversation, Delivered)] == [2]
    assert len(world.tg.calls) == 1


async def test_a_report_that_overtakes_the_answer_does_not_stop_the_line(world: World) -> None:
    world.agent.script = says("a", "b")
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    await world.accept(report("tg-1", "delivered", attempt=world.tg.calls[0].attempt))
    world.tg.gate.set()
    await world.settle()
    assert world.tg.texts == ["a", "b"]


async def test_a_report_about_nothing_of_ours_is_dropped_in_the_end(world: World) -> None:
    await world.accept(report("SM-other", "failed", "x"))
    await world.intake.route()
    assert await world.query("SELECT state FROM inbox") == [("unrouted",)]
    world.clock.advance(301)
    await world.intake.route()
    assert await world.query("SELECT state FROM inbox") == [("parked",)]
    assert await world.query("SELECT COUNT(*) FROM conversation") == [(0,)]


async def test_staffs_words_that_arrived_are_told_to_the_relay(world: World) -> None:
    await world.open_case()
    await world.staff("Sara here")
    await world.settle()
    assert [data["reason"] for data in world.reports()] == [""]
