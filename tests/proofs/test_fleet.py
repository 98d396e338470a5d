"""Three processes on one PostgreSQL, with Redis between them; whatever dies, nothing is lost and nothing is done twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench import kill
from bench import postgres as databases
from bench import redis as hints
from tests.proofs.test_kill import nothing_is_wrong

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
FLUSH = "FLUSHALL"


@pytest.fixture
def postgres() -> Iterator[databases.Cluster]:
    if databases.program("postgres") is None:
        pytest.skip("no PostgreSQL here")
    with databases.cluster(fsync="on", full_page_writes="on") as found:
        yield found


@pytest.fixture
def redis() -> Iterator[hints.Server]:
    if not hints.installed():
        pytest.skip("no redis-server here")
    with hints.server() as found:
        yield found


async def test_one_of_three_dies_again_and_again(
    tmp_path: Path, postgres: databases.Cluster, redis: hints.Server
) -> None:
    report = await kill.at_random(
        tmp_path, seed=7, messages=90, people=12, kills=3, pause=(0.3, 1.5), store=postgres.database(), processes=3,
        GATEWAY__REDIS=redis.url,
    )  # fmt: skip
    nothing_is_wrong(report)
    assert report.kills >= 3


async def test_a_redis_that_forgets_costs_nothing_but_time(
    tmp_path: Path, postgres: databases.Cluster, redis: hints.Server
) -> None:
    async with _again_and_again(redis.flush, 0.2):
        report = await kill.at_random(
            tmp_path, seed=7, messages=60, people=10, kills=1, pause=(1.0, 2.0), store=postgres.database(), processes=2,
            GATEWAY__REDIS=redis.url,
        )  # fmt: skip
    nothing_is_wrong(report)


async def test_a_database_that_is_stopped_at_once_loses_nothing(tmp_path: Path, postgres: databases.Cluster) -> None:
    async with _again_and_again(postgres.crash, 2.0) as crashes:
        report = await kill.at_random(
            tmp_path, seed=7, messages=60, people=10, kills=1, pause=(2.0, 4.0), store=postgres.database()
        )
    nothing_is_wrong(report)
    assert crashes


@asynccontextmanager
async def _again_and_again(trouble: object, pause: float) -> AsyncIterator[list[int]]:
    """Make trouble while the block runs; the list has an item for each time."""
    times: list[int] = []

    async def make() -> None:
        while True:
            await asyncio.sleep(pause)
            await asyncio.to_thread(trouble)  # type: ignore[arg-type]
            times.append(1)

    making = asyncio.create_task(make())
    try:
        yield times
    finally:
        making.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await making
