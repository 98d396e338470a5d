"""Threads that we open, and changes of what was said before."""

from __future__ import annotations

import asyncio

import pytest

from bus.consumer import Journal
from bus.entries import Expired
from bus.errors import Permanent, Retryable
from bus.message import Act, Address, Outbound, Turn, Words, Work
from bus.store import outbox
from tests.bus.scripts import case, does, root, says
from tests.bus.world import World

# Our own threads.


async def test_the_first_words_open_the_thread_and_the_rest_goes_into_it(world: World) -> None:
    async def opens(work: Work, journal: Journal) -> Turn:
        details = Outbound("details", "say", case(work.conversation.id), Words("details", "system"))
        return Turn(outbounds=(root(work), details))

    world.agent.script = opens
    await world.say("hello")
    await world.settle()
    assert [(sending.anchor, sending.outbound.to.thread[:5]) for sending in world.desk.calls] == [
        ("", "case:"),
        ("desk-1", "case:"),
    ]


async def test_what_came_into_the_thread_before_it_was_known_is_routed_then(world: World) -> None:
    """The person is quicker than our own commit."""
    world.agent.script = echo_once = says("hi")
    accepted = await world.say("hello")
    await world.settle()
    world.desk.gate = asyncio.Event()
    await world.remind(accepted.conversation, "handover")
    await world.worker.idle()
    await world.desk.started.wait()
    early = await world.staff("I am on it")
    assert (early.new, early.conversation) == (True, "")
    world.desk.gate.set()
    await world.settle()
    assert world.tg.texts[-1] == "I am on it"
    assert echo_once is world.agent.script


async def test_a_root_is_tried_until_it_is_too_old_and_a_later_one_opens_the_thread(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()
    world.desk.plan = [Permanent("channel_not_found")] * 3
    await world.remind(accepted.conversation, "handover")
    await world.wait_out(600)
    assert len(world.desk.calls) == 4
    assert world.desk.texts == ["a case"]
    assert (await world.row("link_of", address=case(accepted.conversation).key))["anchor"] == "desk-1"


async def test_without_its_root_the_next_words_open_the_thread(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()
    world.desk.mode = "off"
    await world.remind(accepted.conversation, "handover")
    await world.settle()
    await world.wait_out(90_000)
    assert (await world.post(f"card:{accepted.conversation}"))["state"] == "expired"
    world.desk.mode = "live"
    world.relay.script = does(Outbound("line", "say", case(accepted.conversation), Words("once more", "system")))
    await world.remind(accepted.conversation, "again")
    await world.settle()
    assert world.desk.calls[-1].anchor == ""
    assert (await world.row("link_of", address=case(accepted.conversation).key))["anchor"] == "desk-1"


async def refer(world: World, act: Act, target: str, *, to: Address | None = None) -> None:
    """The relay changes something that was said before."""
    conversation = world.agent.works[0].conversation
    content = None if act == "remove" else Words("changed", "staff")
    outbound = Outbound(f"{act}:{target}", act, to or conversation.address, content, target_key=target)
    world.relay.script = does(outbound)
    await world.remind(conversation.id, "again")
    await world.settle()


async def test_a_change_names_the_message_that_it_changes(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()
    await refer(world, "replace", f"reply:{accepted.conversation}:1")
    assert (world.tg.calls[-1].target, world.tg.texts[-1]) == ("tg-1", "changed")


@pytest.mark.parametrize("act", ["replace", "remove", "mark"])
async def test_a_change_of_what_was_never_sent_is_withdrawn(world: World, act: Act) -> None:
    world.tg.plan = [Permanent("blocked")]
    accepted = await world.say("hello")
    await world.settle()
    await refer(world, act, f"reply:{accepted.conversation}:1")
    await refer(world, act, "unheard of")
    assert len(world.tg.calls) == 1
    whys = [entry.why for entry in await world.entries(accepted.conversation, Expired)]
    assert whys == [outbox.NEVER_SENT] * 2


async def test_a_change_waits_for_what_is_still_in_another_line(world: World) -> None:
    accepted = await world.say("hello")
    await world.settle()
    world.desk.plan = [Retryable(after=30)]
    await world.remind(accepted.conversation, "handover")
    await world.settle()
    await refer(world, "mark", f"card:{accepted.conversation}", to=world.agent.works[0].conversation.address)
    assert len(world.tg.calls) == 1
    world.clock.advance(31)
    await world.settle()
    world.clock.advance(1)
    await world.settle()
    assert world.tg.calls[-1].target == "desk-1"
