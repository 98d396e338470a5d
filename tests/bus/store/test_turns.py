"""A turn's commit: everything or nothing, under the lease, and not over somebody else's word."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.action import Action
from bus.entries import AgentSaid, ModelReplied
from bus.errors import Interrupted, Stale, Superseded
from bus.message import Memo, Move, Outbound, Turn, Words, Work
from bus.store import Tenant, Transaction, actions, arrivals, claims, log, turns
from bus.store.claims import Lease
from bus.store.turns import Committed
from tests.bus.scripts import NOW, case, message, peer, raw, words

LEASE = Lease("p1", NOW + 30_000)
ACTION = Action("act_1", "c1", "tool", "staff", "pending", "refund", {}, "d", "v1", "k", NOW, NOW + 1)


async def begun(tenant: Tenant) -> Work:
    accepted = await tenant.write(arrivals.accept, message(1), side="customer", now=NOW, lease=LEASE)
    assert accepted.work is not None
    return accepted.work


async def commit(tenant: Tenant, work: Work, turn: Turn, **more: Any) -> Committed:
    return await tenant.write(turns.commit, work, turn, LEASE, NOW, lambda prefix: f"{prefix}_1", {"web"}, **more)


def rows(tx: Transaction, table: str) -> int:
    return int(raw(tx, f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608


async def test_everything_is_committed_together(tenant: Tenant) -> None:
    work = await begun(tenant)
    turn = Turn(
        entries=(AgentSaid(text="a"), AgentSaid(text="b")),
        outbounds=(words(work, "a", cause=-2, epoch=None), Outbound("x", "say", peer(), Words("c", "agent"), cause=1)),
        actions=(ACTION,), memos=(Memo("quiet", "quiet", NOW + 9),), owner="staff", owner_name="Sara", status="waiting_staff",
        language="es", summary="s", bump_epoch=True, new_episode=True,
    )  # fmt: skip
    committed = await commit(tenant, work, turn)
    (post,) = committed.posts
    assert (post.sending.outbound.cause, post.sending.attempt, committed.seq, committed.work) == (2, "att_1", 3, None)
    item = await tenant.read(lambda tx: tx.one("conversation_by_id", id="c1"))
    assert item is not None
    names = ("owner", "owner_name", "status", "language", "summary", "epoch", "episode", "lease_until")
    assert [item[name] for name in names] == ["staff", "Sara", "waiting_staff", "es", "s", 1, 2, 0]
    assert await tenant.read(actions.one, "act_1") == ACTION
    assert [line.episode for line in await tenant.read(log.after, "c1", 0, 9)] == [1, 1, 1]


@pytest.mark.parametrize(
    "turn",
    [
        Turn(entries=(AgentSaid(text="a"),), moves=(Move("act_1", "approved", "executing"),)),
        Turn(entries=(AgentSaid(text="a"),), actions=(ACTION,)),
        Turn(
            entries=(AgentSaid(text="a"),), memos=(Memo("m", "m", NOW),), outbounds=(Outbound("k", "say", peer("bob")),)
        ),
        Turn(entries=(AgentSaid(text="a"),), outbounds=(Outbound("k", "say", peer(), cause=-7),)),
    ],
)
async def test_or_nothing_is(tenant: Tenant, turn: Turn) -> None:
    work = await begun(tenant)
    await tenant.write(actions.insert, ACTION)
    with pytest.raises((Stale, ValueError, IndexError, Exception)):
        await commit(tenant, work, turn)
    assert [await tenant.read(rows, table) for table in ("entry", "inbox", "outbox", "action")] == [1, 1, 0, 1]
    assert (await commit(tenant, work, Turn())).work is None


async def test_the_commit_opens_the_next_turn_under_the_same_lease_or_lets_it_go(tenant: Tenant) -> None:
    work = await begun(tenant)
    await tenant.write(arrivals.accept, message(2), side="customer", now=NOW)
    following = (await commit(tenant, work, Turn())).work
    assert following is not None
    assert (following.turn, following.token, following.rows[0].inbound.key) == (2, work.token, "message:ada:2")
    await tenant.write(arrivals.accept, message(3), side="customer", now=NOW)
    assert (await commit(tenant, following, Turn(), more=False)).work is None
    assert await tenant.write(claims.claim, "c1", LEASE, NOW) is not None


async def test_a_commit_needs_every_step_it_stands_on(tenant: Tenant) -> None:
    work = await begun(tenant)
    await tenant.write(turns.step, work, LEASE, ModelReplied(model="m", step=1), NOW)
    with pytest.raises(Stale, match="not recorded"):
        await commit(tenant, work, Turn(), steps=2)
    await commit(tenant, work, Turn(), steps=1)


async def test_who_has_the_word(tenant: Tenant) -> None:
    work = await begun(tenant)
    relay = msgspec.structs.replace(work, consumer="relay")
    await tenant.write(arrivals.accept, message(2), side="customer", now=NOW)
    with pytest.raises(Superseded):
        await commit(tenant, work, Turn(), may_yield=True)
    await tenant.write(lambda tx: tx.run("conversation_interrupt", id="c1", interrupt="staff"))
    await tenant.write(arrivals.accept, message(3), side="customer", now=NOW)
    with pytest.raises(Interrupted):
        await commit(tenant, work, Turn())
    await commit(tenant, relay, Turn(), may_yield=True)


async def test_giving_back_a_lost_turn_changes_nothing(tenant: Tenant) -> None:
    work = await begun(tenant)
    later = NOW + 30_000
    other = await tenant.write(claims.claim, "c1", Lease("p2", later + 30_000), later)
    assert other is not None
    await tenant.write(turns.give_back, work, LEASE, later + 99_999)
    ((due,),) = await tenant.read(raw, "SELECT due_at FROM inbox")
    assert due == NOW
    assert await tenant.write(turns.hold, other, Lease("p2", later)) == ""


async def test_pull_channels_have_no_rows_and_threads_of_ours_become_the_desk(tenant: Tenant) -> None:
    work = await begun(tenant)
    desk = Outbound("card", "say", case("c1"), Words("x", "system"))
    await commit(tenant, work, Turn(outbounds=(desk,)))
    found = await tenant.read(lambda tx: tx.one("conversation_by_id", id="c1"))
    assert found is not None
    assert found["desk"] == case("c1").key
