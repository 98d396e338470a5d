"""Hints reach other processes through Redis; without Redis nothing but time is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from bench import redis as support
from bus.hints import RedisHints
from bus.message import Side
from bus.wake import Changed, Discard, Hub, Preview


class Process:
    """A hub with its far end."""

    def __init__(self, url: str, name: str) -> None:
        self.hub = Hub()
        self.heard: list[tuple[str, Side]] = []
        self.hints = RedisHints(url, "default", name, self.hub, lambda *call: self.heard.append(call))
        self.hub.far = self.hints


@pytest.fixture
def redis() -> Iterator[support.Server]:
    if not support.installed():
        pytest.skip("no redis-server here")
    with support.server() as found:
        yield found


@asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes that hear each other."""
    here, there = Process(url, "p1"), Process(url, "p2")
    running = [asyncio.create_task(process.hints.run()) for process in (here, there)]
    try:
        for sender, hearer in ((here, there), (there, here)):
            await until(lambda: hearer.heard, lambda: sender.hub.call("hello", "customer"))  # noqa: B023
        for process in (here, there):
            process.heard.clear()
        yield here, there
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def until(true: Callable[[], object], again: Callable[[], object] = lambda: None) -> None:
    """Wait, doing something again and again."""
    async with asyncio.timeout(15):
        while not true():
            again()
            await asyncio.sleep(0.02)


async def test_a_stream_hears_what_another_process_works_on(redis: support.Server) -> None:
    async with two(redis.url) as (here, there):
        with here.hub.subscribe("c1") as hints, here.hub.subscribe("c2") as others:
            found: list[object] = []

            async def listen() -> None:
                while True:
                    found.extend(await hints.take())

            listening = asyncio.create_task(listen())
            await until(lambda: Changed() in found, lambda: there.hub.publish("c1", Changed()))
            found.clear()
            for hint in (Preview(3, 0, "Let me"), Preview(3, 6, " see"), Discard(3)):
                there.hub.publish("c1", hint)
            await until(lambda: Discard(3) in found)
            assert [hint for hint in found if hint != Changed()] == [
                Preview(3, 0, "Let me"),
                Preview(3, 6, " see"),
                Discard(3),
            ]
            assert not others._hints
            listening.cancel()


async def test_a_call_reaches_whoever_works_on_it_and_not_the_caller(redis: support.Server) -> None:
    async with two(redis.url) as (here, there):
        here.hub.call("c1", "staff")
        await until(lambda: there.heard)
        assert (here.heard, there.heard) == ([], [("c1", "staff")])


async def test_after_an_outage_everybody_looks_for_themselves_and_hears_again(redis: support.Server) -> None:
    async with two(redis.url) as (here, there):
        with here.hub.subscribe("c1") as hints:
            redis.kill()
            there.hub.publish("c1", Changed())
            redis.start()
            async with asyncio.timeout(15):
                assert Changed() in await hints.take()
            await until(lambda: there.heard, lambda: here.hub.call("c1", "customer"))


async def test_without_redis_nobody_waits_and_nothing_piles_up() -> None:
    process = Process("redis://127.0.0.1:1/0", "p1")
    running = asyncio.create_task(process.hints.run())
    for number in range(30_000):
        process.hub.publish(f"c{number}", Changed())
    assert process.hints._outgoing.qsize() <= 10_000
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
