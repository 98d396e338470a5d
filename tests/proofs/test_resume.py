"""A turn that called something and broke off goes on where it was, whatever happened in its conversation meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from demo.slack.people import SARA
from tests.proofs.stage import Stage, staged
from tests.support.visitor import Visitor


class Held:
    """Holds the answer about one order until `go`."""

    def __init__(self, stage: Stage, order: str) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self._order = order
        stage.orders.applied = self._applied

    async def _applied(self, order: str) -> None:
        if order == self._order:
            self.reached.set()
            await self.go.wait()


def kinds(stage: Stage, customer: Visitor) -> Counter[str]:
    return Counter(line.kind for line in stage.lines(customer))


async def cancelled_meanwhile(stage: Stage, customer: Visitor, press: str) -> None:
    """The customer cancels; while the answer is on its way, a person presses a button of the case."""
    card = await stage.opened(customer)
    held = Held(stage, "X-2")
    await customer.say("please cancel my order X-2")
    await held.reached.wait()
    await stage.slack.press(SARA, card.ts, press)
    held.go.set()
    await stage.settle()


async def test_a_person_who_closes_the_matter_meanwhile_costs_no_answer(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        customer = await stage.visitor()
        await cancelled_meanwhile(stage, customer, "resolve")
        seen = kinds(stage, customer)
        assert (seen["parked"], seen["handed_over"], stage.orders.effects["X-2"]) == (0, 1, 1)
        told = await customer.sees(lambda item: "X-2 is cancelled" in item["text"])
        assert told["from"] == "agent"
        await customer.leave()


async def test_a_person_who_takes_the_case_meanwhile_silences_the_agent(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        customer = await stage.visitor()
        await cancelled_meanwhile(stage, customer, "claim")
        seen = kinds(stage, customer)
        assert (seen["interrupted"], seen["taken_over"], seen["parked"], stage.orders.effects["X-2"]) == (1, 1, 0, 1)
        assert not [line for line in stage.lines(customer) if line.kind == "agent_said" and "X-2" in line.body["text"]]
        await customer.leave()


async def test_an_approval_meanwhile_does_not_part_the_turn_from_its_steps(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        customer = await stage.visitor()
        await customer.say("please refund my order X-1")
        await customer.hears("agent")
        approval = await stage.approval(customer)
        held = Held(stage, "X-2")
        await customer.say("please cancel my order X-2")
        await held.reached.wait()
        await stage.slack.press(SARA, approval.ts, "approve")
        held.go.set()
        await stage.settle()
        assert stage.orders.effects == Counter({"X-1": 1, "X-2": 1})
        assert kinds(stage, customer)["parked"] == 0
        for order, done in (("X-1", "refunded"), ("X-2", "cancelled")):
            words = f"{order} is {done}"
            await customer.sees(lambda item: words in item["text"])  # noqa: B023 - awaited here
        await customer.leave()


async def break_off(monkeypatch: pytest.MonkeyPatch, *points: str) -> list[str]:
    """The turn breaks off at these points, once at each; returns the points that are still to come."""
    left = list(points)

    def failing(name: str) -> None:
        if left and name == left[0]:
            left.pop(0)
            raise RuntimeError(f"breaks off at {name}")

    monkeypatch.setattr("bus.journal.failpoint", failing)
    monkeypatch.setattr("bus.retry.backoff", lambda attempts: 0)
    return left


async def test_a_long_conversation_is_resumed_as_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(tmp_path) as stage:
        customer = await stage.visitor()
        while len(stage.lines(customer)) < 230:
            await customer.say("where is my order X-7")
            await stage.settle()
        for number in range(9):
            left = await break_off(monkeypatch, "K16")
            await customer.say(f"please cancel my order X-2{number}")
            await stage.settle()
            assert not left
            # Fewer lines than a question has, so that the window's edge falls elsewhere each time.
            await customer.say("hello")
            await stage.settle()
        assert kinds(stage, customer)["parked"] == 0, f"{kinds(stage, customer)['parked']} of 9 turns were given up"
        assert stage.orders.effects == Counter(f"X-2{number}" for number in range(9))
        await customer.leave()


async def test_a_turn_that_gets_further_each_time_is_no_poison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = ("K10", "K11", "K10", "K11", "K12", "K13", "K14", "K16", "K10", "K11")
    async with staged(tmp_path) as stage:
        customer = await stage.visitor()
        left = await break_off(monkeypatch, *points)
        await customer.say("please cancel my order X-2")
        await stage.settle()
        assert not left, f"{len(left)} of {len(points)} points were never reached"
        assert kinds(stage, customer)["parked"] == 0, f"parked after {len(points)} attempts that all got further"
        assert stage.orders.effects == Counter({"X-2": 1})
        await customer.sees(lambda item: "X-2 is cancelled" in item["text"])
        await customer.leave()
