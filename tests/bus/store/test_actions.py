"""Actions: moved by compare-and-set, and only where the state machine lets them."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import product
from typing import get_args

import msgspec
import pytest

from bus.action import MOVES, Action, ActionState, may_move
from bus.errors import Stale
from bus.message import Move
from bus.store import Tenant, actions
from tests.bus.scripts import NOW


def action(number: int = 1, state: ActionState = "pending", conversation: str = "c1") -> Action:
    args = {"order": "A-1", "amount": Decimal("189.40")}
    return Action(
        f"act_{number:04}", conversation, "tool", "customer", state, "refund", args, "d", "v1", f"k{number}",
        NOW + number, NOW + 1000,
    )  # fmt: skip


async def state(tenant: Tenant, number: int = 1) -> ActionState:
    found = await tenant.read(actions.one, f"act_{number:04}")
    assert found is not None
    return found.state


async def test_an_action_is_read_as_it_was_written(tenant: Tenant) -> None:
    await tenant.write(actions.insert, action())
    assert await tenant.read(actions.one, "act_0001") == action()
    assert await tenant.read(actions.one, "act_0002") is None


@pytest.mark.parametrize(("before", "after"), list(product(get_args(ActionState), repeat=2)))
async def test_only_the_machines_moves_are_made(before: ActionState, after: ActionState, tenant: Tenant) -> None:
    await tenant.write(actions.insert, action(state=before))
    move = tenant.write(actions.move, "c1", Move("act_0001", before, after), NOW)
    if may_move(before, after):
        await move
        assert await state(tenant) == after
    else:
        with pytest.raises(ValueError, match="cannot go"):
            await move


async def test_of_fifty_clicks_one_decides(tenant: Tenant) -> None:
    """100 actions, 50 decisions each at once, approve against deny."""
    clicks, count = 50, 100
    for number in range(count):
        tenant.queue(actions.insert, action(number))
    decisions = [
        tenant.write(
            actions.move,
            "c1",
            Move(f"act_{number:04}", "pending", "approved" if click % 2 else "denied", f"U{click}"),
            NOW,
        )
        for click in range(clicks)
        for number in range(count)
    ]
    results = await asyncio.gather(*decisions, return_exceptions=True)
    won = [result for result in results if isinstance(result, Action)]
    assert (len(won), sum(isinstance(result, Stale) for result in results)) == (count, count * (clicks - 1))
    assert {one.decided_by for one in won} == {"U0"}


async def test_a_move_belongs_to_its_conversation_and_to_something_that_is_there(tenant: Tenant) -> None:
    await tenant.write(actions.insert, action())
    for conversation, name in (("c2", "act_0001"), ("c1", "act_9")):
        with pytest.raises(Stale):
            await tenant.write(actions.move, conversation, Move(name, "pending", "approved"), NOW)
    assert await state(tenant) == "pending"


async def test_a_move_may_carry_a_change(tenant: Tenant) -> None:
    await tenant.write(actions.insert, action())
    changed = msgspec.structs.replace(action(), asks="staff", question="Really?")
    await tenant.write(actions.move, "c1", Move("act_0001", "pending", "pending", "ada", changed), NOW + 7)
    found = await tenant.read(actions.one, "act_0001")
    assert found == msgspec.structs.replace(changed, decided_by="ada", decided_at=NOW + 7)


async def test_what_is_open_oldest_first_and_pages(tenant: Tenant) -> None:
    for number, one in enumerate(get_args(ActionState)):
        await tenant.write(actions.insert, action(number, one))
    found = await tenant.read(actions.open_ones, "c1")
    assert [one.state for one in found] == ["pending", "approved", "executing", "unknown", "blocked"]
    assert {one.state for one in found} == {one for one in MOVES if MOVES[one]}
    assert await tenant.read(actions.open_ones, "c2") == []
    page = await tenant.read(lambda tx: actions.page(tx, limit=3, after="act_0001"))
    assert [one.id for one in page] == ["act_0002", "act_0003", "act_0004"]
    page = await tenant.read(lambda tx: actions.page(tx, state="denied"))
    assert [one.state for one in page] == ["denied"]
