"""SQLite: one writer thread with one connection that also does the checkpoints, group commit, readers of their own.

SQLite before 3.51.3 can corrupt a WAL when two connections write or checkpoint at once (sqlite.org/wal.html, "WAL-reset bug"); with one
writer connection per database, and one process per data folder, that cannot happen.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import structlog

from bus.errors import Unavailable
from bus.failpoint import failpoint
from bus.store.engine import Row, Verb, statements
from bus.store.migrate import migrate

P = ParamSpec("P")
R = TypeVar("R")
BATCH = 256
CHECKPOINT_PAGES = 2000
log = structlog.get_logger(__name__)


class _Transaction:
    """One tenant's named statements on one connection."""

    def __init__(self, connection: sqlite3.Connection, tenant: str) -> None:
        self._connection = connection
        self.tenant = tenant

    def _execute(self, name: str, values: dict[str, Any]) -> sqlite3.Cursor:
        return self._connection.execute(statements()[name], {"tenant": self.tenant, **values})

    def one(self, name: str, /, **values: Any) -> Row | None:
        row: Row | None = self._execute(name, values).fetchone()
        return row

    def all(self, name: str, /, **values: Any) -> list[Row]:
        return self._execute(name, values).fetchall()

    def run(self, name: str, /, **values: Any) -> int:
        return self._execute(name, values).rowcount

    def insert(self, name: str, /, **values: Any) -> int | None:
        cursor = self._execute(name, values)
        return cursor.lastrowid if cursor.rowcount > 0 else None


class _Unit:
    """A verb waiting for its commit; `done` hears the result or the error on the caller's loop."""

    __slots__ = ("done", "error", "result", "tenant", "work")

    def __init__(self, tenant: str, work: Callable[[_Transaction], Any], done: Callable[[_Unit], None] | None) -> None:
        self.tenant = tenant
        self.work = work
        self.done = done
        self.result: Any = None
        self.error: BaseException | None = None


