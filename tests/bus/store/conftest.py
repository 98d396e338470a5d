"""A store of one tenant, without the pipe, on each engine: what the verbs promise, they promise on both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.postgres import Cluster
from bus.store import Tenant, conversations, open_store
from bus.store.sqlite import SqliteStore
from tests.bus.scripts import NOW, peer


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A fresh one, of SQLite."""
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    assert isinstance(store, SqliteStore)
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def tenant(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Tenant]:
    """One conversation, `c1`, at peer `ada`."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if request.param == "postgres":
        server: Cluster = request.getfixturevalue("postgres")
        url = server.database()
    store = open_store(url, process="p1")
    tenant = store.tenant("default")
    await tenant.write(conversations.create, "c1", peer(), NOW)
    yield tenant
    await store.close()
