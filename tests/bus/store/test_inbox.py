"""Rows of the inbox: unique by their natural key, memos that move, reports that come once."""

from __future__ import annotations

from typing import Any

from bus.message import Inbound, Memo
from bus.store import Tenant, Transaction, inbox
from tests.bus.scripts import NOW, message, peer, raw


def rows(tx: Transaction) -> list[tuple[Any, ...]]:
    return raw(tx, "SELECT key, state, due_at FROM inbox ORDER BY id")


async def test_an_inbound_is_there_once_per_channel_and_account(tenant: Tenant) -> None:
    one = message(1)
    other_bot = Inbound("message:ada:1", peer(), one.sender, "message", NOW)
    assert await tenant.write(inbox.insert, one, "c1", "customer", NOW) == 1
    assert await tenant.write(inbox.insert, other_bot, "c1", "customer", NOW) is None
    assert await tenant.read(inbox.known, one) == "c1"
    assert await tenant.read(inbox.known, message(2)) == ""


async def test_a_memo_moves_by_its_key_and_is_taken_back(tenant: Tenant) -> None:
    for due_at in (NOW + 5, NOW + 9):
        await tenant.write(inbox.remind, "c1", Memo("quiet", "quiet", due_at), NOW)
    assert await tenant.read(rows) == [("memo:c1:quiet", "ready", NOW + 9)]
    await tenant.write(inbox.cancel, "c1", "quiet")
    await tenant.write(inbox.cancel, "c1", "never set")
    assert await tenant.read(rows) == [("memo:c1:quiet", "cancelled", NOW + 9)]
    await tenant.write(inbox.remind, "c1", Memo("quiet", "quiet", NOW + 1), NOW)
    assert await tenant.read(rows) == [("memo:c1:quiet", "ready", NOW + 1)]


async def test_a_memo_waits_until_it_is_worked_on_taken_back_or_parked(tenant: Tenant) -> None:
    async def waits() -> bool:
        return await tenant.read(inbox.waits, "c1", "quiet")

    assert not await waits()

    def end(tx: Transaction, how: str) -> None:
        tx.run(how, id=1)

    for how in ("inbox_done", "inbox_park"):
        await tenant.write(inbox.remind, "c1", Memo("quiet", "quiet", NOW + 1), NOW)
        assert await waits()
        await tenant.write(end, how)
        assert not await waits()
    await tenant.write(inbox.remind, "c1", Memo("quiet", "quiet", NOW + 1), NOW)
    assert not await tenant.read(inbox.waits, "c2", "quiet")
    await tenant.write(inbox.cancel, "c1", "quiet")
    assert not await waits()


async def test_memos_of_two_conversations_do_not_share_their_keys(tenant: Tenant) -> None:
    for conversation in ("c1", "c2"):
        await tenant.write(inbox.remind, conversation, Memo("quiet", "quiet", NOW), NOW)
    await tenant.write(inbox.cancel, "c1", "quiet")
    assert [state for _, state, _ in await tenant.read(rows)] == ["cancelled", "ready"]


async def test_a_report_comes_once(tenant: Tenant) -> None:
    for _ in range(3):
        await tenant.write(inbox.report, "c1", "k", {"of": 1, "reason": "blocked"}, NOW)
    assert len(await tenant.read(rows)) == 1


async def test_what_has_no_conversation_waits_in_the_order_of_its_arrival(tenant: Tenant) -> None:
    await tenant.write(inbox.insert, message(1, kind="delivery"), "", "customer", NOW)
    for number in (2, 3):
        await tenant.write(inbox.insert, message(number), "", "staff", NOW)
    waiting = await tenant.read(inbox.unrouted, 2)
    assert [row.inbound.key for row in waiting] == ["message:ada:2", "message:ada:3"]
    await tenant.write(inbox.route, waiting[0], "c1")
    await tenant.write(inbox.drop, waiting[1].row)
    assert [state for _, state, _ in await tenant.read(rows)] == ["unrouted", "ready", "parked"]
    assert len(await tenant.read(inbox.unrouted_reports, "tg")) == 1
