"""The kill harness: customers write, people at the desk decide, the gateway dies by kill -9, and afterwards the books are compared.

It dies at any moment (`at_random`), at a named fail point (`at_point`), or it is asked to stop (`by_request`), again and again.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.books import Books, Report, broken_chains, waiting
from bench.customers import Crowd
from bench.fleet import Fleet
from bench.outside import BOT_TOKEN, SECRET, Outside, write_configuration
from bench.process import Process, free_port
from bench.team import Team, workspace

SETTLED_WITHIN = 120.0
DIES_ON_THE_WAY = 3
GRACE = 25.0
"""Seconds that a stop may take."""


@dataclass
class Run:
    """A gateway's lives, with customers and staff around it."""

    folder: Path
    seed: int
    gateway: Process | Fleet
    outside: Outside
    crowd: Crowd
    team: Team
    started: float

    @property
    def store(self) -> str:
        """The database's URL."""
        return (
            self.gateway.variables.get("GATEWAY__STORE") or f"sqlite:///{self.folder / 'site' / 'data' / 'gateway.db'}"
        )

    async def revive(self) -> None:
        """Start the next life and wait until it serves; after three that died on the way, one without fail points."""
        for born in itertools.count(1):
            await self.gateway.start()
            if await self.gateway.ready_or_dead():
                return
            if born == DIES_ON_THE_WAY:
                self.gateway.variables["FAILPOINT"] = ""

    async def report(self, name: str) -> Report:
        """Let everything come to its end, stop, and compare."""
        await self._settled()
        await self.crowd.leave()
        await self.gateway.stop()
        report = Report(name, self.seed, kills=self.gateway.deaths)
        Books(self.store, self.crowd.everybody, self.team, self.outside.orders.effects).fill(report)
        report.broken = await broken_chains(self.store)
        times = sorted(each for customer in self.crowd.everybody for each in customer.times)
        report.p50, report.p99 = (round(times[int(len(times) * share)], 1) for share in (0.5, 0.99))
        report.seconds = round(time.monotonic() - self.started, 1)
        return report

    async def _settled(self) -> None:
        """Every accepted row has had its turn, every post was sent, nobody at the desk is busy, and customers saw the end."""
        async with asyncio.timeout(SETTLED_WITHIN):
            quiet = 0
            while quiet < 2:
                await self.team.idle()
                await self.team.slack.settled()
                quiet = quiet + 1 if not waiting(self.store) else 0
                await asyncio.sleep(0.3)


@asynccontextmanager
async def running(
    folder: Path, seed: int, people: int, mutant: str = "", store: str = "", processes: int = 1, **variables: str
) -> AsyncIterator[Run]:
    """Everything in place. `mutant` names the mechanism that this gateway lacks; several `processes` share a `store`."""
    port, started = free_port(), time.monotonic()
    slack = workspace(lambda: int(time.time() * 1000), bot_token=BOT_TOKEN, secret=SECRET)
    connector = aiohttp.TCPConnector(limit=0)
    async with Outside(folder, slack) as outside, aiohttp.ClientSession(connector=connector) as http:
        config = write_configuration(folder / "site", outside, port)
        module = "bench.mutant" if mutant else "gateway"
        told = {**variables, **({"GATEWAY__STORE": store} if store else {}), "MUTANT": mutant}
        gateway: Process | Fleet = Process(config, port, variables=told, module=module)
        if processes > 1:
            gateway = Fleet(config, processes, seed, variables=told, module=module)
            await gateway.listen()
        slack.courier.gateway_url = gateway.url
        run = Run(folder, seed, gateway, outside, Crowd(gateway.url, people, seed, http), Team(slack), started)
        try:
            await run.revive()
            yield run
        finally:
            await run.crowd.leave()
            await gateway.end()


async def at_random(
    folder: Path, *, seed: int, messages: int, people: int, kills: int, pause: tuple[float, float],
    store: str = "", processes: int = 1, **variables: str,
) -> Report:  # fmt: skip
    """Kill it after each pause (seconds, from and to) until everything is written and it was killed often enough."""
    dice = random.Random(seed)

    async def life(run: Run, writing: asyncio.Task[None]) -> None:
        await asyncio.wait([writing], timeout=dice.uniform(*pause))
        await run.gateway.kill()

    async with running(folder, seed, people, store=store, processes=processes, **variables) as run:
        await _lives(run, messages, lambda: run.gateway.deaths >= kills, life)
        where = f", {processes} on PostgreSQL" if store else ""
        return await run.report(f"kill -9 at random{where}")


async def at_point(
    folder: Path, point: str, *, seed: int, messages: int, people: int, chance: float, deaths: int, mutant: str = ""
) -> Report:
    """It kills itself at this point, with this chance each time it comes by, until it has died often enough; then it lives on."""

    async def life(run: Run, writing: asyncio.Task[None]) -> None:
        assert isinstance(run.gateway, Process)
        dying = asyncio.create_task(run.gateway.wait())
        await asyncio.wait([writing, dying], return_when=asyncio.FIRST_COMPLETED)
        if dying.done():
            run.gateway.deaths += 1
        if run.gateway.deaths >= deaths:
            run.gateway.variables["FAILPOINT"] = ""
        dying.cancel()

    async with running(folder, seed, people, mutant, FAILPOINT=f"{point}:kill:{chance}") as run:
        await _lives(run, messages, lambda: run.gateway.deaths >= deaths, life)
        run.gateway.variables["FAILPOINT"] = ""
        await run.gateway.stop()
        await run.revive()
        return await run.report(f"kill -9 at {point}{f', without {mutant}' if mutant else ''}")


async def by_request(
    folder: Path, *, seed: int, messages: int, people: int, stops: int, pause: tuple[float, float]
) -> Report:
    """SIGTERM under load, again and again. Raises TimeoutError or AssertionError when one is no clean stop."""
    dice, codes = random.Random(seed), list[int]()

    async def life(run: Run, writing: asyncio.Task[None]) -> None:
        await asyncio.wait([writing], timeout=dice.uniform(*pause))
        async with asyncio.timeout(GRACE):
            codes.append(await run.gateway.stop())
        assert codes[-1] == 0, f"the gateway ended with {codes[-1]}"

    async with running(folder, seed, people) as run:
        await _lives(run, messages, lambda: len(codes) >= stops, life)
        report = await run.report("SIGTERM under load")
        report.kills = len(codes)
        return report


async def _lives(
    run: Run, messages: int, enough: Callable[[], bool], life: Callable[[Run, asyncio.Task[None]], Awaitable[None]]
) -> None:
    """One life after another until everything is written and it is enough."""
    writing = asyncio.create_task(run.crowd.write(messages))
    try:
        while not (writing.done() and enough()):
            if writing.done():
                writing.result()
                writing = asyncio.create_task(run.crowd.write(len(run.crowd.everybody)))
            await life(run, writing)
            if not run.gateway.alive:
                await run.revive()
        await writing
    finally:
        writing.cancel()
