"""Turns: one at a time per conversation, fenced, resumed, given up visibly, and never talking over a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from bus.consumer import Journal
from bus.entries import AgentSaid, ModelReplied, Parked, Step
from bus.errors import Diverged, Stale, Unavailable
from bus.message import Memo, Turn, Work
from bus.retry import backoff
from bus.store import arrivals, claims, turns
from bus.store.claims import Lease
from bus.wake import Changed, Discard, Preview, Rested, Typing
from tests.bus.scripts import Held, answer, echo, message, peer, replied
from tests.bus.world import World, until


async def failing(work: Work, journal: Journal) -> Turn:
    raise RuntimeError("poison")


async def test_a_message_is_answered_and_the_lease_is_free_again(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()
    assert world.tg.texts == ["re: hello"]
    assert await world.kinds(accepted.conversation) == ["customer_said", "agent_said", "delivered"]
    assert (await world.conversation(accepted.conversation))["lease_until"] == 0


async def test_one_turn_at_a_time_in_a_conversation_and_many_conversations_at_once(world: World) -> None:
    running: Counter[str] = Counter()
    overlaps, most = 0, 0

    async def watched(work: Work, journal: Journal) -> Turn:
        nonlocal overlaps, most
        running[work.conversation.id] += 1
        overlaps += running[work.conversation.id] > 1
        most = max(most, running.total())
        await asyncio.sleep(0)
        running[work.conversation.id] -= 1
        return await echo(work, journal)

    world.agent.script = watched
    sent = [(f"c{who}", f"{number}") for number in range(5) for who in range(20)]
    await asyncio.gather(*(world.say(text, who) for who, text in sent))
    await world.settle()
    answered = [text for row in world.tg.texts for text in row.removeprefix("re: ").split(" / ")]
    assert (overlaps, len(answered)) == (0, len(sent)), f"{overlaps} overlaps in {len(world.agent.works)} turns"
    assert most > 1


async def test_lines_have_no_gaps_and_turns_follow_each_other(world: World) -> None:
    for number in range(30):
        accepted = await world.say(str(number), f"c{number % 3}")
        await world.settle()
    lines = await world.lines(accepted.conversation)
    turn_numbers = [line.turn for line in lines if line.turn]
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert turn_numbers == sorted(turn_numbers)
    assert set(turn_numbers) == set(range(1, 11))


async def test_a_turn_is_resumed_after_a_crash_with_its_number_and_its_steps(world: World) -> None:
    asked: list[str] = []
    stepped = asyncio.Event()

    async def turn(work: Work, journal: Journal) -> Turn:
        async def produce() -> Step:
            asked.append(f"answer {len(asked)}")
            return ModelReplied(model="m", text=asked[-1])

        step = await journal.step("what now?", produce)
        assert isinstance(step, ModelReplied)
        stepped.set()
        if len(world.agent.works) < 3:
            await asyncio.Event().wait()
        return answer(work, step.text)

    world.agent.script = turn
    accepted = await world.say("hello")
    for _ in range(2):
        await stepped.wait()
        stepped.clear()
        await world.crash()
        await world.worker.sweep()
    await world.settle()
    assert world.tg.texts == ["answer 0"]
    assert asked == ["answer 0"]
    assert [(work.turn, work.rows[0].attempts, work.rows[0].seq) for work in world.agent.works] == [
        (1, 1, 1),
        (1, 2, 1),
        (1, 3, 1),
    ]
    assert await world.kinds(accepted.conversation) == ["customer_said", "model_replied", "agent_said", "delivered"]


async def test_a_poisonous_message_is_parked_and_handed_over_and_the_conversation_goes_on(world: World) -> None:
    world.agent.script = failing
    accepted = await world.say("poison")
    for attempt in range(1, 7):
        await world.settle()
        world.clock.advance(backoff(attempt) / 1000)
    assert len(world.agent.works) == claims.ATTEMPTS
    (parked,) = await world.entries(accepted.conversation, Parked)
    assert parked.what == "message:ada:1"
    memo = world.relay.works[0].rows[0].inbound
    assert (memo.memo, memo.data["reason"], memo.data["parked"]) == ("handover", "interrupted", True)
    world.agent.script = echo
    await world.own(accepted.conversation, "agent")
    await world.say("still there?")
    await world.settle()
    assert world.tg.texts == ["re: still there?"]


async def test_nothing_overtakes_a_message_whose_turn_failed_but_staff_does(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = failing
    await world.say("first")
    await world.settle()
    world.agent.script = echo
    await world.say("second")
    await world.settle()
    assert world.tg.texts == ["re: hello"]
    await world.staff("note: I see")
    await world.settle()
    assert world.relay.works[-1].rows[0].inbound.text == "note: I see"
    world.clock.advance(1)
    await world.settle()
    assert world.tg.texts == ["re: hello", "re: first", "re: second"]
    assert (await world.conversation(conversation))["owner"] == "agent"


async def test_a_due_memo_waits_for_the_turn_that_is_not_finished(world: World) -> None:
    world.agent.script = failing
    accepted = await world.say("first")
    await world.settle()
    await world.remind(accepted.conversation, "unclaimed")
    await world.settle()
    assert world.relay.works == []
    world.agent.script = echo
    world.clock.advance(1)
    await world.settle()
    assert [work.turn for work in (*world.agent.works, *world.relay.works)] == [1, 1, 2]


async def test_one_message_that_kills_the_process_does_not_take_the_others_with_it(world: World) -> None:
    """Twenty customers are served beside it; whoever was at work when the process died is not given up for that."""
    died, others = asyncio.Event(), 20

    async def deadly(work: Work, journal: Journal) -> Turn:
        if work.rows[0].inbound.text == "poison":
            died.set()
        if died.is_set():
            await asyncio.Event().wait()
        return await echo(work, journal)

    world.agent.script = deadly
    for number in range(others):
        await world.say("poison" if number == others // 2 else "hello", f"c{number}")
    deaths = 0
    while not await world.query("SELECT id FROM inbox WHERE state = 'parked'"):
        living = asyncio.create_task(world.settle())
        dying = asyncio.create_task(died.wait())
        await asyncio.wait([living, dying], return_when=asyncio.FIRST_COMPLETED)
        living.cancel()
        dying.cancel()
        await world.crash()
        died.clear()
        deaths += 1
    await world.settle()
    assert (deaths, len(world.tg.texts)) == (claims.ATTEMPTS + 1, others - 1)
    assert await world.query("SELECT COUNT(*) FROM inbox WHERE state = 'parked'") == [(1,)]


async def test_a_worker_that_lost_its_lease_cannot_write(world: World) -> None:
    """The clock passes the lease, a second process takes over, then the first one wakes: none of its writes is kept."""
    stale, writes = 0, 500
    for number in range(writes // 5):
        who = peer(f"c{number}")
        lease = Lease("slow", world.clock() + 30_000)
        accepted = await world.tenant.write(
            arrivals.accept, message(number, at=who), side="customer", now=world.clock(),
            fresh=world.new_id("c"), lease=lease,
        )  # fmt: skip
        work = accepted.work
        assert work is not None
        world.clock.advance(31)
        await world.worker.sweep()
        now, step = world.clock(), ModelReplied(model="m", text="late", step=1)
        late = Turn(entries=(AgentSaid(text="late"),))
        results = await asyncio.gather(
            world.tenant.write(turns.hold, work, lease),
            world.tenant.write(turns.step, work, lease, step, now),
            world.tenant.write(turns.commit, work, late, lease, now, world.new_id, ()),
            world.tenant.write(turns.supersede, work, lease, now),
            world.tenant.write(turns.interrupt, work, lease, now, wrote=False),
            return_exceptions=True,
        )
        stale += sum(isinstance(result, Stale) for result in results)
        await world.tenant.write(turns.give_back, work, lease, now + 60_000)
        await world.settle()
        kinds = await world.kinds(accepted.conversation)
        assert kinds == ["customer_said", "agent_said", "delivered"]
    assert stale == writes, f"{stale} of {writes} stale writes were refused"
    assert len(world.tg.texts) == writes // 5


async def test_what_could_not_be_kept_is_given_back_as_soon_as_it_can_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the lease of a turn whose end the store refused."""
    refusals, commit, give_back = iter(range(4)), turns.commit, turns.give_back

    def full(verb: Any) -> Any:
        def refusing(*args: Any, **more: Any) -> Any:
            if next(refusals, None) is not None:
                raise Unavailable("full")
            return verb(*args, **more)

        return refusing

    monkeypatch.setattr("bus.work.SWEEP", 0)
    monkeypatch.setattr(turns, "commit", full(commit))
    monkeypatch.setattr(turns, "give_back", full(give_back))
    await world.say("hello")
    await world.settle()
    assert (next(refusals, None), world.tg.texts) == (None, [])
    world.clock.advance(1)
    await world.settle()
    assert world.tg.texts == ["re: hello"]


