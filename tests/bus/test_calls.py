"""Whole turns that call something: finished once, whoever speaks meanwhile and whatever dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bus.consumer import Journal
from bus.entries import AgentSaid, Parked, ToolAnswered, ToolAsked
from bus.message import Move, Turn, Work
from bus.retry import backoff
from bus.store import actions
from tests.bus.calls import (
    REFUND,
    action,
    asked,
    begun,
    ok,
    thought,
)
from tests.bus.scripts import Held, answer, echo
from tests.bus.world import World


class Refunds:
    """A consumer that refunds once and says so; `effects` are the calls that reached the far end."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.holding: asyncio.Event | None = None
        self.called = asyncio.Event()
        self.then: Callable[[], None] = lambda: None

    async def __call__(self, work: Work, journal: Journal) -> Turn:
        await journal.step("understand", thought)
        await journal.intend("refund", REFUND, asked)
        await journal.outcome("refund", self._call, REFUND)
        self.then()
        await journal.step("word it", thought)
        return answer(work, "refunded")

    async def _call(self) -> ToolAnswered:
        self.effects.append("key-1")
        self.called.set()
        if self.holding is not None:
            await self.holding.wait()
        return await ok()()


async def test_an_intent_without_an_answer_is_finished_before_staffs_words(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = refunds = Refunds()
    refunds.holding = asyncio.Event()
    await world.say("refund me")
    await refunds.called.wait()
    await world.crash()
    refunds.holding = None
    await world.staff("Sara here")
    await world.settle()
    kinds = await world.kinds(conversation)
    assert kinds.index("tool_answered") < kinds.index("interrupted") < kinds.index("staff_said")
    assert world.tg.texts == ["re: hello", "Sara here"]
    assert refunds.effects == ["key-1", "key-1"], "an idempotent call is repeated with its key"


async def test_a_turn_that_called_something_is_finished_after_a_note(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = refunds = Refunds()
    refunds.holding = asyncio.Event()
    await world.say("refund me")
    await refunds.called.wait()
    await world.staff("note: fine by me")
    refunds.holding.set()
    await world.settle()
    assert refunds.effects == ["key-1"]
    assert world.tg.texts == ["re: hello", "refunded"]
    turns = [work.turn for work in world.agent.works]
    assert turns[-1] == turns[-2]
    assert (await world.kinds(conversation)).count("tool_asked") == 1


async def test_an_action_that_was_being_executed_ends_when_a_person_speaks_meanwhile(world: World) -> None:
    conversation = await world.open_case()
    holding, called = asyncio.Event(), asyncio.Event()

    async def call() -> ToolAnswered:
        called.set()
        await holding.wait()
        return ToolAnswered(tool="refund", status="ok", result="paid", action="act_1")

    async def execute(work: Work, journal: Journal) -> Turn:
        move = Move("act_1", "approved", "executing")
        await journal.intend("refund", REFUND, asked, move)
        await journal.outcome("refund", call, REFUND)
        return Turn(moves=(Move("act_1", "executing", "done"),), entries=(AgentSaid(text="done"),))

    world.agent.script = execute
    await world.tenant.write(actions.insert, action(world.agent.works[0]))
    await world.remind(conversation, "execute")
    await world.worker.sweep()
    await called.wait()
    await world.staff("Sara here")
    holding.set()
    await world.settle()
    found = await world.tenant.read(actions.one, "act_1")
    assert found is not None
    assert found.state == "done"
    assert len(await world.entries(conversation, ToolAsked)) == 1


async def test_a_call_that_never_ends_is_unknown_and_a_persons(world: World) -> None:
    async def dies(work: Work, journal: Journal) -> Turn:
        async def call() -> ToolAnswered:
            raise RuntimeError("boom")

        move = Move("act_1", "approved", "executing")
        await journal.intend("refund", REFUND, asked, move)
        await journal.outcome("refund", call, REFUND)
        return Turn()

    accepted = await world.say("hello")
    await world.settle()
    await world.tenant.write(actions.insert, action(world.agent.works[0]))
    world.agent.script = dies
    await world.remind(accepted.conversation, "execute")
    for attempt in range(1, 7):
        await world.settle()
        world.clock.advance(backoff(attempt) / 1000)
    (parked,) = await world.entries(accepted.conversation, Parked)
    assert parked.why == "no end after 5 attempts"
    assert (await world.row("effect_find", tool="refund", idempotency_key="key-1"))["state"] == "unknown"
    found = await world.tenant.read(actions.one, "act_1")
    assert found is not None
    assert found.state == "unknown"
    assert world.relay.works[0].rows[0].inbound.data["reason"] == "outcome_unknown"
    _, other = await begun(world, "bob")
    assert (await other.intend("refund", REFUND, asked))[1].verdict == "unknown"


async def test_other_code_after_a_crash_does_not_call_again_but_hands_over(world: World) -> None:
    world.agent.script = refunds = Refunds()
    stuck = Held()

    def crash() -> None:
        world.agent.script = other_code
        raise RuntimeError("crash")

    async def other_code(work: Work, journal: Journal) -> Turn:
        await journal.step("understand differently", thought)
        return await stuck(work, journal)

    refunds.then = crash
    accepted = await world.say("refund me")
    await world.settle()
    world.clock.advance(1)
    await world.settle()
    assert refunds.effects == ["key-1"]
    assert world.tg.texts == []
    (parked,) = await world.entries(accepted.conversation, Parked)
    assert "do not fit" in parked.why
    assert world.relay.works[0].rows[0].inbound.memo == "handover"
    world.agent.script = echo
    await world.own(accepted.conversation, "agent")
    await world.say("hello?")
    await world.settle()
    assert world.tg.texts == ["re: hello?"]
