"""A store of one tenant, without the pipe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.store import Tenant, conversations, open_store
from tests.bus.scripts import NOW, peer


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    """One conversation, `c1`, at peer `ada`."""
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    tenant = store.tenant("default")
    await tenant.write(conversations.create, "c1", peer(), NOW)
    yield tenant
    await store.close()
