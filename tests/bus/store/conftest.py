"""A store of one tenant, without the pipe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.store import Tenant, conversations, open_store
from bus.store.sqlite import SqliteStore
from tests.bus.scripts import NOW, peer


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A fresh one."""
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    yield store
    await store.close()


@pytest.fixture
async def tenant(store: SqliteStore) -> Tenant:
    """One conversation, `c1`, at peer `ada`."""
    tenant = store.tenant("default")
    await tenant.write(conversations.create, "c1", peer(), NOW)
    return tenant
