"""SQLite: one writer thread with one connection that also does the checkpoints, group commit, readers of their own.

SQLite before 3.51.3 can corrupt a WAL when two connections write or checkpoint at once (sqlite.org/wal.html, "WAL-reset bug"); with one
writer connection per database, and one process per data folder, that cannot happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import structlog

from bus.errors import Unavailable
from bus.failpoint import failpoint
from bus.store import recovery
from bus.store.engine import Row, Transaction, statements
from bus.store.migrate import migrate
from bus.store.writing import StoreTenant, Unit, Writer

R = TypeVar("R")
CHECKPOINT_EVERY = 64  # commits
WAL_PAGES = 4000  # 16 MB: from here on a checkpoint asks readers to step aside
BUSY = 5.0  # seconds
STEP_ASIDE = 50  # milliseconds
ROOM = 16_384  # bytes that a healthy store can still take
# Busy, locked, read-only, I/O, corrupt, full, cannot open, no database: https://sqlite.org/rescode.html
TROUBLE = frozenset({5, 6, 8, 10, 11, 13, 14, 26})
DURABLE = ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "foreign_keys=ON", "cache_size=-16000")
log = structlog.get_logger(__name__)


class _Transaction:
    """One tenant's named statements on one connection."""

    def __init__(self, connection: sqlite3.Connection, tenant: str) -> None:
        self._connection = connection
        self.tenant = tenant
        self.process = ""  # there is no other
        self._filled = {"tenant": tenant, "process": self.process}

    def _execute(self, name: str, values: dict[str, Any]) -> sqlite3.Cursor:
        return self._connection.execute(statements()[name], {**self._filled, **values})

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


class SqliteStore:
    """An open database file. `path` ":memory:" is not offered: readers need a file."""

    shared = False

    def __init__(self, path: Path, *, readonly: bool = False, readers: int = 2) -> None:
        self.path = path
        self._readonly = readonly
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._lock: IO[str] | None = None
        self._writer: Writer | None = None
        self._commits = 0
        self._closed = False

    def start(self, *, migrating: bool = True) -> None:
        """Take the folder's lock, migrate, start the writer. Raises Unavailable when another process serves this folder."""
        if self._readonly:
            if not self.path.is_file():
                raise Unavailable(f"there is no store at {self.path}")
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock_folder(self.path)
        try:
            self.path.touch(mode=0o600)
            self._opened.append(writer := _connect(self.path))
            migrate(writer, allowed=migrating)
        except sqlite3.Error as error:
            self._let_go()
            raise Unavailable(f"{self.path}: {error}") from error
        except BaseException:
            self._let_go()
            raise
        self._writer = Writer(partial(self._commit, writer), partial(self._rested, writer))
        self._writer.start()

    def tenant(self, name: str) -> StoreTenant:
        """The only way to a verb."""
        return StoreTenant(self, name)

    def submit(self, unit: Unit, loop: asyncio.AbstractEventLoop | None) -> None:
        """Queue a unit of work for the writer."""
        if self._closed or self._writer is None:
            raise Unavailable("the store is closed" if self._closed else "the store was opened for reading")
        self._writer.submit(unit, loop)

    async def read(self, tenant: str, work: Callable[[Transaction], R]) -> R:
        """Run on a reader's connection in a thread of its own."""
        if self._closed:
            raise Unavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, tenant, work)

    def _read(self, tenant: str, work: Callable[[Transaction], R]) -> R:
        try:
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return work(_Transaction(connection, tenant))
            finally:
                connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise Unavailable(str(error)) from error

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path, readonly=True)
            self._opened.append(connection)
        return connection

    def _rested(self, connection: sqlite3.Connection) -> None:
        self._commits += 1
        if self._commits % CHECKPOINT_EVERY == 0:
            _checkpoint(connection)

    def _commit(self, connection: sqlite3.Connection, units: Sequence[Unit]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for unit in units:
                _run_unit(connection, unit)
            failpoint("K3")
            connection.execute("COMMIT")
            failpoint("K4")
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever happens; nothing of this was kept
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            log.error("store.commit_failed", error=str(error), units=len(units))
            for unit in units:
                unit.error = Unavailable(f"the store cannot take this now: {error}")

    async def recover(self, tenant: str) -> int:
        """See Store: the folder's lock is ours now, so whoever held something is dead."""
        return await self.tenant(tenant).write(recovery.everything)

    async def backup(self, destination: str) -> None:
        """A consistent copy by SQLite's own backup, page by page, while serving."""
        await asyncio.get_running_loop().run_in_executor(self._pool, _backup, self.path, destination)

    async def healthy(self) -> bool:
        """True when a message's worth of new pages can be committed now; they are given back at once."""
        try:
            await self.tenant("default").write(_find_room)
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Commits what is queued, then lets go of the files."""
        if self._closed:
            return
        self._closed = True
        if self._writer:
            self._writer.stop()
        await asyncio.get_running_loop().run_in_executor(None, self._end)

    def _end(self) -> None:
        if self._writer:
            self._writer.join()
        self._pool.shutdown()
        self._let_go()

    def _let_go(self) -> None:
        while self._opened:
            self._opened.pop().close()
        if self._lock:
            self._lock.close()


def _connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}{'?mode=ro' if readonly else ''}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        timeout=BUSY,
    )
    connection.row_factory = sqlite3.Row
    try:
        if not readonly:
            _make_durable(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_durable(connection: sqlite3.Connection) -> None:
    for pragma in DURABLE:
        connection.execute(f"PRAGMA {pragma}")
    kept = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    if kept != ["wal", 2]:
        raise Unavailable(f"SQLite kept {kept} instead of WAL and FULL: an acknowledged message could be lost")


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


def _find_room(tx: Transaction) -> None:
    for value in ("." * ROOM, ""):
        tx.run("setting_set", name="health", value=value)


def _run_unit(connection: sqlite3.Connection, unit: Unit) -> None:
    connection.execute("SAVEPOINT unit")
    try:
        unit.run(_Transaction(connection, unit.tenant))
    except Exception as error:
        if isinstance(error, sqlite3.Error) and _is_trouble(error):
            raise
        connection.execute("ROLLBACK TO unit")
        unit.error = error
    connection.execute("RELEASE unit")


def _is_trouble(error: sqlite3.Error) -> bool:
    """True when the database itself is in trouble, not one statement."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in TROUBLE


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Move what is committed into the database; when readers keep the WAL from being reused, wait for them a moment."""
    try:
        failpoint("K25")
        _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages > WAL_PAGES:
            connection.execute(f"PRAGMA busy_timeout={STEP_ASIDE}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        log.warning("store.checkpoint_failed", error=str(error))
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY * 1000:.0f}")


def _backup(path: Path, destination: str) -> None:
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.closing(_connect(path, readonly=True)) as source,
        contextlib.closing(sqlite3.connect(destination)) as target,
    ):
        source.backup(target)
