"""The one door: recorded once, in one conversation, and worked on even when whoever brought it has hung up."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bus.errors import Retryable, Unavailable
from bus.message import Customer
from bus.store import arrivals
from tests.bus.scripts import Held, message, peer, thread
from tests.bus.world import World


async def test_what_was_accepted_is_on_the_disk_with_its_raw_payload(world: World) -> None:
    world.agent.script = Held()
    accepted = await world.intake.accept(message(1, "hello"), side="customer", raw=b'{"update_id": 1}\xff')
    assert accepted.new
    rows = await world.query("SELECT conversation, kind, raw FROM inbox")
    assert rows == [(accepted.conversation, "message", '{"update_id": 1}\ufffd')]


async def test_each_message_counts_once_however_often_it_is_delivered(world: World) -> None:
    """200 messages of 20 people, each delivered one to five times, all at once."""
    sent = [message(number, at=peer(f"c{number % 20}")) for number in range(200)]
    deliveries = [inbound for number, inbound in enumerate(sent) for _ in range(1 + number % 5)]
    results = await asyncio.gather(*(world.accept(inbound) for inbound in deliveries))
    await world.settle()
    assert sum(result.new for result in results) == len(sent), f"of {len(deliveries)} deliveries"
    assert await world.query("SELECT COUNT(*) FROM entry WHERE kind = 'customer_said'") == [(len(sent),)]
    by_key = {(inbound.key, result.conversation) for inbound, result in zip(deliveries, results, strict=True)}
    assert len(by_key) == len(sent), "a duplicate is told the same conversation"


async def test_a_thousand_people_who_write_five_times_at_once_have_a_thousand_conversations(world: World) -> None:
    world.agent.script = Held()
    sent = [message(number, at=peer(f"c{who}")) for who in range(1000) for number in range(5)]
    results = await asyncio.gather(*(world.accept(inbound) for inbound in sent))
    conversations = Counter(result.conversation for result in results)
    assert len(conversations) == 1000, f"{len(conversations)} conversations of {len(sent)} first messages"
    assert set(conversations.values()) == {5}
    assert await world.query("SELECT COUNT(*) FROM conversation") == [(1000,)]


async def test_the_free_conversations_turn_begins_in_the_same_transaction(world: World) -> None:
    world.agent.script = Held()
    first, second = await world.say("one"), await world.say("two")
    assert first.work is not None
    assert (first.work.turn, first.work.token, first.work.rows[0].seq) == (1, 1, 1)
    assert second.work is None
    row = await world.conversation(first.conversation)
    assert (row["lease_owner"], row["interrupt"]) == ("p1", "customer")


async def test_a_caller_who_hangs_up_does_not_hold_up_the_answer(world: World) -> None:
    calling = asyncio.create_task(world.say("hello"))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await world.tenant.write(lambda tx: None)
    await world.settle()
    assert world.tg.texts == ["re: hello"]


async def test_a_stopping_gateway_takes_nothing(world: World) -> None:
    world.intake.close()
    with pytest.raises(Unavailable):
        await world.say("hello")
    assert await world.query("SELECT * FROM inbox") == []


async def test_what_cannot_be_stored_is_not_accepted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise Unavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(arrivals, "accept", full)
        with pytest.raises(Unavailable):
            await world.accept(message(1))
    assert (await world.accept(message(1))).new


async def test_only_words_and_presses_open_a_conversation(world: World) -> None:
    for kind in ("edit", "delete"):
        accepted = await world.accept(message(1, kind=kind))
        assert (accepted.new, accepted.conversation) == (True, "")
    await world.intake.route()
    assert await world.query("SELECT COUNT(*) FROM conversation") == [(0,)]
    assert await world.query("SELECT DISTINCT state FROM inbox") == [("parked",)]
    assert (await world.accept(message(2, kind="press", button="yes"))).conversation != ""


async def test_a_verified_customer_is_kept_with_the_new_conversation(world: World) -> None:
    accepted = await world.intake.accept(message(1), side="customer", customer=Customer("site", "42", "Ada"))
    await world.settle()
    customer = world.agent.works[0].conversation.customer
    assert customer == Customer("site", "42", "Ada")
    assert accepted.conversation == world.agent.works[0].conversation.id


async def test_another_tenants_message_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="came to other"):
        await world.store.tenant("other").write(arrivals.accept, message(1), side="customer", now=1, fresh="c")


async def test_tenants_share_nothing(world: World) -> None:
    import msgspec

    address = msgspec.structs.replace(peer(), tenant="other")
    await world.say("hello")
    accepted = await world.store.tenant("other").write(
        arrivals.accept, message(1, at=address), side="customer", now=1, fresh="c_000001"
    )
    assert accepted.new, "the same key, address and conversation id, of somebody else"
    await world.settle()
    assert world.tg.texts == ["re: hello"]


# What belongs to nobody yet.


async def test_a_word_in_a_thread_whose_link_was_not_kept_finds_its_conversation_by_the_root(world: World) -> None:
    """The root was posted, the process died before the link was stored: the root's metadata heals it, a hundred times."""
    lost = 0
    for number in range(100):
        accepted = await world.say("hello", f"c{number}")
        await world.settle()
        world.desk.located[f"17.{number}"] = accepted.conversation
        assert (await world.staff(f"for {number}", f"17.{number}")).conversation == ""
        await world.intake.route()
        await world.settle()
        lost += world.tg.texts[-1] != f"for {number}"
        assert (await world.row("link_of", address=thread(f"17.{number}").key))["conversation"] == accepted.conversation
    assert lost == 0, f"{lost} of 100 replies lost"


async def test_a_word_that_finds_its_thread_late_still_interrupts(world: World) -> None:
    world.agent.script = held = Held()
    accepted = await world.say("hello")
    await held.reached.wait()
    world.desk.located["17.1"] = accepted.conversation
    await world.staff("mine", "17.1")
    await world.intake.route()
    held.go.set()
    await world.settle()
    assert world.tg.texts == ["mine"]


async def test_a_thread_of_nobody_is_let_go(world: World) -> None:
    await world.staff("chatter", "17.9")
    await world.intake.route()
    assert await world.query("SELECT state FROM inbox") == [("parked",)]
    assert world.relay.works == []


async def test_a_root_that_names_no_conversation_of_ours_is_let_go(world: World) -> None:
    world.desk.located["17.9"] = "c_of_another_store"
    await world.staff("chatter", "17.9")
    await world.intake.route()
    assert await world.query("SELECT state FROM inbox") == [("parked",)]


async def test_a_thread_that_cannot_be_located_is_tried_for_half_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(address: object) -> str:
        raise Retryable("too fast")

    monkeypatch.setattr(world.desk, "locate", down)
    await world.staff("hello?", "17.9")
    for seconds, state in ((0, "unrouted"), (29, "unrouted"), (1, "parked")):
        world.clock.advance(seconds)
        await world.intake.route()
        assert await world.query("SELECT state FROM inbox") == [(state,)]


async def test_reports_that_wait_do_not_hide_staffs_words(world: World) -> None:
    for number in range(60):
        await world.accept(message(number, kind="delivery", target=f"SM{number}"))
    world.clock.advance(1)
    await world.staff("chatter", "17.9")
    await world.intake.route()
    assert await world.query("SELECT COUNT(*) FROM inbox WHERE state = 'parked'") == [(1,)]
