"""What PostgreSQL alone can do to us: conflicts between processes, and a connection that is lost at the worst moment."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from bench.postgres import Cluster
from bus.entries import SystemSaid
from bus.errors import Unavailable
from bus.store import Transaction, conversations, log, notes, open_store
from bus.store.postgres import PostgresStore
from bus.store.prepared import Prepared
from bus.store.writing import Unit
from tests.bus.scripts import NOW, peer


def say(tx: Transaction) -> None:
    """A line of the log, which shows when it is written twice."""
    log.append(tx, "c1", [SystemSaid(text="x")], NOW)


async def lines(store: PostgresStore) -> int:
    return len(await store.tenant("default").read(log.after, "c1", 0, 100))


async def test_a_commit_whose_answer_is_lost_is_not_done_again(
    postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgres.database(), process="p1")
    assert isinstance(store, PostgresStore)
    await store.tenant("default").write(conversations.create, "c1", peer(), NOW)
    true = Prepared.say

    def cut(prepared: Prepared, command: bytes) -> None:
        true(prepared, command)
        if command == b"COMMIT":
            monkeypatch.setattr(Prepared, "say", true)
            prepared._connection.close()
            true(prepared, b"SELECT 1")

    units = [Unit("default", say, None) for _ in range(3)]
    monkeypatch.setattr(Prepared, "say", cut)
    await asyncio.to_thread(store._commit, units)
    assert all(isinstance(unit.error, Unavailable) for unit in units)
    assert await lines(store) == 3
    await store.tenant("default").write(say)
    assert await lines(store) == 4
    await store.close()


async def test_processes_that_write_the_same_conversation_at_once_all_get_through(postgres: Cluster) -> None:
    url = postgres.database()
    stores = [open_store(url, process=f"p{number}") for number in range(3)]
    await stores[0].tenant("default").write(conversations.create, "c1", peer(), NOW)
    await asyncio.gather(*(store.tenant("default").write(say) for store in stores for _ in range(20)))
    first = stores[0]
    assert isinstance(first, PostgresStore)
    assert await lines(first) == 60
    assert (await first.tenant("default").read(log.verify))[1] == []
    for store in stores:
        await store.close()


async def test_two_that_look_before_they_write_do_not_both_write(postgres: Cluster) -> None:
    url, both = postgres.database(), threading.Barrier(2)
    stores = [open_store(url, process=f"p{number}") for number in range(2)]

    def only_one(tx: Transaction, name: str) -> bool:
        """A limit of one, as a sum over rows is: each looks at what the other has not committed yet."""
        free = not notes.below(tx, "taken:")
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(2)
        both.abort()
        if free:
            notes.put(tx, f"taken:{name}", "x", NOW + 1000, NOW)
        return free

    won = await asyncio.gather(*(store.tenant("default").write(only_one, f"{n}") for n, store in enumerate(stores)))
    assert sorted(won) == [False, True]
    for store in stores:
        await store.close()
