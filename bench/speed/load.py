"""The load: messages of many customers, each with at most one on its way, and the time until its end is seen outside."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.speed.wire import Client

PATIENCE = 30.0
EARLY = (
    0.002  # seconds before a due time from which on the generator stays awake: timers are coarser than what is measured
)


@dataclass
class Run:
    """What one run saw. Seconds; `ends` from the due time to the end, `acks` to the acknowledgement."""

    seconds: float = 0.0
    ends: list[float] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    cpu: float = 0.0
    own: float = 0.0
    lost: int = 0

    @property
    def rate(self) -> float:
        """Messages per second."""
        return len(self.ends) / self.seconds

    @property
    def cpu_each(self) -> float:
        """Seconds of the system's CPU per message."""
        return self.cpu / max(1, len(self.ends))


class Exchange:
    """The customers of one system, by their bearers. `text` makes a message of who writes and a serial number."""

    def __init__(self, port: int, bearers: list[str], text: Callable[[int, int], str]) -> None:
        self._client = Client(port)
        self._headers = [f"Authorization: Bearer {bearer}\r\n" for bearer in bearers]
        self._text = text
        self._serial = 0
        self._open: dict[int, tuple[int, asyncio.Future[float]]] = {}
        self.idle = deque(range(len(bearers)))

    def ended(self, person: int, serial: int | None = None) -> None:
        """The end of a customer's message was seen; of that very one, where its mark came back."""
        waiting = self._open.get(person)
        if waiting is not None and serial in (None, waiting[0]) and not waiting[1].done():
            waiting[1].set_result(time.perf_counter())

    async def one(self, person: int, due: float, run: Run) -> None:
        """One message: written, acknowledged, ended."""
        self._serial += 1
        serial, end = self._serial, asyncio.get_running_loop().create_future()
        self._open[person] = serial, end
        body = f'{{"id":"b{serial}","text":"{self._text(person, serial)}"}}'.encode()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.post("/web/messages", body, self._headers[person])
                assert answer.status == 202, answer
                run.acks.append(time.perf_counter() - due)
                run.ends.append(await end - due)
        except TimeoutError:
            run.lost += 1
        finally:
            del self._open[person]
            self.idle.append(person)

    def close(self) -> None:
        """Hang up."""
        self._client.close()


async def saturate(exchange: Exchange, pid: int, seconds: float, flight: int) -> Run:
    """As many messages as go through, `flight` at once."""
    run, until = Run(), time.perf_counter() + seconds

    async def one_after_another() -> None:
        while (now := time.perf_counter()) < until:
            await exchange.one(exchange.idle.popleft(), now, run)

    async with Measured(run, pid):
        await asyncio.gather(*(one_after_another() for _ in range(flight)))
    return run


async def open_loop(exchange: Exchange, pid: int, seconds: float, rate: float) -> Run:
    """Messages at fixed times, whatever became of those before."""
    run, tasks = Run(), set()
    async with Measured(run, pid):
        start = time.perf_counter()
        for number in range(round(seconds * rate)):
            due = start + number / rate
            await _until(due)
            if not exchange.idle:
                run.lost += 1
                continue
            tasks.add(asyncio.create_task(exchange.one(exchange.idle.popleft(), due, run)))
        await asyncio.gather(*tasks)
    return run


async def _until(due: float) -> None:
    left = due - time.perf_counter() - EARLY
    if left > 0:
        await asyncio.sleep(left)
    while time.perf_counter() < due:  # noqa: ASYNC110 - a clock has no event
        await asyncio.sleep(0)


class Measured:
    """Wall and CPU time of a block, of the system and of the generator itself."""

    def __init__(self, run: Run, pid: int) -> None:
        self._run = run
        self._pid = pid

    async def __aenter__(self) -> None:
        self._begun, self._cpu, self._own = time.perf_counter(), cpu(self._pid), _own()

    async def __aexit__(self, *_: object) -> None:
        self._run.seconds = time.perf_counter() - self._begun
        self._run.cpu, self._run.own = cpu(self._pid) - self._cpu, _own() - self._own


def cpu(pid: int) -> float:
    """Seconds of CPU that the threads of a process have used, by the scheduler's own clock where it is kept: ticks miss what is short."""
    threads = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    if threads:
        return sum(int(thread.read_text("ascii").split()[0]) for thread in threads) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
