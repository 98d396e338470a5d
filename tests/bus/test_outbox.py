"""Sending: in order, once, never old, never after a takeover, and every end visible."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from bus.consumer import Journal
from bus.entries import AgentSaid, Delivered, DeliveryFailed, Expired, Parked, StaffSaid
from bus.errors import Permanent, Retryable, Unavailable, Uncertain
from bus.message import Address, Attachment, Outbound, Turn, Words, Work
from bus.outbox import SENDS
from bus.store import outbox
from tests.bus.scripts import NOW, case, message, peer, says, thread, words
from tests.bus.world import World, until

# In order.


async def test_what_is_said_in_one_turn_arrives_in_order(world: World) -> None:
    world.agent.script = says(*"abcde")
    await world.say("hello")
    await world.settle()
    assert world.tg.texts == list("abcde")


async def test_order_holds_through_refusals_and_lost_answers(world: World) -> None:
    """Ten parts to each of ten people, every third call going wrong."""
    chance, parts = random.Random(3), [str(number) for number in range(10)]
    world.agent.script = says(*parts)
    troubles: list[Any] = [Retryable(), Uncertain(), "lost", Retryable(after=2)]
    world.tg.plan = [chance.choice(troubles) if chance.random() < 0.3 else "" for _ in range(300)]
    for number in range(10):
        await world.say("hello", f"c{number}")
    await world.wait_out()
    by_conversation: dict[str, list[str]] = {}
    for key, text in world.tg.arrived:
        by_conversation.setdefault(key.split(":")[1], []).append(text)
    assert list(by_conversation.values()) == [parts] * 10, f"of {len(world.tg.calls)} calls"


async def test_what_must_wait_holds_back_what_is_behind_it(world: World) -> None:
    world.agent.script = says("a", "b")
    world.tg.plan = [Retryable(after=30)]
    await world.say("hello")
    await world.settle()
    world.clock.advance(29)
    await world.settle()
    assert world.tg.texts == []
    world.clock.advance(1)
    await world.settle()
    assert world.tg.texts == ["a", "b"]


async def test_other_peoples_lines_do_not_wait(world: World) -> None:
    world.tg.plan = [Retryable(after=30)]
    await world.say("hello", "ada")
    await world.settle()
    await world.say("hello", "bob")
    await world.settle()
    assert [key for key, _ in world.tg.arrived] == ["reply:c_000003:1"]


async def test_lines_that_cannot_move_do_not_keep_the_sweeper_from_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows behind a waiting head are due, but nothing can be done about them: they must not use up the sweeper's room."""
    monkeypatch.setattr("bus.outbox.AT_ONCE", 3)
    world.agent.script = says("a", "b")
    world.tg.plan = [Retryable(after=600)] * 3 + [Retryable(after=1)]
    for who in ("c1", "c2", "c3", "free"):
        await world.say("hello", who)
        await world.settle()
    world.clock.advance(2)
    await world.settle()
    assert [(key.split(":")[0], text) for key, text in world.tg.arrived] == [("part0", "a"), ("part1", "b")]


# Once.


async def test_sending_is_on_the_disk_before_the_call(world: World) -> None:
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    (state,) = await world.query("SELECT state, attempt FROM outbox")
    assert state == ("sending", world.tg.calls[0].attempt)
    world.tg.gate.set()


@pytest.mark.parametrize(
    ("arrived", "blind", "texts", "end"),
    [
        (True, False, ["re: hello"], "sent"),
        (False, False, ["re: hello"], "sent"),
        (True, True, ["re: hello"], "ambiguous"),
    ],
)
async def test_a_lost_answer_is_looked_up(world: World, arrived: bool, blind: bool, texts: list[str], end: str) -> None:
    world.tg.plan, world.tg.blind = ["lost" if arrived else Uncertain()], blind
    accepted = await world.say("hello")
    await world.wait_out(60)
    assert world.tg.texts == texts
    assert (await world.post("reply:" + accepted.conversation + ":1"))["state"] == end
    failures = await world.entries(accepted.conversation, DeliveryFailed)
    assert [failure.reason for failure in failures] == (["ambiguous"] if blind else [])


async def test_after_a_crash_what_arrived_is_not_sent_again(world: World) -> None:
    conversation = await world.crash_while_sending(arrives=True)
    await world.settle()
    assert (world.tg.texts, len(world.tg.calls)) == (["re: hello"], 1)
    assert [entry.of for entry in await world.entries(conversation, Delivered)] == [2]


