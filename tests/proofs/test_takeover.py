"""A person speaks while the agent is at work: the agent's call is recorded, its words are not said, the person's are."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.books import Line
from bus.store import turns
from demo.slack.message import Message
from demo.slack.people import SARA
from gateway.ids import clock as real_clock
from tests.proofs.figures import tell
from tests.proofs.stage import Stage, staged
from tests.support.visitor import Visitor

TAKEOVERS = int(os.environ.get("PROOF_TAKEOVERS", "60"))
AT_ONCE = 20
MOMENTS = 60.0
"""Turns of the event loop between the customer's words and the person's, at most; more and less as one of them wins too often."""


async def test_a_reply_during_a_long_writing_call(tmp_path: Path) -> None:
    ahead, reached, go = [0], asyncio.Event(), asyncio.Event()

    async def holds(order: str) -> None:
        reached.set()
        await go.wait()

    async with staged(tmp_path, clock=lambda: real_clock() + ahead[0]) as stage:
        customer = await stage.visitor()
        card = await stage.opened(customer)
        stage.orders.applied = holds
        await customer.say("please cancel my order X-2")
        await reached.wait()
        before = max(customer.messages)
        await stage.slack.post_as(SARA, "I am looking at it myself.", thread_ts=card.ts)
        ahead[0] += 5_000  # five seconds pass before the tool server answers
        go.set()
        said = await customer.hears("staff", after=before)
        await stage.settle()

        assert (said["name"], said["text"]) == ("Sara Lindqvist", "I am looking at it myself.")
        lines = stage.lines(customer)
        answered = [line.body for line in lines if line.kind == "tool_answered"]
        assert [(one["status"], one["milliseconds"] >= 5_000) for one in answered] == [("ok", True)]
        assert stage.orders.effects == Counter({"X-2": 1})
        asked = next(at for at, line in enumerate(lines) if line.kind == "customer_said" and "X-2" in line.body["text"])
        assert [line for line in lines[asked:] if line.kind == "agent_said"] == []
        assert [line.kind for line in lines if line.kind in ("interrupted", "taken_over")] == [
            "interrupted",
            "taken_over",
        ]
        await stage.running.gateway.sender.idle()
        await customer.leave()


class Watch:
    """Counts commits of the agent's words that stand although a person's words were accepted before."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.late, commit = 0, turns.commit

        def watched(tx: Any, work: Any, turn: Any, *args: Any, **more: Any) -> Any:
            now = real_clock() + 3_600_000
            waiting = tx.all("inbox_ready", conversation=work.conversation.id, now=now, limit=50)
            committed = commit(tx, work, turn, *args, **more)
            person = any(row["side"] == "staff" and row["kind"] == "message" for row in waiting)
            self.late += work.consumer == "agent" and person and any(e.kind() == "agent_said" for e in turn.entries)
            return committed

        patch.setattr(turns, "commit", watched)


async def race(
    stage: Stage, customer: Visitor, card: Message, number: int, dice: random.Random, moments: float
) -> list[Line]:
    """The customer asks, a person answers at some moment; what the log has of it."""
    before = len(stage.lines(customer))
    words = "please cancel my order X-{}" if dice.random() < 0.4 else "where is my order X-{}"
    await customer.say(words.format(number))
    for _ in range(int(dice.uniform(0, moments))):
        await asyncio.sleep(0)
    await stage.slack.post_as(SARA, f"answer {number}", thread_ts=card.ts)
    await customer.sees(lambda item: item["text"] == f"answer {number}", within=60)
    await stage.press(SARA, card, "resolve")
    await customer.sees(
        lambda item: item["from"] == "system" and "closed" in item["text"], after=_last(customer, number)
    )
    return stage.lines(customer)[before:]


def _last(customer: Visitor, number: int) -> int:
    return next(seq for seq, item in customer.messages.items() if item["text"] == f"answer {number}")


async def races(stage: Stage, patch: pytest.MonkeyPatch, count: int) -> tuple[int, list[list[Line]]]:
    """(commits of the agent that came too late, the lines of each race)."""
    dice, watch, found = random.Random(5), Watch(patch), list[list[Line]]()
    customers = [await stage.visitor() for _ in range(AT_ONCE)]
    cards = [await stage.opened(customer) for customer in customers]
    moments = MOMENTS
    for begin in range(0, count, AT_ONCE):
        each = enumerate(zip(customers, cards, strict=True), begin)
        batch = await asyncio.gather(*(race(stage, customer, card, at, dice, moments) for at, (customer, card) in each))
        await stage.settle()
        agent = sum(map(agent_won, batch)) / AT_ONCE
        moments *= 1.6 if agent < 1 / 3 else 0.6 if agent > 2 / 3 else 1
        found += batch
    for customer in customers:
        await customer.leave()
    return watch.late, found


def agent_won(lines: list[Line]) -> bool:
    """True when the agent had said something before it heard of the person."""
    return any(line.kind == "agent_said" for line in lines)


def late_words(lines: list[Line]) -> Iterator[Line]:
    """Words of the agent between a person's taking over and their closing the matter."""
    taken = False
    for line in lines:
        taken = line.kind in ("taken_over", "staff_said") or (taken and line.kind != "resolved")
        if taken and line.kind == "agent_said":
            yield line


async def test_the_agent_never_talks_over_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(tmp_path) as stage:
        late, found = await races(stage, monkeypatch, TAKEOVERS)
    late += sum(1 for lines in found for _ in late_words(lines))
    said = sum(1 for lines in found for line in lines if line.kind == "staff_said")
    tell("words of the agent after a person took over", late, len(found))
    tell("words of a person that did not reach the customer", len(found) - said, len(found))
    assert late == 0, f"{late} late words in {len(found)} takeovers"
    assert said == len(found) >= TAKEOVERS
    agent = sum(map(agent_won, found))
    assert min(agent, len(found) - agent) >= len(found) // 20, f"one-sided races: the agent won {agent}"


async def test_the_races_see_an_agent_that_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "heed", lambda *_: None)
    async with staged(tmp_path) as stage:
        late, found = await races(stage, monkeypatch, AT_ONCE * 2)
    assert late + sum(1 for lines in found for _ in late_words(lines)) > 0
