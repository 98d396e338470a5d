"""Who speaks meanwhile: the customer starts a turn over, a person ends it, and the agent never talks over either."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bus.consumer import Journal
from bus.entries import InterruptedBy, ModelReplied, Step, SupersededBy
from bus.message import Turn, Work
from tests.bus.races import takeovers
from tests.bus.scripts import Held, echo, message, replied
from tests.bus.world import World


async def test_words_that_came_while_a_turn_ran_are_one_next_turn(world: World) -> None:
    world.agent.script = held = Held()
    await world.say("one")
    await held.reached.wait()
    rows = [await world.intake.accept(message(100 + n, f"more {n}"), side="customer") for n in range(3)]
    assert [row.work for row in rows] == [None] * 3
    held.go.set()
    await world.settle()
    assert world.tg.texts == ["re: one / more 0 / more 1 / more 2"]


async def test_a_newer_message_starts_the_turn_over_at_most_twice(world: World) -> None:
    async def interrupted_by_the_next(work: Work, journal: Journal) -> Turn:
        if len(world.agent.works) <= 4:
            await world.say(f"and {len(world.agent.works)}")
        await replied(journal, "thinking")
        return await echo(work, journal)

    world.agent.script = interrupted_by_the_next
    accepted = await world.say("hi")
    await world.settle()
    assert [len(work.rows) for work in world.agent.works] == [1, 2, 3, 1, 2]
    assert world.tg.texts == ["re: hi / and 1 / and 2", "re: and 3 / and 4"]
    assert len(await world.entries(accepted.conversation, SupersededBy)) == 3
    said = [kind for kind in await world.kinds(accepted.conversation) if kind == "customer_said"]
    assert len(said) == 5


async def test_a_newer_message_cancels_what_the_model_was_still_asked(world: World) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def slow() -> Step:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return ModelReplied(model="m")

    async def asks(work: Work, journal: Journal) -> Turn:
        if len(work.rows) == 1:
            await journal.step("slow", slow)
        return await echo(work, journal)

    world.agent.script = asks
    await world.say("one")
    await begun.wait()
    await world.say("two")
    await world.settle()
    assert cancelled.is_set()
    assert world.tg.texts == ["re: one / two"]


async def test_a_staff_word_ends_the_turn_without_words_and_the_conversation_is_theirs(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = held = Held()
    await world.say("are you there?")
    await held.reached.wait()
    await world.staff("Sara here")
    held.go.set()
    await world.settle()
    assert world.tg.texts == ["re: hello", "Sara here"]
    assert len(await world.entries(conversation, InterruptedBy)) == 1
    # What the agent did not answer is the relay's to show: the person sees it in the thread.
    (shown,) = [row for work in world.relay.works for row in work.rows if row.inbound.text == "are you there?"]
    assert shown.seq > 0
    assert (await world.conversation(conversation))["owner"] == "staff"


async def test_a_note_only_interrupts_and_the_agent_answers_after_it(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = held = Held()
    await world.say("are you there?")
    await held.reached.wait()
    await world.staff("note: a regular")
    world.agent.script = echo
    held.go.set()
    await world.settle()
    assert world.tg.texts == ["re: hello", "re: are you there?"]
    assert (await world.kinds(conversation)).count("customer_said") == 2


async def test_a_person_who_edits_does_not_interrupt(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = held = Held()
    await world.say("are you there?")
    await held.reached.wait()
    await world.staff("a better wording", kind="edit", target="17.1")
    held.go.set()
    await world.settle()
    assert world.tg.texts[-1] == "re: are you there?"
    assert await world.entries(conversation, InterruptedBy) == []


async def test_a_thousand_takeovers_at_the_moment_of_the_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    late, kinds = await takeovers(world, monkeypatch, rounds=40, at_once=25)
    assert late == 0, f"{late} late words in {len(kinds)} takeovers"
    assert len(kinds) == 1000
    won = Counter("agent" if "agent_said" in each else "staff" for each in kinds)
    assert min(won["agent"], won["staff"]) > 50, f"one-sided races: {won}"