async def test_after_a_crash_what_did_not_arrive_is_sent_as_a_new_attempt(world: World) -> None:
    await world.crash_while_sending(arrives=False)
    await world.settle()
    first, second = world.tg.calls
    assert world.tg.texts == ["re: hello"]
    assert first.attempt != second.attempt


async def test_after_a_crash_what_nobody_can_know_is_ambiguous_and_told(world: World) -> None:
    conversation = await world.crash_while_sending(arrives=True)
    world.tg.blind = True
    await world.settle()
    assert len(world.tg.calls) == 1
    assert [entry.reason for entry in await world.entries(conversation, DeliveryFailed)] == ["ambiguous"]
    assert [data["reason"] for data in world.reports()] == ["ambiguous"]


async def test_a_week_later_nothing_old_is_sent(world: World) -> None:
    """Killed while sending, started again ten times, a week on the clock."""
    conversation = await world.crash_while_sending(arrives=False)
    world.clock.advance(7 * 86_400)
    for _ in range(10):
        await world.settle()
        await world.crash()
    assert (world.tg.texts, len(world.tg.calls)) == ([], 1)
    assert [entry.why for entry in await world.entries(conversation, Expired)] == ["too old to be sent"]


async def test_a_lost_attempt_is_not_sent_after_a_takeover(world: World) -> None:
    conversation = await world.open_case()
    world.tg.gate = asyncio.Event()
    world.tg.started.clear()
    await world.say("and now?")
    await world.tg.started.wait()
    await world.staff("Sara here")
    await world.worker.idle()
    await world.crash()
    world.tg.gate = None
    await world.settle()
    assert world.tg.texts == ["re: hello", "Sara here"]
    assert [entry.why for entry in await world.entries(conversation, Expired)] == ["a person took over"]


async def test_a_refused_look_up_is_no_refused_send(world: World) -> None:
    """Too many look-ups, or the platform down: look again; never send blindly."""
    conversation = await world.crash_while_sending(arrives=True)
    world.tg.find_fails = [Retryable(after=5), ConnectionError(), Permanent("down")]
    await world.wait_out(600)
    assert (world.tg.texts, len(world.tg.calls), len(world.tg.finds)) == (["re: hello"], 1, 4)
    assert (await world.post(f"reply:{conversation}:1"))["state"] == "sent"


async def test_what_can_never_be_looked_up_ends_visibly(world: World) -> None:
    conversation = await world.crash_while_sending(arrives=True)
    world.tg.find_fails = [ConnectionError()] * 10_000
    await world.wait_out(200_000)
    assert [entry.reason for entry in await world.entries(conversation, DeliveryFailed)] == ["ambiguous"]
    assert len(world.tg.calls) == 1
    assert world.sender._figures.by("outcome", SENDS, channel="tg") == {"ambiguous": 1}


async def test_a_lost_attempt_outlives_a_channel_that_is_off(world: World) -> None:
    await world.crash_while_sending(arrives=True)
    world.tg.mode = "off"
    await world.settle()
    world.tg.mode = "live"
    world.clock.advance(6)
    await world.settle()
    assert (world.tg.texts, len(world.tg.calls)) == (["re: hello"], 1)


async def test_a_long_call_stays_ours(world: World) -> None:
    """A call that takes longer than a row is lent for is held on to; neither this process nor another sends it again."""
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    other = world.another("p2")
    for _ in range(5):
        world.clock.advance(30)
        world.sender.hold()
        assert await other.sender.sweep() + await world.sender.sweep() == 0
    world.tg.gate.set()
    await world.settle()
    assert (world.tg.texts, len(world.tg.calls)) == (["re: hello"], 1)


async def test_a_call_that_is_still_on_its_way_here_is_not_made_twice(world: World) -> None:
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    world.clock.advance(61)
    await world.sender.sweep()
    world.tg.gate.set()
    await world.settle()
    assert (world.tg.texts, len(world.tg.calls), len(world.tg.finds)) == (["re: hello"], 1, 0)


async def test_eight_senders_send_each_row_once(world: World) -> None:
    world.agent.script = says(*"abcdef")
    monkey = [world.another(f"p{number}") for number in range(2, 9)]
    world.tg.plan = [Retryable(after=1)] * 40
    for number in range(40):
        await world.say("hello", f"c{number}")
    await world.settle()
    world.clock.advance(2)
    await asyncio.gather(*(each.settle() for each in (world.process, *monkey)))
    keys = [key for key, _ in world.tg.arrived]
    assert (len(keys), len(set(keys))) == (240, 240)


