"""Races that are run with the mechanism in place, and once more with it taken out."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from bus.consumer import Journal
from bus.message import Turn, Work
from bus.store import Transaction, turns
from bus.store.turns import Committed
from tests.bus.scripts import echo
from tests.bus.world import World

commit = turns.commit


async def takeovers(
    world: World, patch: pytest.MonkeyPatch, *, rounds: int, at_once: int
) -> tuple[int, list[list[str]]]:
    """(late words, kinds of the lines of each race): a person takes over while the agent is about to answer.

    A word is late when the agent's commit stands although a person's message was in the inbox by then.
    """
    late, races, chance = 0, [], random.Random(7)

    def watched(tx: Transaction, work: Work, turn: Turn, *args: Any, **more: Any) -> Committed:
        nonlocal late
        waiting = tx.all("inbox_ready", conversation=work.conversation.id, now=world.clock(), limit=50)
        committed = commit(tx, work, turn, *args, **more)
        late += work.consumer == "agent" and any(row["side"] == "staff" for row in waiting)
        return committed

    async def dawdles(work: Work, journal: Journal) -> Turn:
        await a_moment()
        return await echo(work, journal)

    async def a_moment() -> None:
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)

    async def race(number: int) -> None:
        await world.say("question", f"c{number}")
        await a_moment()
        await world.staff("mine", f"desk-{number + 1}")

    conversations = [await world.open_case(f"c{number}") for number in range(at_once)]
    world.agent.script = dawdles
    patch.setattr(turns, "commit", watched)
    for _ in range(rounds):
        await asyncio.gather(*(world.own(conversation, "agent") for conversation in conversations))
        before = [(await world.conversation(conversation))["seq"] for conversation in conversations]
        await asyncio.gather(*(race(number) for number in range(at_once)))
        await world.settle()
        for conversation, seq in zip(conversations, before, strict=True):
            races.append([line.kind for line in await world.lines(conversation) if line.seq > seq])
    return late, races
