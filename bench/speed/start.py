"""From the start of the process to the first message, and what it takes when it idles."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from bench.process import free_port
from bench.speed.figures import Row, Table
from bench.speed.paths import HEADS, both
from bench.speed.streams import resident
from bench.speed.systems import Gateway, System, answered
from bench.speed.wire import Client

MIB = 1 / 1024 / 1024
MESSAGE = b'{"id":"%d","text":"when are you open"}'


async def measure(folder: Path, rounds: int = 7, settle: float = 2.0) -> Table:
    """Cold starts, turn about; the store is there, the bytecode is compiled."""
    first, idle = Row("process start → first message accepted", "s"), Row("resident memory, idle", "MiB", MIB)
    async with both(folder / "site", tool=False) as (gateway, raw, _):
        bearers = {system: (await system.visitors(1))[0] for system in (gateway, raw)}
        for number in range(rounds):
            for system in (gateway, raw) if number % 2 else (raw, gateway):
                await system.stop()
                taken = await _first_message(system, bearers[system], number)
                (first.ours if isinstance(system, Gateway) else first.raw).append(taken)
        await asyncio.sleep(settle)
        idle.ours, idle.raw = [resident(gateway.pid)], [resident(raw.pid)]
    page = Row("`gateway demo`, second start → first byte of /", "s", ours=await demo(folder / "demo", rounds))
    notes = "`gateway run` with web, desk and the offline model."
    return Table("Start and idle", HEADS, [first, page, idle], notes)


async def _first_message(system: System, bearer: str, number: int) -> float:
    """Seconds from the start of the process."""
    client, began = Client(system.port), time.perf_counter()
    await system.spawn()
    answer = await answered(
        lambda: client.post("/web/messages", MESSAGE % number, f"Authorization: Bearer {bearer}\r\n")
    )
    client.close()
    assert answer.status == 202, answer
    return time.perf_counter() - began


async def demo(folder: Path, rounds: int) -> list[float]:
    """Seconds until the demo's front page comes, on each start but the first."""
    return [await _first_page(folder) for _ in range(rounds + 1)][1:]


async def _first_page(folder: Path) -> float:
    port = free_port()
    system = System("gateway", "demo", "--port", str(port), "--data", str(folder), folder=folder, port=port)
    client, began = Client(port), time.perf_counter()
    try:
        await system.spawn()
        answer = await answered(lambda: client.get("/"))
        assert answer.status == 200, answer
        return time.perf_counter() - began
    finally:
        client.close()
        await system.stop()