async def test_the_same_key_is_one_row(world: World) -> None:
    async def twice(work: Work, journal: Journal) -> Turn:
        return Turn(outbounds=(words(work, "a", cause=0), words(work, "b", cause=0)))

    world.agent.script = twice
    await world.say("hello")
    await world.settle()
    assert world.tg.texts == ["a"]


# Ends.


async def test_a_refusal_for_good_is_told_and_the_line_goes_on(world: World) -> None:
    world.agent.script = says("a", "b")
    world.tg.plan = [Permanent("blocked")]
    accepted = await world.say("hello")
    await world.settle()
    assert world.tg.texts == ["b"]
    assert await world.entries(accepted.conversation, DeliveryFailed) == [DeliveryFailed(of=2, reason="blocked")]
    assert world.reports() == [
        {"of": 2, "reason": "blocked", "key": f"part0:{accepted.conversation}:1", "logged": True}
    ]


async def test_what_is_refused_too_long_expires_visibly(world: World) -> None:
    world.agent.script = says("a", max_age=900_000)
    world.tg.plan = [Retryable()] * 1000
    accepted = await world.say("hello")
    await world.wait_out(1000)
    world.tg.plan = []
    await world.wait_out(1000)
    assert world.tg.texts == []
    assert [entry.of for entry in await world.entries(accepted.conversation, Expired)] == [2]
    assert [data["reason"] for data in world.reports()] == ["too old to be sent"]


async def test_agents_words_of_before_a_takeover_are_withdrawn(world: World) -> None:
    conversation = await world.open_case()
    world.agent.script = says("a", "b", "c")
    world.tg.gate = asyncio.Event()
    world.tg.started.clear()
    await world.say("tell me")
    await world.tg.started.wait()
    await world.staff("Sara here")
    await world.worker.idle()
    world.tg.gate.set()
    await world.settle()
    assert world.tg.texts == ["re: hello", "a", "Sara here"]
    assert [entry.why for entry in await world.entries(conversation, Expired)] == ["a person took over"] * 2


async def test_a_channel_that_is_off_keeps_its_rows_until_they_are_too_old(world: World) -> None:
    world.tg.mode = "off"
    accepted = await world.say("hello")
    await world.wait_out(600)
    assert world.tg.calls == []
    world.tg.mode = "live"
    world.clock.advance(6)
    await world.settle()
    assert world.tg.texts == ["re: hello"]
    assert [sending.outbound.cause for sending in world.tg.calls] == [2]
    assert (await world.query("SELECT attempts FROM outbox"))[0][0] == 1, "a pause is no attempt"
    assert await world.entries(accepted.conversation, Expired) == []


async def test_a_sender_that_stops_leaves_the_rest_for_the_next_start(world: World) -> None:
    world.agent.script = says("a", "b")
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    stopping = asyncio.create_task(world.sender.stop())
    await until(lambda: world.sender._stopping)
    world.tg.gate.set()
    await stopping
    assert world.tg.texts == ["a"]
    await world.crash()
    await world.settle()
    assert world.tg.texts == ["a", "b"]


async def test_a_call_that_stopping_cuts_off_is_looked_up_at_the_next_start(world: World) -> None:
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    await world.sender.stop(0)
    await world.crash()
    world.tg.gate = None
    await world.settle()
    assert (len(world.tg.finds), world.tg.texts) == (1, ["re: hello"])


async def test_a_bug_in_a_client_ends_as_a_look_up(world: World) -> None:
    world.tg.plan = [KeyError("ts")]
    await world.say("hello")
    await world.wait_out(10)
    assert (len(world.tg.finds), world.tg.texts) == (1, ["re: hello"])


async def test_what_became_of_an_attempt_is_told_until_the_store_takes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, sent = iter(range(3)), outbox.sent

    def full(*args: Any) -> Any:
        if next(refusals, None) is not None:
            raise Unavailable("full")
        return sent(*args)

    monkeypatch.setattr("bus.outbox.SWEEP", 0)
    monkeypatch.setattr(outbox, "sent", full)
    await world.say("hello")
    await world.settle()
    assert await world.query("SELECT state FROM outbox") == [("sent",)]
    assert (len(world.tg.calls), len(world.tg.finds), next(refusals, None)) == (1, 0, None)


