"""Hints: the newest is never lost, previews may be."""

from __future__ import annotations

import asyncio

from bus.wake import Changed, Discard, Hub, Preview, Subscription, Typing


async def test_readers_of_a_conversation_hear_its_hints_and_no_others() -> None:
    hub = Hub()
    with hub.subscribe("c1") as one, hub.subscribe("c1") as two, hub.subscribe("c2") as other:
        hub.publish("c1", Typing())
        hub.publish("c2", Changed())
        assert (await one.take(), await two.take(), await other.take()) == ([Typing()], [Typing()], [Changed()])
    assert not hub.listened("c1")


async def test_taking_waits_for_the_first_hint() -> None:
    reader = Subscription()
    taking = asyncio.create_task(reader.take())
    await asyncio.sleep(0)
    assert not taking.done()
    reader.put(Changed())
    assert await taking == [Changed()]


async def test_what_changed_is_told_once_until_it_is_read() -> None:
    reader = Subscription()
    for hint in (Changed(), Changed(), Typing(), Changed()):
        reader.put(hint)
    assert await reader.take() == [Changed(), Typing()]
    reader.put(Changed())
    assert await reader.take() == [Changed()]


async def test_a_slow_reader_loses_previews_but_not_that_they_were_taken_back() -> None:
    reader = Subscription(limit=3)
    for offset in range(100):
        reader.put(Preview(1, offset, "x"))
    reader.put(Discard(1))
    reader.put(Discard(1))
    hints = await reader.take()
    assert hints == [*(Preview(1, offset, "x") for offset in range(3)), Changed(), Discard(1)]