async def test_a_turn_that_lost_its_lease_while_it_ran_says_nothing(world: World) -> None:
    world.agent.script = held = Held()
    accepted = await world.say("hello")
    await held.reached.wait()
    world.clock.advance(31)
    other = world.another("p2")
    world.agent.script = echo
    await other.worker.sweep()
    await other.settle()
    held.go.set()
    await world.settle()
    assert world.tg.texts == ["re: hello"]
    assert await world.kinds(accepted.conversation) == ["customer_said", "agent_said", "delivered"]


async def test_steps_asked_for_anew_differ_and_nothing_was_called_so_the_turn_starts_over(world: World) -> None:
    async def turn(work: Work, journal: Journal) -> Turn:
        step = await replied(journal, "said", request=f"attempt {work.rows[0].attempts}")
        if work.rows[0].attempts == 1:
            raise RuntimeError("once")
        return answer(work, f"{step.text} in turn {work.turn}")

    world.agent.script = turn
    await world.say("hello")
    await world.settle()
    world.clock.advance(1)
    await world.settle()
    assert world.tg.texts == ["said in turn 2"]


async def test_a_step_that_failed_and_was_got_over_does_not_hold_up_the_commit(world: World) -> None:
    async def broken() -> Step:
        raise TimeoutError

    async def turn(work: Work, journal: Journal) -> Turn:
        with pytest.raises(TimeoutError):
            await journal.step("first model", broken)
        return answer(work, (await replied(journal, "second model")).text)

    world.agent.script = turn
    await world.say("hello")
    await world.settle()
    assert world.tg.texts == ["second model"]


