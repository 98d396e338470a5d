"""Outbox rows: who may touch them, and when."""

from __future__ import annotations

import msgspec
import pytest

from bus.message import Outbound, Words
from bus.store import Tenant, Transaction, outbox
from bus.store.outbox import SEND_LEASE, Post
from bus.store.recovery import everything
from tests.bus.scripts import NOW, case, peer

KEY = peer().key


async def said(tenant: Tenant, *keys: str) -> None:
    for key in keys:
        assert await tenant.write(outbox.insert, "c1", Outbound(key, "say", peer(), Words(key, "agent")), NOW)


async def claimed(tenant: Tenant, attempt: str = "att_1", now: int = NOW) -> Post | None:
    return await tenant.write(outbox.claim, KEY, attempt, now)


async def must(tenant: Tenant, attempt: str = "att_1", now: int = NOW) -> Post:
    post = await claimed(tenant, attempt, now)
    assert post is not None
    return post


async def state(tenant: Tenant, key: str = "a") -> str:
    row = await tenant.read(lambda tx: tx.one("outbox_by_key", key=key))
    assert row is not None
    return str(row["state"])


async def test_one_row_of_an_address_is_on_its_way_at_a_time(tenant: Tenant) -> None:
    await said(tenant, "a", "b")
    first = await must(tenant)
    assert await claimed(tenant, "att_2") is None
    following = await tenant.write(outbox.sent, first, "tg-1", "att_3", NOW)
    assert following is not None
    assert (following.sending.outbound.key, following.sending.attempt) == ("b", "att_3")
    assert await tenant.write(outbox.sent, following, "tg-2", "att_4", NOW) is None


async def test_a_key_is_used_once(tenant: Tenant) -> None:
    await said(tenant, "a")
    assert not await tenant.write(outbox.insert, "c1", Outbound("a", "say", peer()), NOW)


async def test_a_row_whose_sender_is_gone_is_found_as_lost(tenant: Tenant) -> None:
    await said(tenant, "a")
    await must(tenant)
    assert await tenant.read(outbox.due, NOW + SEND_LEASE - 1, 9) == []
    assert await tenant.read(outbox.due, NOW + SEND_LEASE, 9) == [KEY]
    lost = await must(tenant, "att_2", NOW + SEND_LEASE)
    assert (lost.lost, lost.sending.attempt) == (True, "att_1")
    assert await claimed(tenant, "att_3", NOW + SEND_LEASE) is None, "somebody looks it up now"


async def test_at_start_what_was_on_its_way_is_lost_at_once(tenant: Tenant) -> None:
    await said(tenant, "a")
    await must(tenant)
    assert await tenant.write(everything) == 1
    assert (await must(tenant, "att_2")).lost


async def test_a_stale_sender_cannot_put_back_or_end_what_another_sends(tenant: Tenant) -> None:
    await said(tenant, "a")
    stale = await must(tenant)
    again = await tenant.write(outbox.afresh, stale, NOW, "att_2", NOW)
    assert again is not None
    assert again.sending.attempt == "att_2"
    await tenant.write(outbox.again, stale, NOW, "too fast")
    await tenant.write(outbox.pause, stale, NOW)
    await tenant.write(outbox.failed, stale, "failed", "blocked", "att_3", NOW)
    await tenant.write(outbox.hold, stale, NOW + 999_999)
    assert await state(tenant) == "sending"
    assert await tenant.read(outbox.due, NOW + SEND_LEASE, 9) == [KEY]


async def test_that_it_arrived_is_true_whoever_says_so(tenant: Tenant) -> None:
    await said(tenant, "a")
    first = await must(tenant)
    await tenant.write(outbox.afresh, first, NOW, "att_2", NOW)
    await tenant.write(outbox.sent, first, "tg-1", "att_3", NOW)
    assert await state(tenant) == "sent"
    await tenant.write(outbox.failed, first, "failed", "late", "att_4", NOW)
    assert await state(tenant) == "sent"


async def test_a_lost_row_that_waits_stays_lost(tenant: Tenant) -> None:
    await said(tenant, "a")
    lost = msgspec.structs.replace(await must(tenant), lost=True)
    await tenant.write(outbox.pause, lost, NOW + 5)
    assert await state(tenant) == "sending"
    assert (await must(tenant, "att_2", NOW + 5)).lost


async def test_a_line_is_due_when_its_head_is(tenant: Tenant) -> None:
    await said(tenant, "a", "b")
    await tenant.write(outbox.again, await must(tenant), NOW + 10, "wait")
    assert await tenant.read(outbox.due, NOW + 9, 9) == []
    assert await tenant.read(outbox.due, NOW + 10, 9) == [KEY]
    posts = await tenant.write(outbox.claim_all, [KEY, "tg/bot/nobody/"], lambda prefix: prefix, NOW + 10)
    assert [post.sending.outbound.key for post in posts] == ["a"]


@pytest.mark.parametrize("to", [peer("bob"), case("c2")])
async def test_only_the_conversations_own_addresses_are_written_to(tenant: Tenant, to: object) -> None:
    from bus.store import conversations

    await tenant.write(conversations.link, case("c2"), "c2", "staff")
    with pytest.raises(ValueError, match="not this conversation's"):
        await tenant.write(outbox.insert, "c1", Outbound("a", "say", to), NOW)  # type: ignore[arg-type]


async def test_an_address_of_another_tenant_is_refused(tenant: Tenant) -> None:
    foreign = msgspec.structs.replace(peer(), tenant="other")
    with pytest.raises(ValueError, match="not this conversation's"):
        await tenant.write(outbox.insert, "c1", Outbound("a", "say", foreign), NOW)

    def nothing(tx: Transaction) -> int:
        return len(tx.all("outbox_due", now=NOW, limit=9))

    assert await tenant.read(nothing) == 0
