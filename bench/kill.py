"""The kill harness: customers write, the gateway dies by kill -9 at any moment, and afterwards the books are compared.

Every third message asks for an effect. `lost` counts acknowledged messages that are not in the log, `doubled` effects applied more
than once, `missing` effects asked for and never applied, `inversions` messages of one customer out of order.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sqlite3
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp

from bench.outside import Outside, write_configuration
from bench.process import Process, free_port
from bus.store import log
from bus.store.sqlite import SqliteStore

PATIENCE = aiohttp.ClientTimeout(total=10)


@dataclass
class Report:
    """One run. Times in milliseconds, of acknowledgements."""

    seed: int
    kills: int
    acked: int
    stored: int
    lost: int
    duplicated: int
    effects: int
    doubled: int
    missing: int
    inversions: int
    unanswered: int
    broken_chains: int
    p50: float
    p99: float
    seconds: float

    @property
    def clean(self) -> bool:
        """True when nothing was lost, doubled, missing or out of order."""
        bad = (
            self.lost,
            self.duplicated,
            self.doubled,
            self.missing,
            self.inversions,
            self.unanswered,
            self.broken_chains,
        )
        return not any(bad)

    def __str__(self) -> str:
        return "  ".join(f"{name} {value}" for name, value in asdict(self).items())


@dataclass
class Customers:
    """Who writes: `people` conversations, each message with a client id of its own, repeated until it is acknowledged."""

    url: str
    people: int
    dice: random.Random
    sessions: list[tuple[str, str]] = field(default_factory=list)
    acked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    asked: set[str] = field(default_factory=set)
    times: list[float] = field(default_factory=list)

    async def arrive(self, http: aiohttp.ClientSession) -> None:
        """Open every session."""
        for _ in range(self.people):
            async with http.post(f"{self.url}/web/sessions", json={}) as answer:
                opened = await answer.json()
            self.sessions.append((opened["session"], opened["conversation"]))

    async def write(self, http: aiohttp.ClientSession, messages: int) -> None:
        """Write this many messages, all customers at once, each one after another."""
        shares = [messages // self.people + (number < messages % self.people) for number in range(self.people)]
        await asyncio.gather(*(self._one(http, person, share) for person, share in enumerate(shares)))

    async def _one(self, http: aiohttp.ClientSession, person: int, messages: int) -> None:
        session, conversation = self.sessions[person]
        for number in range(messages):
            name, order = f"{person}-{number}", f"X-{person}0{number:05d}"
            wants = number % 3 == 2
            text = f"please cancel my order {order}" if wants else f"where is my order {order}"
            if wants:
                self.asked.add(order)
            await self._post(http, session, {"id": name, "text": text})
            self.acked[conversation].append(name)

    async def _post(self, http: aiohttp.ClientSession, session: str, body: dict[str, str]) -> None:
        """Post until it is acknowledged; sometimes twice, as clients do."""
        while True:
            started = time.perf_counter()
            try:
                async with http.post(
                    f"{self.url}/web/messages",
                    json=body,
                    headers={"Authorization": f"Bearer {session}"},
                    timeout=PATIENCE,
                ) as answer:
                    if answer.status in (200, 202):
                        self.times.append((time.perf_counter() - started) * 1000)
                        if self.dice.random() > 0.05:
                            return
                        continue
                    assert answer.status in (429, 503), (answer.status, await answer.text())
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(self.dice.uniform(0.01, 0.1))


async def run(folder: Path, *, seed: int, messages: int, people: int, kills: int, pause: tuple[float, float]) -> Report:
    """Let `people` write `messages` while the gateway is killed at least `kills` times, then compare the books."""
    dice, started = random.Random(seed), time.monotonic()
    port = free_port()
    async with Outside(folder) as outside, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        gateway = Process(write_configuration(folder / "site", outside, port), port)
        await gateway.start()
        await gateway.ready()
        customers = Customers(gateway.url, people, dice)
        await customers.arrive(http)
        writing = asyncio.create_task(customers.write(http, messages))
        while not writing.done() or gateway.deaths < kills:
            await asyncio.wait([writing], timeout=dice.uniform(*pause))
            await gateway.kill()
            await gateway.start()
            await gateway.ready()
        await writing
        await settled(folder / "site" / "data" / "gateway.db")
        await gateway.stop()
        store = folder / "site" / "data" / "gateway.db"
        chains = await broken_chains(store)
        return compare(store, customers, outside, seed, gateway.deaths, chains, started)


async def settled(store: Path, within: float = 120.0) -> None:
    """Wait until every accepted message has had its turn and every post was sent."""
    async with asyncio.timeout(within):
        while waiting(store):
            await asyncio.sleep(0.1)


def waiting(store: Path) -> int:
    """Rows that still have a way to go."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as books:
        inbox = "SELECT COUNT(*) FROM inbox WHERE state = 'ready' AND kind != 'memo'"
        outbox = "SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'sending')"
        return int(books.execute(inbox).fetchone()[0]) + int(books.execute(outbox).fetchone()[0])


def compare(
    store: Path, customers: Customers, outside: Outside, seed: int, kills: int, chains: int, started: float
) -> Report:
    """The customers' books against the log, the ledger against what was asked for."""
    said, answered = _said(store)
    lost = duplicated = inversions = 0
    for conversation, names in customers.acked.items():
        stored = said.get(conversation, [])
        lost += len(set(names) - set(stored))
        duplicated += len(stored) - len(set(stored))
        inversions += sum(1 for before, after in itertools.pairwise(stored) if _number(before) >= _number(after))
    effects, times = outside.orders.effects, sorted(customers.times)
    return Report(
        seed=seed,
        kills=kills,
        acked=sum(map(len, customers.acked.values())),
        stored=sum(map(len, said.values())),
        lost=lost,
        duplicated=duplicated,
        effects=len(effects),
        doubled=sum(1 for count in effects.values() if count > 1),
        missing=len(customers.asked - set(effects)),
        inversions=inversions,
        unanswered=len(customers.acked) - len(answered & set(customers.acked)),
        broken_chains=chains,
        p50=round(times[len(times) // 2], 2),
        p99=round(times[int(len(times) * 0.99)], 2),
        seconds=round(time.monotonic() - started, 1),
    )


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _said(store: Path) -> tuple[dict[str, list[str]], set[str]]:
    """(client ids by conversation in the log's order, conversations that got an answer)."""
    said: dict[str, list[str]] = defaultdict(list)
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as books:
        rows = books.execute(
            "SELECT conversation, body FROM entry WHERE kind = 'customer_said' ORDER BY conversation, seq"
        )
        for conversation, body in rows:
            said[conversation].append(json.loads(body)["id"].rpartition(":")[2])
        spoken = books.execute("SELECT DISTINCT conversation FROM entry WHERE kind = 'agent_said'")
        return said, {row[0] for row in spoken}


async def broken_chains(store: Path) -> int:
    """How many conversations have a hash chain that does not fit."""
    opened = SqliteStore(store, readonly=True)
    try:
        return len((await opened.tenant("default").read(log.verify))[1])
    finally:
        await opened.close()
