"""The pipe in a process that is meant to be killed, with far ends that keep fsynced ledgers and survive it.

`python -m tests.bus.kill_program FOLDER` runs rounds for every fail point, each in a folder of its own, and prints {point: kills}.
A provider delivers each message until it is acknowledged; a model answers differently every time it is asked; each message causes one
effect, whose key is made of the model's answer, and one reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import structlog

from bus import failpoint
from bus.accept import Intake
from bus.channel import Limits, Mode, Person, Sending
from bus.consumer import Journal
from bus.effect import Claim, Reservation
from bus.entries import AgentSaid, ModelReplied, Step, ToolAnswered, ToolAsked
from bus.message import Address, Inbound, Outbound, Received, Side, Turn, Words, Work
from bus.message import Sender as From
from bus.outbox import Sender
from bus.store import claims, open_store, sqlite
from bus.store.outbox import Post
from bus.store.recovery import everything
from bus.wake import Hub
from bus.work import Worker

PEOPLE, MESSAGES = 4, 4
POINTS = [
    "K2",
    "K3",
    "K4",
    "K5",
    "K6",
    "K10",
    "K11",
    "K12",
    "K13",
    "K14",
    "K15",
    "K16",
    "K17",
    "K18",
    "K20",
    "K25",
    "K26",
]
KILLS, RANDOM = 3, 12
LIVES, ROUNDS = 4, 5


class Ledger:
    """Lines that are on the disk when `add` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.lines = path.read_text().splitlines()

    def add(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())
        os.fsync(self._file)
        self.lines.append(line)


class Platform:
    """Keeps what arrived, and can be asked what became of an attempt."""

    name = "tg"
    side: Side = "customer"
    mode: Mode = "live"
    limits = Limits()

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def send(self, sending: Sending) -> str:
        await asyncio.sleep(0)
        content = sending.outbound.content
        assert isinstance(content, Words)
        self._ledger.add(f"{sending.attempt} {sending.outbound.to.peer} {content.text}")
        failpoint.failpoint("K19")
        await asyncio.sleep(0)
        return f"id:{sending.attempt}"

    async def find(self, sending: Sending) -> str | None:
        found = any(line.startswith(f"{sending.attempt} ") for line in self._ledger.lines)
        return f"id:{sending.attempt}" if found else ""

    async def locate(self, address: Address) -> str:
        return ""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def people(self, sender: str) -> Person:
        return Person(sender, "")

    def routes(self) -> list[object]:
        return []

    def status(self) -> dict[str, object]:
        return {}


class Agent:
    """Asks the model what to do for each message, does it once, and says so."""

    def __init__(self, effects: Ledger) -> None:
        self._effects = effects

    async def take(self, work: Work, journal: Journal) -> Turn:
        for row in work.rows:
            await self._do(row, journal)
        texts = [row.inbound.text for row in work.rows]
        entries = tuple(AgentSaid(text=text) for text in texts)
        outbounds = tuple(
            Outbound(
                f"re:{row.id}",
                "say",
                work.conversation.address,
                Words(row.inbound.text, "agent"),
                cause=place - len(texts),
            )
            for place, row in enumerate(work.rows)
        )
        return Turn(entries=entries, outbounds=outbounds)

    async def _do(self, row: Received, journal: Journal) -> None:
        async def think() -> Step:
            await asyncio.sleep(0)
            return ModelReplied(model="m", text=f"plan {random.getrandbits(40)}")

        plan = await journal.step({"of": row.id}, think)
        assert isinstance(plan, ModelReplied)
        key = f"{row.inbound.key}/{plan.text}"

        def record(place: Reservation) -> ToolAsked:
            return ToolAsked(tool="t", args={}, policy={}, effect="write", idempotency_key=key)

        async def call() -> ToolAnswered:
            await asyncio.sleep(0)
            self._effects.add(key)
            failpoint.failpoint("K15")
            return ToolAnswered(tool="t", status="ok", result=key)

        await journal.intend(key, Claim("t", key), record)
        await journal.outcome(key, call, Claim("t", key))


