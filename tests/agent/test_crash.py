"""A turn that dies anywhere runs again to the same end: nothing is asked twice of a model, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.agent.shop import Shop
from tests.agent.test_core import AGREED, REFUND
from tests.agent.world import ADA, MINUTE, Crash, Scripted, World

STEPS = range(1, 16)


def dies(where: str, turn: int, step: int) -> Callable[[str, int, int], None]:
    """Dies once, at one point of one turn."""
    left = [1]

    def crash(here: str, now: int, number: int) -> None:
        if left[0] and (here, now, number) == (where, turn, step):
            left[0] = 0
            raise Crash

    return crash


@pytest.mark.parametrize("turn", [1, 2, 3])
@pytest.mark.parametrize("where", ["before", "after", "lost"])
async def test_the_story_survives_a_death_at_every_step(world: World, shop: Shop, where: str, turn: int) -> None:
    for step in STEPS:
        shop.refunds.clear()
        shop.saved.clear()
        world.ledger.rows.clear()
        talk = world.talk(f"{step}", customer=ADA)
        talk.crash = dies(where, turn, step)
        await talk.say(REFUND)
        (said,) = await talk.say(AGREED)
        assert "Refund of $189.40 issued — confirmation #R-7711." in said
        assert len(shop.refunds) == 1
        assert [row["state"] for row in world.ledger.rows.values()] == ["ok"]
        assert [action.state for action in talk.actions.values()] == ["done"]


async def test_a_call_that_may_have_happened_is_not_repeated_where_the_far_end_has_no_keys(
    world: World, shop: Shop, spec: str
) -> None:
    world.publish(spec.replace(", idempotent: true", ""))
    talk = world.talk(customer=ADA)
    await talk.say(REFUND)
    talk.crash = dies("lost", 3, 4)
    (said,) = await talk.say("yes")
    assert "no clear answer" in said
    assert (len(shop.refunds), [action.state for action in talk.actions.values()]) == (1, ["unknown"])


async def test_a_model_is_not_asked_again_for_what_it_has_answered(world: World, shop: Shop) -> None:
    shop.amounts["A-48291"] = 80
    for step in STEPS:
        world.model = model = Scripted(
            [("get_order", {"order_id": "A-48291"})],
            [("create_refund", {"order_id": "A-48291"})],
            "Done, see R-7711.",
            "Never asked.",
        )
        shop.refunds.clear()
        shop.saved.clear()
        world.ledger.rows.clear()
        talk = world.talk(f"{step}", customer=ADA)
        talk.crash = dies("after", 1, step)
        await talk.say(REFUND)
        assert len(model.prompts) == 3
        assert len(shop.refunds) == 1


async def test_the_clock_of_a_turn_does_not_move_between_its_attempts(world: World, shop: Shop) -> None:
    shop.amounts["A-48291"] = 80
    world.model = Scripted([("get_refund_eligibility", {"order_id": "A-48291"})], "It is eligible.")
    talk = world.talk(customer=ADA)
    await talk.say(REFUND)
    world.time += 10 * MINUTE
    crash = dies("after", 2, 4)

    def sleeps_and_dies(where: str, turn: int, step: int) -> None:
        try:
            crash(where, turn, step)
        except Crash:
            world.time += 10 * MINUTE
            raise

    talk.crash = sleeps_and_dies
    world.model = Scripted([("create_refund", {"order_id": "A-48291"})], "See R-7711.")
    await talk.say("please refund A-48291")
    assert len(shop.refunds) == 1
