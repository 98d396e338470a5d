"""The engine: group commit with good neighbours, one process per folder, nothing acknowledged that is not on the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Stale, Unavailable
from bus.store import Tenant, Transaction, open_store, sqlite
from bus.store.sqlite import SqliteStore
from tests.bus.store.verbs import get, put


@pytest.fixture
def tenant(store: SqliteStore) -> Tenant:
    return store.tenant("default")


def put_and_fail(tx: Transaction, name: str, error: Exception) -> None:
    put(tx, name)
    raise error


def pragma(sql: str) -> Callable[[Transaction], Any]:
    return lambda tx: tx._connection.execute(f"PRAGMA {sql}").fetchone()[0]  # type: ignore[attr-defined]


async def together(store: SqliteStore, tenant: Tenant, *verbs: Callable[[Transaction], Any]) -> list[Any]:
    """These verbs in one commit: they queue up behind one that is held."""
    import threading

    going, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def held(tx: Transaction) -> None:
        loop.call_soon_threadsafe(going.set)
        go.wait(10)

    first = tenant.write(held)
    await going.wait()
    writes = [tenant.write(verb) for verb in verbs]
    go.set()
    await first
    return await asyncio.gather(*writes, return_exceptions=True)


# Group commit.


async def test_neighbours_in_one_commit_do_not_share_their_failures(store: SqliteStore, tenant: Tenant) -> None:
    results = await together(
        store, tenant, lambda tx: put(tx, "a"), lambda tx: put_and_fail(tx, "b", Stale()), lambda tx: put(tx, "c"),
        lambda tx: put_and_fail(tx, "d", StopIteration()), lambda tx: tx.run("no such statement"), lambda tx: put(tx, "e"),
        lambda tx: tx.run("setting_set", name="f"),
    )  # fmt: skip
    kinds = [type(result) for result in results]
    assert kinds == [type(None), Stale, type(None), RuntimeError, KeyError, type(None), sqlite3.ProgrammingError]
    kept = [await tenant.read(get, name) for name in "abcdef"]
    assert kept == ["x", None, "x", None, "x", None]


async def test_a_commit_that_fails_fails_everybody_in_it_and_keeps_nothing(store: SqliteStore, tenant: Tenant) -> None:
    def broken(tx: Transaction) -> None:
        put(tx, "b")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    def then_stale(tx: Transaction) -> None:
        put_and_fail(tx, "c", Stale())

    results = await together(store, tenant, lambda tx: put(tx, "a"), then_stale, broken, lambda tx: put(tx, "d"))
    assert [type(result) for result in results] == [Unavailable] * 4
    assert [await tenant.read(get, name) for name in "abcd"] == [None] * 4
    await tenant.write(put, "a")
    assert await tenant.read(get, "a") == "x"


async def test_an_error_in_the_commit_itself_is_told_and_got_over(
    store: SqliteStore, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(name: str) -> None:
        if name == "K3":
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "failpoint", no_space)
        with pytest.raises(Unavailable, match="full"):
            await tenant.write(put, "a")
    assert await tenant.read(get, "a") is None
    await tenant.write(put, "a")


async def test_whatever_goes_wrong_the_writer_lives_on(
    store: SqliteStore, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(name: str) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "failpoint", bug)
        with pytest.raises(Unavailable):
            await tenant.write(put, "a")
    await tenant.write(put, "a")


async def test_a_full_disk_refuses_and_recovers_and_loses_nothing(store: SqliteStore, tenant: Tenant) -> None:
    pages = await tenant.write(pragma("page_count"))
    await tenant.write(pragma(f"max_page_count={pages + 20}"))
    kept: list[str] = []
    refused = 0
    for number in range(100):
        try:
            await tenant.write(put, f"n{number}", "x" * 4000)
        except Unavailable:
            refused += 1
        else:
            kept.append(f"n{number}")
    assert kept
    assert refused > 50
    assert not await store.healthy()
    await tenant.write(pragma("max_page_count=1000000"))
    assert await store.healthy()
    await tenant.write(put, "after")
    found = [await tenant.read(get, f"n{number}") is not None for number in range(100)]
    assert found.count(True) == len(kept), f"{len(kept)} acknowledged"


async def test_writes_happen_in_the_order_of_their_calls(tenant: Tenant) -> None:
    order: list[int] = []

    def note(tx: Transaction, number: int) -> None:
        order.append(number)

    for number in range(500):
        if number % 3:
            tenant.queue(note, number)
        else:
            await tenant.write(note, number)
    await tenant.write(note, 500)
    assert order == list(range(501))


async def test_who_no_longer_waits_does_not_disturb_the_others(tenant: Tenant) -> None:
    writes = [tenant.write(put, f"n{number}") for number in range(10)]
    for write in writes[::2]:
        write.cancel()
    await asyncio.gather(*writes[1::2])
    assert await tenant.read(get, "n0") == "x", "queued is queued"


async def test_a_queued_write_that_fails_is_logged(tenant: Tenant, logged: list[dict[str, Any]]) -> None:
    tenant.queue(put_and_fail, "a", Stale())
    await tenant.write(put, "b")
    assert [line["event"] for line in logged] == ["store.queued_write_failed"]


# Readers.


async def test_readers_see_what_is_committed_and_nothing_else(store: SqliteStore, tenant: Tenant) -> None:
    seen: list[str | None] = []
    reader = sqlite3.connect(store.path)

    def looks_while_writing(tx: Transaction) -> None:
        put(tx, "a")
        row = reader.execute("SELECT value FROM setting WHERE name = 'a'").fetchone()
        seen.append(row and row[0])

    await tenant.write(lambda tx: None)
    reader = sqlite3.connect(store.path, check_same_thread=False)
    await tenant.write(looks_while_writing)
    reader.close()
    assert seen == [None]
    assert await tenant.read(get, "a") == "x", "one's own write is seen once it is acknowledged"


async def test_readers_cannot_write(tenant: Tenant) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        await tenant.read(put, "a")


async def test_one_reading_is_one_moment(store: SqliteStore, tenant: Tenant) -> None:
    await tenant.write(put, "a", "1")
    other = sqlite3.connect(store.path, check_same_thread=False)

    def twice(tx: Transaction) -> tuple[str | None, str | None]:
        before = get(tx, "a")
        other.execute("UPDATE setting SET value = '2'")
        other.commit()
        return before, get(tx, "a")

    assert await tenant.read(twice) == ("1", "1")
    other.close()
    assert await tenant.read(get, "a") == "2"


# Durability.


async def test_every_acknowledged_write_was_synced(tenant: Tenant) -> None:
    assert await tenant.write(pragma("synchronous")) == 2
    assert await tenant.write(pragma("journal_mode")) == "wal"
    assert await tenant.write(pragma("wal_autocheckpoint")) == 0


def test_a_store_that_would_not_sync_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "DURABLE", ("journal_mode=WAL", "synchronous=NORMAL"))
    with pytest.raises(Unavailable, match="could be lost"):
        open_store(f"sqlite:///{tmp_path / 'a.db'}")
    monkeypatch.setattr(sqlite, "DURABLE", ("journal_mode=DELETE", "synchronous=FULL"))
    with pytest.raises(Unavailable, match="could be lost"):
        open_store(f"sqlite:///{tmp_path / 'b.db'}")


async def test_the_wal_stays_bounded_while_readers_never_rest(
    store: SqliteStore, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_EVERY", 4)
    monkeypatch.setattr(sqlite, "WAL_PAGES", 50)
    stop = asyncio.Event()

    async def reads() -> None:
        while not stop.is_set():
            await tenant.read(get, "a")

    readers = [asyncio.create_task(reads()) for _ in range(3)]
    for number in range(300):
        await tenant.write(put, "a", f"{number}" * 2000)
    stop.set()
    await asyncio.gather(*readers)
    size = store.path.with_name("gateway.db-wal").stat().st_size
    assert size < 200 * 4096, f"{size} bytes after 300 writes of ~5 kB"


async def test_a_reader_who_will_not_step_aside_does_not_stop_the_writer(
    store: SqliteStore, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_EVERY", 1)
    monkeypatch.setattr(sqlite, "WAL_PAGES", 0)
    monkeypatch.setattr(sqlite, "STEP_ASIDE", 1)
    reader = sqlite3.connect(store.path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM setting").fetchall()
    for number in range(20):
        await tenant.write(put, "a", str(number))
    assert await tenant.read(get, "a") == "19"
    reader.close()
    assert await tenant.write(pragma("busy_timeout")) == 5000


async def test_a_backup_is_one_moment_of_a_store_that_goes_on(
    store: SqliteStore, tenant: Tenant, tmp_path: Path
) -> None:
    writing = True

    def both(tx: Transaction, value: str) -> None:
        put(tx, "a", value)
        put(tx, "b", value)

    async def writes() -> int:
        number = 0
        while writing:
            number += 1
            await tenant.write(both, str(number))
        return number

    task = asyncio.create_task(writes())
    for copy in range(3):
        await store.backup(str(tmp_path / "copies" / f"{copy}.db"))
    writing = False
    assert await task > 0
    for copy in range(3):
        kept = open_store(f"sqlite:///{tmp_path / 'copies' / f'{copy}.db'}")
        assert await kept.tenant("default").read(get, "a") == await kept.tenant("default").read(get, "b")
        await kept.close()


async def test_files_are_their_owners_alone(store: SqliteStore, tenant: Tenant) -> None:
    await tenant.write(put, "a")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in store.path.parent.glob("gateway.db*")}
    assert set(modes) >= {"gateway.db", "gateway.db-wal"}
    assert set(modes.values()) == {0o600}
