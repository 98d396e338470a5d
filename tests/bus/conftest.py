"""A fresh world for each test, and what it logged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from structlog.testing import capture_logs

from tests.bus.world import World, world_in

settings.register_profile("unhurried", deadline=None, database=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as logged:
        yield logged


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path) as world:
        yield world
