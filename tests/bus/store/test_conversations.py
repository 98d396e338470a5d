"""Conversations, links and customers."""

from __future__ import annotations

import pytest

from bus.entries import CustomerSaid
from bus.message import Customer
from bus.store import Tenant, conversations, log
from tests.bus.scripts import NOW, case, peer, thread


async def test_an_address_leads_to_its_conversation_once_and_for_all(tenant: Tenant) -> None:
    assert await tenant.read(conversations.route, peer()) == ("c1", "customer")
    assert await tenant.read(conversations.route, peer("bob")) is None
    assert await tenant.write(conversations.link, thread("17.1"), "c1", "staff")
    assert not await tenant.write(conversations.link, thread("17.1"), "c2", "customer")
    assert await tenant.read(conversations.route, thread("17.1")) == ("c1", "staff")


async def test_threads_that_differ_in_the_last_digit_do_not_mix(tenant: Tenant) -> None:
    await tenant.write(conversations.link, thread("1700000000.000100"), "c1", "staff")
    assert await tenant.read(conversations.route, thread("1700000000.0001")) is None
    assert await tenant.read(conversations.route, thread("1700000000.000101")) is None


async def test_a_conversation_is_what_consumers_see(tenant: Tenant) -> None:
    found = await tenant.read(conversations.load, "c1")
    assert found is not None
    assert (found.address, found.owner, found.epoch, found.episode, found.status) == (peer(), "agent", 0, 1, "open")
    assert (found.customer, found.desk) == (None, None)
    assert await tenant.read(conversations.load, "c9") is None


async def test_a_visitor_who_proves_who_they_are_keeps_their_conversation(tenant: Tenant) -> None:
    ada = Customer("site", "42", "Ada", "ada@example.com", "en", "sealed", NOW + 1)
    await tenant.write(conversations.identify, "c1", peer("ada-42"), ada)
    await tenant.write(conversations.remember, ada, NOW)
    found = await tenant.read(conversations.load, "c1")
    assert found is not None
    assert (found.address, found.customer) == (peer("ada-42"), ada)
    assert await tenant.read(conversations.route, peer()) == ("c1", "customer")


async def test_a_customer_nobody_remembered_has_a_name(tenant: Tenant) -> None:
    await tenant.write(conversations.create, "c2", peer("bob"), NOW, Customer("site", "7", "Bob"))
    found = await tenant.read(conversations.load, "c2")
    assert found is not None
    assert found.customer == Customer("site", "7", "Bob")


async def test_pages_go_on_where_they_ended_and_find_words_as_they_were_written(tenant: Tenant) -> None:
    for number in range(2, 8):
        await tenant.write(conversations.create, f"c{number}", peer(f"p{number}"), NOW)
        text = "100% of_my money" if number == 3 else "hello"
        await tenant.write(log.append, f"c{number}", [CustomerSaid(text=text)], NOW + number // 2)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        items, after = await tenant.read(lambda tx, at=after: conversations.page(tx, limit=2, after=at))  # type: ignore[misc]
        seen += [item.id for item in items]
    assert seen == ["c7", "c6", "c5", "c4", "c3", "c2"], "whoever has said nothing is not listed"
    for words, ids in (("100%", ["c3"]), ("of_my", ["c3"]), ("o%m", []), ("c5", ["c5"])):
        items, _ = await tenant.read(lambda tx, q=words: conversations.page(tx, q=q))  # type: ignore[misc]
        assert [item.id for item in items] == ids, words


@pytest.mark.parametrize("after", ["x", ".c1", "12.", "-1.c1", "1e5.c"])
async def test_a_cursor_that_is_none_is_refused(tenant: Tenant, after: str) -> None:
    with pytest.raises(ValueError, match="next"):
        await tenant.read(lambda tx: conversations.page(tx, after=after))


async def test_an_item_is_what_operators_see(tenant: Tenant) -> None:
    item = await tenant.read(conversations.item, "c1")
    assert item is not None
    assert (item.id, item.channel, item.owner, item.seq) == ("c1", "tg", "agent", 0)
    assert await tenant.read(conversations.item, "c9") is None
    assert case("c1").opened_by_us
