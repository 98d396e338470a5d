"""Not faster than a platform wants it."""

from __future__ import annotations

from collections.abc import Mapping

from bus.channel import Limits, Rate
from bus.errors import Retryable
from bus.message import Address
from bus.pace import MANY, Pace
from tests.bus.scripts import says
from tests.bus.world import World
from tests.support.clock import NOW, Clock


def test_an_account_has_so_many_a_second_after_a_short_burst() -> None:
    clock = Clock()
    pace, sent = Pace(clock), 0
    for _ in range(10_000):
        sent += pace.delay("tg", {"": Rate(10, 1000)}) == 0
        clock.now += 1
    assert 100 <= sent <= 111  # ten seconds at ten, and one second's burst


def test_what_it_says_to_wait_is_enough() -> None:
    clock = Clock()
    pace = Pace(clock)
    for number in range(100):
        rates = {"": Rate(3, 1000), f"c{number % 2}": Rate(1, 1000)}
        if wait := pace.delay("tg", rates):
            clock.now += wait
            assert pace.delay("tg", rates) == 0
    assert clock.now > NOW + 30_000


def test_what_waits_for_one_limit_is_not_counted_at_another() -> None:
    clock = Clock()
    pace, chat = Pace(clock), {"": Rate(2, 1000), "chat": Rate(1, 1000)}
    assert pace.delay("tg", chat) == 0
    assert all(pace.delay("tg", chat) > 0 for _ in range(10))
    assert pace.delay("tg", {"": Rate(2, 1000)}) == 0


def test_two_messages_to_one_chat_are_apart_and_others_do_not_wait() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.delay("tg", {"a": Rate(1, 1000)}) == 0
    assert 0 < pace.delay("tg", {"a": Rate(1, 1000)}) <= 1001
    assert pace.delay("tg", {"b": Rate(1, 1000)}) == 0
    assert pace.delay("wa", {"a": Rate(1, 1000)}) == 0
    clock.now += 1000
    assert pace.delay("tg", {"a": Rate(1, 1000)}) == 0


def test_what_the_platform_asks_for_holds_the_narrowest_that_counts() -> None:
    clock = Clock()
    pace, wide = Pace(clock), Rate(1000, 1000)
    pace.hold("tg", {"": wide, "a": wide}, 3000)
    assert 2999 <= pace.delay("tg", {"": wide, "a": wide}) <= 3001
    assert pace.delay("tg", {"": wide, "b": wide}) == 0
    clock.now += 3000
    assert pace.delay("tg", {"": wide, "a": wide}) == 0
    pace.hold("tg", {}, 3000)
    assert pace.delay("tg", {}) == 0


def test_without_rates_nothing_waits_or_is_kept() -> None:
    pace = Pace(Clock())
    assert {pace.delay("tg", {}) for _ in range(1000)} == {0}
    assert (pace._full_at, pace._held_until) == ({}, {})


def test_chats_are_forgotten() -> None:
    clock = Clock()
    pace = Pace(clock)
    for number in range(3 * MANY):
        clock.now += 1
        pace.delay("tg", {str(number): Rate(1, 10)})
    assert len(pace._full_at) <= MANY


def in_pairs(to: Address) -> Mapping[str, Rate]:
    """Two a second for all, and one a second for one of them."""
    return {"": Rate(2, 1000), to.peer: Rate(1, 1000)}


async def test_order_and_attempts_hold_while_messages_wait_for_their_turn(world: World) -> None:
    world.tg.limits = Limits(rates=in_pairs)
    world.agent.script = says(*"abc")
    for who in ("c1", "c2", "c3"):
        await world.say("hello", who)
    await world.settle()
    assert len(world.tg.calls) < 9
    for _ in range(40):
        world.clock.advance(0.5)
        await world.settle()
    by_peer: dict[str, list[str]] = {}
    for call in world.tg.calls:
        by_peer.setdefault(call.outbound.to.peer, []).append(call.outbound.content.text)  # type: ignore[union-attr]
    assert by_peer == {who: list("abc") for who in ("c1", "c2", "c3")}
    assert (len(world.tg.finds), await world.query("SELECT DISTINCT state, attempts FROM outbox")) == (0, [("sent", 1)])


async def test_a_platform_that_asks_to_wait_is_not_asked_again_by_others_who_count_together(world: World) -> None:
    world.tg.limits = Limits(rates=lambda _: {"": Rate(1000, 1000)})
    world.tg.plan = [Retryable("too fast", after=30)]
    await world.say("hello", "c1")
    await world.settle()
    await world.say("hello", "c2")
    await world.settle()
    assert (len(world.tg.calls), world.tg.texts) == (1, [])
    world.clock.advance(31)
    await world.settle()
    assert (len(world.tg.calls), len(world.tg.texts)) == (3, 2)
