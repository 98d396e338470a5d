"""A fresh world for each test, and what it logged."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.bus.world import World, world_in


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as logged:
        yield logged


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is some: a kill leaves the same behind as on a disk, and no test can cut the power."""
    memory = "/dev/shm"  # noqa: S108 - a fresh folder of our own is made in it
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path) as world:
        yield world