async def test_what_could_not_be_marked_before_the_end_is_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise Unavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "sent", full)
        await world.say("hello")
        await until(lambda: bool(world.tg.arrived))
        await world.process.stop()
    assert await world.query("SELECT state FROM outbox") == [("sending",)]
    other = world.another("p2")
    world.clock.advance(120)
    await other.settle()
    assert await world.query("SELECT state FROM outbox") == [("sent",)]
    assert (len(world.tg.calls), len(world.tg.finds)) == (1, 1)


async def test_a_pull_channel_has_no_rows_and_what_a_stream_showed_is_delivered(world: World) -> None:
    async def says_both(work: Work, journal: Journal) -> Turn:
        entries = (AgentSaid(text="a"), StaffSaid(text="b"))
        return Turn(entries=entries, outbounds=(words(work, "a"),))

    world.agent.script = says_both
    web = Address("default", "web", "site", "v1")
    accepted = await world.accept(message(1, at=web))
    await world.settle()
    assert await world.query("SELECT * FROM outbox") == []
    for seq in (2, 2, 3, 1, 99, 99):
        await world.intake.delivered(accepted.conversation, seq)
    await world.settle()
    assert [entry.of for entry in await world.entries(accepted.conversation, Delivered)] == [2, 3]
    assert world.reports() == [{"of": 3, "reason": "", "logged": True}]
    assert (await world.conversation(accepted.conversation))["delivered"] <= 6


async def test_nothing_is_sent_to_an_address_of_somebody_else(world: World) -> None:
    """The destination is the conversation's own; a turn that names another address is not committed at all."""
    await world.say("hello", "bob")
    await world.settle()

    async def misdirected(work: Work, journal: Journal) -> Turn:
        return Turn(outbounds=(Outbound("k", "say", peer("bob"), Words("secret", "agent")),))

    world.agent.script = misdirected
    accepted = await world.say("hello", "ada")
    await world.wait_out(60)
    assert world.tg.texts == ["re: hello"]
    assert len(await world.entries(accepted.conversation, Parked)) == 1
    with pytest.raises(ValueError, match="not this conversation's"):
        await world.tenant.write(
            outbox.insert, accepted.conversation, Outbound("k", "say", thread("17.1"), Words("x", "agent")), NOW
        )


PHOTO = Words("", "customer", attachments=(Attachment("photo.png", "image/png", 10, "P1"),))


@pytest.mark.parametrize(
    ("plan", "reason"),
    [([Uncertain()], "ambiguous"), ([Permanent("archived")], "archived"), ([Retryable()] * 4000, "too old to be sent")],
)
async def test_a_customers_file_that_the_desk_does_not_get_is_reported(
    world: World, plan: list[Any], reason: str
) -> None:
    conversation = await world.open_case()
    world.desk.plan, world.desk.blind = plan, True
    shown = Outbound("file:1", "say", case(conversation), PHOTO, max_age=900_000)
    await world.tenant.write(outbox.insert, conversation, shown, world.clock())
    await world.wait_out(1000)
    assert world.reports() == [{"of": 0, "reason": reason, "key": "file:1", "file": "photo.png", "logged": True}]


async def test_of_the_desks_own_posts_nothing_is_reported(world: World) -> None:
    conversation = await world.open_case()
    world.desk.plan = [Permanent("archived")]
    line = Outbound("line:1", "say", case(conversation), Words("a line", "system"))
    await world.tenant.write(outbox.insert, conversation, line, world.clock())
    await world.wait_out(10)
    assert world.reports() == []


async def test_words_and_their_file_have_arrived_when_both_have(world: World) -> None:
    async def both(work: Work, journal: Journal) -> Turn:
        to = work.conversation.address
        posts = (
            Outbound("r", "say", to, Words("here", "staff"), cause=-1),
            Outbound("r:0", "say", to, PHOTO, cause=-1),
        )
        return Turn(entries=(StaffSaid(text="here", id="9"),), outbounds=posts)

    world.agent.script, world.tg.plan = both, ["", Retryable(after=30)]
    accepted = await world.say("hello")
    await world.settle()
    assert (len(world.tg.arrived), world.reports()) == (1, [])
    world.clock.advance(31)
    await world.settle()
    assert [entry.of for entry in await world.entries(accepted.conversation, Delivered)] == [2]
    assert world.reports() == [{"of": 2, "reason": "", "logged": True}]