async def test_divergence_in_the_hands_of_the_consumer_is_let_pass(world: World) -> None:
    async def turn(work: Work, journal: Journal) -> Turn:
        if work.rows[0].attempts == 1:
            raise Diverged
        return await echo(work, journal)

    world.agent.script = turn
    await world.say("hello")
    await world.settle()
    assert [work.turn for work in world.agent.works] == [1, 2]
    assert world.tg.texts == ["re: hello"]


async def test_a_memo_comes_when_it_is_due_moves_by_its_key_and_can_be_taken_back(world: World) -> None:
    async def turn(work: Work, journal: Journal) -> Turn:
        if work.rows[0].inbound.kind == "memo":
            return Turn()
        memos = tuple(Memo(key, "quiet", journal.now() + 60_000, {"of": key}) for key in ("stays", "moves", "goes"))
        return Turn(memos=memos)

    async def second(work: Work, journal: Journal) -> Turn:
        if work.rows[0].inbound.kind == "memo":
            return Turn()
        return Turn(memos=(Memo("moves", "quiet", journal.now() + 120_000, {"of": "moved"}),), cancel=("goes",))

    def came() -> list[str]:
        rows = [row.inbound for work in world.agent.works for row in work.rows]
        return [row.data["of"] for row in rows if row.kind == "memo"]

    world.agent.script = turn
    await world.say("hello")
    await world.settle()
    world.agent.script = second
    await world.say("again")
    await world.settle()
    assert came() == []
    world.clock.advance(60)
    await world.settle()
    assert came() == ["stays"]
    world.clock.advance(60)
    await world.settle()
    assert came() == ["stays", "moved"]


async def test_a_memo_may_renew_itself(world: World) -> None:
    async def turn(work: Work, journal: Journal) -> Turn:
        return Turn(memos=(Memo("tick", "quiet", journal.now() + 1000),))

    world.agent.script = turn
    await world.say("hello")
    for _ in range(4):
        await world.settle()
        world.clock.advance(1)
    assert [work.rows[0].inbound.kind for work in world.agent.works] == ["message", "memo", "memo", "memo"]


async def test_more_conversations_than_there_is_room_for_wait_for_the_sweeper(world: World) -> None:
    world.worker._at_once = 2
    world.agent.script = held = Held()
    accepted = [await world.say("hello", f"c{number}") for number in range(5)]
    assert [row.work is not None for row in accepted] == [True, True, False, False, False]
    assert await world.worker.sweep() == 0
    held.go.set()
    await world.settle()
    assert len(world.tg.texts) == 5


async def test_stopping_gives_back_what_does_not_end_in_time_and_loses_nothing(world: World) -> None:
    world.agent.script = held = Held()
    accepted = await world.say("hello")
    await held.reached.wait()
    await world.worker.stop(0)
    assert world.worker.lease() is None
    assert (await world.conversation(accepted.conversation))["lease_until"] == 0
    world.agent.script = echo
    world.process = world.another("p2")
    await world.settle()
    assert world.tg.texts == ["re: hello"]


@pytest.mark.parametrize("moment", range(8))
async def test_who_is_told_to_stop_while_being_nudged_stops(world: World, moment: int) -> None:
    for part in (world.worker, world.sender):
        task = asyncio.create_task(part.run())
        await until(lambda wake=part._wake: bool(wake._waiters))  # type: ignore[misc]
        part._wake.set()
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert done


async def test_what_was_committed_leaves_even_when_its_task_is_cancelled_meanwhile(world: World) -> None:
    stopping: list[asyncio.Task[None]] = []

    async def stopped_at_the_commit(work: Work, journal: Journal) -> Turn:
        stopping.append(asyncio.create_task(world.worker.stop(0)))
        return answer(work, "goodbye")

    world.agent.script = stopped_at_the_commit
    await world.say("hello")
    await until(lambda: bool(stopping))
    await stopping[0]
    await world.sender.idle()
    assert world.tg.texts == ["goodbye"]


async def test_while_the_store_takes_nothing_a_turn_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise Unavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(turns, "commit", full)
        await world.say("hello")
        await world.settle()
        assert world.tg.texts == []
    world.clock.advance(1)
    await world.settle()
    assert world.tg.texts == ["re: hello"]


async def test_listeners_hear_typing_previews_and_that_a_failed_turn_takes_its_words_back(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()

    async def previews(work: Work, journal: Journal) -> Turn:
        journal.preview(0, "I thi")
        raise RuntimeError("no")

    world.agent.script = previews
    with world.process.hub.subscribe(accepted.conversation) as reader:
        assert world.process.hub.listened(accepted.conversation)
        await world.say("and?")
        await world.settle()
        assert await reader.take() == [Changed(), Typing(), Preview(2, 0, "I thi"), Discard(2), Rested()]
