"""`gateway check --online` asks the servers that keep the store and carry the hints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import redis as hints
from bench.postgres import Cluster
from bus.store import open_store


@pytest.fixture
def redis() -> Iterator[hints.Server]:
    if not hints.installed():
        pytest.skip("no redis-server here")
    with hints.server() as found:
        yield found


def checked(home: Path, name: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[dict[str, Any]]:
    """The lines of `gateway check --online NAME`, from a process of its own."""
    for key, value in variables.items():
        monkeypatch.setenv(f"GATEWAY__{key}", value)
    command = [sys.executable, "-m", "gateway", "check", "--online", "--json", name]
    told = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    lines: list[dict[str, Any]] = json.loads(told.stdout)["lines"]
    return [line for line in lines if line["name"] == name]


async def test_the_stores_server_is_asked(home: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres.database()
    *_, empty = checked(home, "store", monkeypatch, STORE=url)
    assert (empty["ok"], "`gateway run` makes the tables" in str(empty)) == (False, True)
    await open_store(url, process="p1").close()
    *_, there = checked(home, "store", monkeypatch, STORE=url)
    assert there["ok"] is True
    *_, gone = checked(home, "store", monkeypatch, STORE="postgresql://ana:secret-word@127.0.0.1:1/none")
    assert gone["ok"] is False
    assert "secret-word" not in str(gone)


def test_redis_is_asked(home: Path, redis: hints.Server, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    store = postgres.url("postgres")
    *_, there = checked(home, "redis", monkeypatch, STORE=store, REDIS=redis.url)
    assert there["ok"] is True
    *_, gone = checked(home, "redis", monkeypatch, STORE=store, REDIS="redis://:secret-word@127.0.0.1:1/0")
    assert gone["ok"] is False
    assert "secret-word" not in str(gone)