class SqliteTenant:
    """The store as one tenant sees it."""

    def __init__(self, store: SqliteStore, name: str) -> None:
        self._store = store
        self.name = name

    def write(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Run the verb; done when its commit is on the disk. Queued at the call, in order. Raises Unavailable when it cannot be."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()

        def done(unit: _Unit) -> None:
            if not answer.done():
                answer.set_exception(unit.error) if unit.error else answer.set_result(unit.result)

        self._store.submit(_Unit(self.name, lambda tx: verb(tx, *args, **kwargs), done), loop)
        return answer

    def queue(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the verb in order, without waiting; an error goes to the log."""
        self._store.submit(_Unit(self.name, lambda tx: verb(tx, *args, **kwargs), None), None)

    async def read(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a reading verb on a reader's own connection."""
        return await self._store.read(self.name, lambda tx: verb(tx, *args, **kwargs))


class SqliteStore:
    """An open database file. `path` ":memory:" is not offered: readers need a file."""

    def __init__(self, path: Path, *, readonly: bool = False, readers: int = 2) -> None:
        self.path = path
        self._readonly = readonly
        self._queue: queue.SimpleQueue[tuple[_Unit, asyncio.AbstractEventLoop | None] | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._lock: IO[str] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self, *, migrating: bool = True) -> None:
        """Take the folder's lock, migrate, start the writer. Raises Unavailable when another process serves this folder."""
        if self._readonly:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock_folder(self.path)
        writer = _connect(self.path)
        self._opened.append(writer)
        migrate(writer, allowed=migrating)
        self._thread = threading.Thread(target=self._serve, args=(writer,), name="store-write", daemon=True)
        self._thread.start()

    def tenant(self, name: str) -> SqliteTenant:
        """The only way to a verb."""
        if not name:
            raise ValueError("a tenant has a name")
        return SqliteTenant(self, name)

    def submit(self, unit: _Unit, loop: asyncio.AbstractEventLoop | None) -> None:
        """Queue a unit of work for the writer."""
        if self._closed or self._readonly:
            raise Unavailable("the store is closed" if self._closed else "the store was opened for reading")
        self._queue.put((unit, loop))

    async def read(self, tenant: str, work: Callable[[_Transaction], R]) -> R:
        """Run on a reader's connection in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, tenant, work)

    def _read(self, tenant: str, work: Callable[[_Transaction], R]) -> R:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path, readonly=True)
            self._opened.append(connection)
        try:
            connection.execute("BEGIN")
            return work(_Transaction(connection, tenant))
        except sqlite3.OperationalError as error:
            raise Unavailable(str(error)) from error
        finally:
            if connection.in_transaction:
                connection.execute("COMMIT")

    def _serve(self, connection: sqlite3.Connection) -> None:
        commits = 0
        while True:
            batch = self._take()
            if batch is None:
                return
            self._commit(connection, [unit for unit, _ in batch])
            _deliver(batch)
            commits += 1
            if commits % 64 == 0:
                _checkpoint(connection)

    def _take(self) -> list[tuple[_Unit, asyncio.AbstractEventLoop | None]] | None:
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

    def _commit(self, connection: sqlite3.Connection, units: list[_Unit]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for unit in units:
                _run_unit(connection, unit)
            failpoint("K3")
            connection.execute("COMMIT")
            failpoint("K4")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            log.error("store.commit_failed", error=str(error), units=len(units))
            for unit in units:
                unit.error = Unavailable(f"the store cannot take this now: {error}")

    async def backup(self, destination: str) -> None:
        """A consistent copy by SQLite's own backup, page by page, while serving."""
        await asyncio.get_running_loop().run_in_executor(self._pool, _backup, self.path, destination)

    async def healthy(self) -> bool:
        """True when a write can be committed now."""
        try:
            await self.tenant("default").write(lambda tx: tx.run("touch_setting", name="health"))
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Commits what is queued, then lets go of the files."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        if self._thread:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._pool.shutdown()
        for connection in reversed(self._opened):
            connection.close()
        if self._lock:
            self._lock.close()


def open_store(url: str, *, base: Path | None = None, readonly: bool = False, migrating: bool = True) -> SqliteStore:
    """The store that a URL names, started. `sqlite:///relative.db` is relative to `base`; `sqlite:////abs.db` is absolute.

    Raises ValueError for a URL nobody here can open, Unavailable when the folder is served by another process.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or not rest.startswith("/"):
        raise ValueError(f"store: {scheme}:// is not available; use sqlite:///data/gateway.db")
    store = SqliteStore((base or Path()) / rest[1:], readonly=readonly)
    store.start(migrating=migrating)
    return store


def _connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{path}{'?mode=ro' if readonly else ''}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        timeout=5.0,
    )
    connection.row_factory = sqlite3.Row
    if not readonly:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=0",
            "foreign_keys=ON",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}")
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
        if level != 2:
            raise Unavailable("SQLite did not accept synchronous=FULL: an acknowledged message could be lost")
    return connection


def _lock_folder(path: Path) -> IO[str]:
    lock = path.with_suffix(".lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        lock.close()
        raise Unavailable(
            f"{path.parent} is served by pid {holder}; stop it first or use another data folder"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _run_unit(connection: sqlite3.Connection, unit: _Unit) -> None:
    connection.execute("SAVEPOINT unit")
    try:
        unit.result = unit.work(_Transaction(connection, unit.tenant))
    except Exception as error:
        if isinstance(error, sqlite3.Error) and _is_trouble(error):
            raise
        connection.execute("ROLLBACK TO unit")
        unit.error = error
    connection.execute("RELEASE unit")


def _is_trouble(error: sqlite3.Error) -> bool:
    """True when the database itself is in trouble (busy, locked, read-only, I/O, full, corrupt), not one statement."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in {5, 6, 8, 10, 11, 13, 14, 26}


def _deliver(batch: list[tuple[_Unit, asyncio.AbstractEventLoop | None]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Unit]] = {}
    for unit, loop in batch:
        if loop is not None:
            by_loop.setdefault(loop, []).append(unit)
        elif unit.error is not None:
            log.error("store.queued_write_failed", error=repr(unit.error))
    for loop, units in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_finish, units)


def _finish(units: list[_Unit]) -> None:
    for unit in units:
        if unit.done is not None:
            unit.done(unit)


def _checkpoint(connection: sqlite3.Connection) -> None:
    try:
        failpoint("K25")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error as error:
        log.warning("store.checkpoint_failed", error=str(error))


def _backup(path: Path, destination: str) -> None:
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    source, target = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(destination)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
