"""The writer: one thread that takes the units of work that wait together and commits them at once, whatever the engine."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

import structlog

from bus.store.engine import Transaction, Verb

P = ParamSpec("P")
R = TypeVar("R")
BATCH = 256
log = structlog.get_logger(__name__)


class Unit:
    """A verb waiting for its commit; `done` hears the result or the error on the caller's loop."""

    __slots__ = ("done", "error", "result", "tenant", "work")

    def __init__(self, tenant: str, work: Callable[[Transaction], Any], done: Callable[[Unit], None] | None) -> None:
        self.tenant = tenant
        self.work = work
        self.done = done
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, tx: Transaction) -> None:
        """Do the work. Raises what it raises."""
        try:
            self.result = self.work(tx)
        except StopIteration as error:  # a future takes any exception but this one
            raise RuntimeError("a verb ran dry") from error


Waiting = tuple[Unit, asyncio.AbstractEventLoop | None]


class Writer:
    """Serves units in the order in which they came. `commit` makes a batch durable, setting errors; `rested` runs after each."""

    def __init__(self, commit: Callable[[Sequence[Unit]], None], rested: Callable[[], None] = lambda: None) -> None:
        self._commit = commit
        self._rested = rested
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-write", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def submit(self, unit: Unit, loop: asyncio.AbstractEventLoop | None) -> None:
        """Queue a unit of work."""
        self._queue.put((unit, loop))

    def stop(self) -> None:
        """Nothing more comes."""
        self._queue.put(None)

    def join(self) -> None:
        """Wait until what was queued is committed."""
        if self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        while (batch := self._take()) is not None:
            self._commit([unit for unit, _ in batch])
            _deliver(batch)
            self._rested()

    def _take(self) -> list[Waiting] | None:
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            batch.append(item)
        return batch


class Engine(Protocol):
    """What a tenant needs of its store."""

    def submit(self, unit: Unit, loop: asyncio.AbstractEventLoop | None) -> None:
        """Queue a unit of work for the writer. Raises Unavailable."""

    async def read(self, tenant: str, work: Callable[[Transaction], R]) -> R:
        """Run on a reader's connection in a thread of its own. Raises Unavailable."""


class StoreTenant:
    """The store as one tenant sees it."""

    def __init__(self, store: Engine, name: str) -> None:
        if not name:
            raise ValueError("a tenant has a name")
        self._store = store
        self.name = name

    def write(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Run the verb; done when its commit is on the disk. Queued at the call, in order. Raises Unavailable when it cannot be."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()

        def done(unit: Unit) -> None:
            if not answer.done():
                answer.set_result(unit.result) if unit.error is None else answer.set_exception(unit.error)

        self._store.submit(Unit(self.name, lambda tx: verb(tx, *args, **kwargs), done), loop)
        return answer

    def queue(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the verb in order, without waiting; an error goes to the log."""
        self._store.submit(Unit(self.name, lambda tx: verb(tx, *args, **kwargs), None), None)

    async def read(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a reading verb on a reader's own connection."""
        return await self._store.read(self.name, lambda tx: verb(tx, *args, **kwargs))


def _deliver(batch: list[Waiting]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Unit]] = {}
    for unit, loop in batch:
        if loop is not None:
            by_loop.setdefault(loop, []).append(unit)
        elif unit.error is not None:
            log.error("store.queued_write_failed", error=repr(unit.error))
    for loop, units in by_loop.items():
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there
            loop.call_soon_threadsafe(_finish, units)


def _finish(units: list[Unit]) -> None:
    for unit in units:
        if unit.done is not None:
            unit.done(unit)
