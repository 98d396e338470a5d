"""Notes last until their time; a token is the first account's that uses it."""

from __future__ import annotations

from pathlib import Path

from bench.postgres import Cluster
from bus.message import Address, Customer
from bus.store import Tenant, notes, open_store
from bus.store.sqlite import SqliteStore

NOW = 1_790_000_000_000
ANA = Customer("web", "cus_1001", "Ana Ruiz")


async def test_a_note_lasts_until_its_time(tenant: Tenant) -> None:
    await tenant.write(notes.put, "parts:k1", "[1]", NOW + 10, NOW)
    await tenant.write(notes.put, "parts:k1", "[1,2]", NOW + 10, NOW)
    assert [await tenant.read(notes.get, "parts:k1", at) for at in (NOW, NOW + 10)] == ["[1,2]", ""]
    await tenant.write(notes.drop, "parts:k1")
    assert await tenant.read(notes.get, "parts:k1", NOW) == ""


async def test_a_token_is_the_first_accounts(tenant: Tenant) -> None:
    await tenant.write(notes.issue, "link:x", ANA, NOW + 10, NOW)
    ours, other = (Address("default", "telegram", "42", peer) for peer in ("1", "2"))
    used = [await tenant.write(notes.redeem, "link:x", at, NOW + 10, NOW) for at in (ours, other, ours)]
    assert used == [ANA, None, ANA]
    assert await tenant.write(notes.redeem, "link:x", ours, NOW + 20, NOW + 10) is None


async def test_one_of_several_processes_does_it_until_it_dies(tmp_path: Path, postgres: Cluster) -> None:
    url = postgres.database()
    one, other = open_store(url, process="p1"), open_store(url, process="p2")
    for store in (one, other):
        assert await store.recover("default") == 0
    assert await one.tenant("default").write(notes.hold, "polls", NOW + 60_000, NOW)
    assert not await other.tenant("default").write(notes.hold, "polls", NOW + 60_000, NOW)
    assert await one.tenant("default").write(notes.hold, "polls", NOW + 60_000, NOW + 1)
    await one.close()
    await other.recover("default")
    assert await other.tenant("default").write(notes.hold, "polls", NOW + 60_000, NOW + 2)
    await other.close()


async def test_a_process_that_has_its_store_for_itself_always_does_it(store: SqliteStore) -> None:
    for _ in range(2):
        assert await store.tenant("default").write(notes.hold, "polls", NOW + 60_000, NOW)