class Silent:
    """Staff's side, where nothing happens."""

    async def take(self, work: Work, journal: Journal) -> Turn:
        return Turn()


def inbound(who: int, number: int) -> Inbound:
    address = Address("default", "tg", "bot", f"p{who}")
    return Inbound(f"message:{who}:{number}", address, From(f"p{who}"), "message", number, text=str(number))


async def run(folder: Path, seed: int) -> None:
    """Deliver what is not acknowledged yet, and work until everything is done."""
    numbers = itertools.count()

    def new_id(prefix: str) -> str:
        return f"{prefix}_{seed:04}_{next(numbers):06}"

    def clock() -> int:
        return time.time_ns() // 1_000_000

    def post(claimed: Post) -> None:
        sender.post(claimed)

    acknowledged, effects, sent = (Ledger(folder / name) for name in ("acknowledged", "effects", "sent"))
    sqlite.CHECKPOINT_EVERY = 3
    store = open_store(f"sqlite:///{folder / 'gateway.db'}")
    tenant = store.tenant("default")
    await tenant.write(everything)
    channels = {"tg": Platform(sent)}
    worker = Worker(
        tenant, {"agent": Agent(effects), "relay": Silent()}, owner=new_id("p"), clock=clock, new_id=new_id, hub=Hub(),
        pull=(), send=post,
    )  # fmt: skip
    sender = Sender(tenant, channels, clock=clock, new_id=new_id, done=worker.nudge)  # type: ignore[arg-type]
    intake = Intake(tenant, worker, channels, clock=clock, new_id=new_id)  # type: ignore[arg-type]

    async def deliver(who: int) -> None:
        for number in range(MESSAGES):
            key = f"{who}:{number}"
            if key not in acknowledged.lines or random.random() < 0.2:
                await intake.accept(inbound(who, number), side="customer", raw=b"{}")
                if key not in acknowledged.lines:
                    acknowledged.add(key)

    runs = [asyncio.create_task(worker.run()), asyncio.create_task(sender.run())]
    await asyncio.gather(*(deliver(who) for who in range(PEOPLE)))
    while (
        await worker.sweep() + await sender.sweep() or worker._tasks or sender._tasks
        or await tenant.read(claims.any_due, clock(), suspects=True)
    ):  # fmt: skip
        await worker.idle()
        await sender.idle()
    for task in runs:
        task.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    await store.close()


def child(folder: Path, points: dict[str, tuple[str, float]], seed: int, lives: float = 0) -> bool:
    """Run it in a process of its own; True when that was killed."""
    pid = os.fork()
    if not pid:
        random.seed(seed)
        failpoint._POINTS = points
        try:
            asyncio.run(run(folder, seed))
        except BaseException:  # noqa: BLE001 - nothing may get out of a fork
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if lives:
        time.sleep(lives)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"{folder.name}: the pipe failed by itself")
    return os.WIFSIGNALED(status)


def main(base: Path) -> None:
    """Rounds for every point until it has killed often enough, and some in which the moment is left to chance."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    seeds, kills = itertools.count(1), dict.fromkeys([*POINTS, "random"], 0)
    for point in kills:
        for number in range(ROUNDS):
            if kills[point] < (RANDOM if point == "random" else KILLS):
                folder = base / f"{point}-{number}"
                folder.mkdir()
                kills[point] += sum(one_life(folder, point, next(seeds)) for _ in range(LIVES))
                child(folder, {}, next(seeds))
    print(json.dumps(kills))


def one_life(folder: Path, point: str, seed: int) -> bool:
    """True when it was killed."""
    if point == "random":
        return child(folder, {}, seed, random.Random(seed).uniform(0.005, 0.06))
    return child(folder, {point: ("kill", 1.0 if point in ("K25", "K26") else 0.25)}, seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
