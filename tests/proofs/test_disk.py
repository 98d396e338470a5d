"""A store that cannot be written: whoever brings something hears 503, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from bench.books import broken_chains, read, waiting
from bench.customers import Crowd, Customer
from bench.outside import Outside, write_configuration
from bench.process import Process, free_port
from bus.store import sqlite
from tests.proofs.stage import Stage, staged

ROOM = 200 * 1024
"""Bytes that the disk has left."""


@contextmanager
def locked(stage: Stage) -> Iterator[None]:
    """Another program holds the database."""
    with closing(sqlite3.connect(stage.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def _writer(stage: Stage) -> sqlite3.Connection:
    store = stage.running.gateway.store
    assert isinstance(store, sqlite.SqliteStore)
    return store._opened[0]


@contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """The disk was mounted read-only, as far as the writer can tell."""
    writer = _writer(stage)
    writer.execute("PRAGMA query_only = ON")
    yield
    writer.execute("PRAGMA query_only = OFF")


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    """No page more."""
    writer = _writer(stage)
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    yield
    writer.execute("PRAGMA max_page_count = 1000000")


@pytest.mark.parametrize("trouble", [locked, read_only, full])
async def test_what_cannot_be_kept_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[Stage], AbstractContextManager[None]]
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    async with staged(tmp_path) as stage:
        visitor = await stage.visitor()
        await visitor.say("where is my order X-1")
        await visitor.hears("agent")
        await stage.settle()
        with trouble(stage):
            answers = [await visitor.post({"id": f"x-{n}", "text": "x" * 4000}) for n in range(30)]
            async with stage.running.http.get(f"{stage.url}/readyz") as ready:
                assert ready.status == 503
        refused = [n for n, status in enumerate(answers) if status == 503]
        assert refused, "there was room enough"
        assert set(answers) <= {202, 503}
        assert [await visitor.post({"id": f"x-{n}", "text": "where is my order X-2"}) for n in refused] == [202] * len(
            refused
        )
        await stage.settle()
        said = [line.body["id"].rpartition(":")[2] for line in stage.lines(visitor) if line.kind == "customer_said"]
        assert sorted(said[1:]) == sorted(f"x-{n}" for n in range(30)), f"{len(refused)} of 30 were refused"
        await visitor.leave()
    assert await broken_chains(stage.url_of_store) == 0


def limit(process: Process, size: int) -> None:
    """The largest file that the process may write, as `ulimit -f` does it."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Process, Customer]]:
    """A gateway as a process of its own, and a customer."""
    async with Outside(folder) as outside, aiohttp.ClientSession() as http:
        port = free_port()
        gateway = Process(write_configuration(folder / "site", outside, port), port)
        await gateway.start()
        try:
            await gateway.ready()
            (customer,) = Crowd(gateway.url, 1, 1, http).everybody
            await customer.arrive()
            yield gateway, customer
        finally:
            await gateway.end()


async def post(customer: Customer, name: str) -> int:
    """One try; the status."""
    body = {"id": name, "text": f"where is my order X-1 {'x' * 3000}"}
    async with customer.http.post(f"{customer.url}/web/messages", json=body, headers=customer.headers) as answer:
        return answer.status


async def test_a_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    async with served(tmp_path) as (gateway, customer):
        store = tmp_path / "site" / "data" / "gateway.db"
        assert await post(customer, "0-0") == 202
        limit(gateway, store.with_name("gateway.db-wal").stat().st_size + ROOM)
        answers = {f"0-{n}": await post(customer, f"0-{n}") for n in range(1, 40)}
        refused = [name for name, status in answers.items() if status == 503]
        assert set(answers.values()) == {202, 503}, f"{answers}"
        limit(gateway, resource.RLIM_INFINITY)
        async with asyncio.timeout(20):
            for name in refused:
                while await post(customer, name) not in (200, 202):  # noqa: ASYNC110 - as clients do
                    await asyncio.sleep(0.05)
            while waiting(f"sqlite:///{store}"):  # noqa: ASYNC110 - another process has no event for us
                await asyncio.sleep(0.05)
        assert await gateway.stop() == 0
    (lines,) = read(f"sqlite:///{store}").values()
    said = [line.body["id"].rpartition(":")[2] for line in lines if line.kind == "customer_said"]
    assert sorted(said) == sorted(["0-0", *answers]), f"{len(refused)} of {len(answers)} were refused"
    assert await broken_chains(f"sqlite:///{store}") == 0
