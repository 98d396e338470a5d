"""Not faster than a platform wants it."""

from __future__ import annotations

from bus.channel import Limits
from bus.pace import MANY, Pace
from tests.bus.scripts import says
from tests.bus.world import World


class Clock:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


def test_an_account_has_so_many_a_second_after_a_short_burst() -> None:
    clock = Clock()
    pace, limits = Pace(clock), Limits(per_second=10)
    sent = 0
    for _ in range(10_000):
        sent += pace.delay("tg", f"c{sent}", limits) == 0
        clock.now += 1
    assert 100 <= sent <= 111  # ten seconds at ten, and one second's burst


def test_what_it_says_to_wait_is_enough() -> None:
    clock = Clock()
    pace, limits = Pace(clock), Limits(per_second=3, apart=1000)
    for number in range(100):
        if wait := pace.delay("tg", f"c{number % 2}", limits):
            clock.now += wait
            assert pace.delay("tg", f"c{number % 2}", limits) == 0
    assert clock.now > 1_000_000 + 30_000


def test_two_messages_to_one_address_are_apart_and_others_do_not_wait() -> None:
    clock = Clock()
    pace, limits = Pace(clock), Limits(apart=1000)
    assert pace.delay("tg", "a", limits) == 0
    assert 0 < pace.delay("tg", "a", limits) <= 1001
    assert pace.delay("tg", "b", limits) == 0
    clock.now += 1000
    assert pace.delay("tg", "a", limits) == 0


def test_without_limits_nothing_waits_or_is_kept() -> None:
    pace = Pace(Clock())
    assert {pace.delay("tg", "a", Limits()) for _ in range(1000)} == {0}
    assert (pace._accounts, pace._addresses) == ({}, {})


def test_addresses_are_forgotten() -> None:
    clock = Clock()
    pace = Pace(clock)
    for number in range(3 * MANY):
        clock.now += 1
        pace.delay("tg", str(number), Limits(apart=10))
    assert len(pace._addresses) <= MANY


async def test_order_and_attempts_hold_while_messages_wait_for_their_turn(world: World) -> None:
    world.tg.limits = Limits(per_second=2, apart=1000)
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
