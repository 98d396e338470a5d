"""What a turn costs at the beginning of a conversation and after thousands of lines: one process, turn about."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from bench.speed import site
from bench.speed.figures import MILLI, Row, Table
from bench.speed.systems import Fakes
from bus.entries import Entry
from bus.message import Address, Inbound, Sender
from bus.store import conversations, log
from config.settings import load
from gateway.app import Gateway

AT_ONCE = 500
COPIES = 5


class Lengths(NamedTuple):
    """Lines that are there before; with `full` the window that a turn reads is full."""

    short: int = 10
    full: int = 200
    long: int = 10_000


LENGTHS = Lengths()


async def measure(folder: Path, rounds: int, lengths: Lengths = LENGTHS) -> Table:
    """CPU of a whole turn, from the accepted message to the commit, by the lines that were there before."""
    costs: dict[int, list[float]] = {length: [] for length in lengths}
    with _core(1):
        async with _gateway(folder) as gateway:
            book = Book(gateway)
            lines = await book.lines_of_a_turn()
            for length in lengths:
                await book.write(length, lines)
            for number in range(rounds + COPIES):
                for length in lengths if number % 2 else lengths[::-1]:
                    cost = await book.turn(length, number)
                    costs[length].extend([cost] if number >= COPIES else [])
    short, full, long = (costs[length] for length in lengths)
    rows = [
        Row(f"at {lengths.long:,} lines, against {lengths.short}", "ms", MILLI, long, short),
        Row(f"at {lengths.long:,} lines, against {lengths.full} (the window is full)", "ms", MILLI, long, full),
    ]
    notes = (
        f"CPU of the whole process per turn; {COPIES} conversations of each length in one process, turn about, {rounds} turns each, their "
        "lines written with the store's own verbs."
    )
    return Table("A turn in a long conversation", ("", "long", "short", "long ÷ short"), rows, notes)


class Book:
    """Conversations of a given length."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._serial = 0

    async def lines_of_a_turn(self) -> Sequence[Entry]:
        """The lines that one turn leaves."""
        await self.turn(0, 0)
        conversation = (await self._gateway.tenant.read(conversations.page, limit=1))[0][0].id
        return [line.entry for line in await self._gateway.tenant.read(log.after, conversation, 0, 100)]

    async def write(self, length: int, lines: Sequence[Entry]) -> None:
        """Conversations that have as many lines already."""
        wanted = [lines[number % len(lines)] for number in range(length)]
        for copy in range(COPIES):
            name, now = f"c_{length}_{copy}", self._gateway.clock()
            await self._gateway.tenant.write(conversations.create, name, _address(length, copy), now)
            for start in range(0, length, AT_ONCE):
                await self._gateway.tenant.write(log.append, name, wanted[start : start + AT_ONCE], now)

    async def turn(self, length: int, number: int) -> float:
        """One message and its turn; seconds of CPU."""
        self._serial += 1
        key, text = f"message:{self._serial}", site.plain(0, number)
        inbound = Inbound(
            key, _address(length, number % COPIES), Sender("visitor"), "message", self._gateway.clock(), text
        )
        began = time.process_time()
        await self._gateway.intake.accept(inbound, side="customer", raw=b"{}")
        await self._gateway.worker.idle()
        return time.process_time() - began


def _address(length: int, copy: int) -> Address:
    return Address("default", "web", "", f"visitor:{length}:{copy}")


@asynccontextmanager
async def _gateway(folder: Path) -> AsyncIterator[Gateway]:
    fakes = Fakes()
    outside = await fakes.open()
    loaded = load(site.write(folder, 0, outside.slack, outside.tool))
    gateway = await Gateway.open(loaded)
    try:
        await gateway.start(watching=False)
        yield gateway
    finally:
        await gateway.close()
        fakes.close()


@contextlib.contextmanager
def _core(core: int) -> Iterator[None]:
    """This thread, and those it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} if core < (os.cpu_count() or 1) else before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
