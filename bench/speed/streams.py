"""What an open event stream costs that nothing comes through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bench.speed.figures import Row, Table
from bench.speed.load import cpu
from bench.speed.paths import HEADS, both
from bench.speed.systems import Gateway, System, listen
from bench.speed.wire import Events

KIB = 1 / 1024


async def measure(folder: Path, streams: int = 2_000, settle: float = 3.0) -> Table:
    """Resident memory that each stream adds, and what all of them use when nothing happens."""
    memory, idle = (
        Row(f"resident memory per stream, at {streams:,}", "KiB", KIB),
        Row("CPU with all of them idle", "%", 100),
    )
    async with both(folder, tool=False) as (gateway, raw, _):
        for system in (raw, gateway):
            each, used = await _cost(system, streams, settle)
            (memory.ours if isinstance(system, Gateway) else memory.raw).append(each)
            (idle.ours if isinstance(system, Gateway) else idle.raw).append(used)
    return Table("Open event streams", HEADS, [memory, idle], "Kernel memory is not counted.")


async def _cost(system: System, streams: int, settle: float) -> tuple[float, float]:
    bearers = await system.visitors(streams)
    await asyncio.sleep(settle)
    before = resident(system.pid)
    opened: Sequence[Events] = await listen(system.port, bearers, lambda _person: None)
    await asyncio.sleep(settle)
    begun = cpu(system.pid)
    await asyncio.sleep(settle)
    used = (cpu(system.pid) - begun) / settle
    each = (resident(system.pid) - before) / streams
    for stream in opened:
        stream.close()
    return each, used


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
