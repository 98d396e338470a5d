"""PostgreSQL: the same verbs and statements, for several processes on one store.

A verb is written as if it were alone; SERIALIZABLE makes it so, and what PostgreSQL finds in conflict is done again. Units that wait
together share a transaction, as on SQLite: https://www.postgresql.org/docs/current/transaction-iso.html#XACT-SERIALIZABLE
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from bus.errors import Unavailable
from bus.failpoint import failpoint
from bus.store import recovery
from bus.store.engine import Row, Transaction
from bus.store.migrate import migrate_postgres
from bus.store.prepared import Prepared, rows
from bus.store.writing import StoreTenant, Unit, Writer

if TYPE_CHECKING:
    from psycopg import Connection

R = TypeVar("R")
TOGETHER = 2
"""Tries of a whole batch; after that each of its units goes by itself."""
ALONE = 20
RACES = 5
"""Tries of a unit whose key somebody else has just used: after those it is the unit's own doing."""
PAUSE = 0.005  # seconds, grows with each try
CONNECT = 10  # seconds
STATEMENT = 30_000  # milliseconds
log = structlog.get_logger(__name__)


class _Transaction:
    """One tenant's named statements on one connection."""

    def __init__(self, prepared: Prepared, tenant: str, process: str) -> None:
        self._prepared = prepared
        self._filled = {"tenant": tenant, "process": process}
        self.tenant = tenant
        self.process = process

    def one(self, name: str, /, **values: Any) -> Row | None:
        found = rows(self._prepared.run(name, self._filled | values))
        return found[0] if found else None

    def all(self, name: str, /, **values: Any) -> list[Row]:
        return rows(self._prepared.run(name, self._filled | values))

    def run(self, name: str, /, **values: Any) -> int:
        return self._prepared.run(name, self._filled | values).command_tuples or 0

    def insert(self, name: str, /, **values: Any) -> int | None:
        found = rows(self._prepared.run(name, self._filled | values, returning=True))
        return int(found[0]["id"]) if found else None


class PostgresStore:
    """A database that several processes share. `process` is this one's name, under which it holds leases."""

    shared = True

    def __init__(self, url: str, process: str, *, readonly: bool = False, readers: int = 2) -> None:
        self._url = url
        self._process = process
        self._readonly = readonly
        self._local = threading.local()
        self._opened: list[Connection[Any]] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._writer: Writer | None = None
        self._connection: Connection[Any] | None = None
        self._prepared: Prepared | None = None
        self._closed = False

    def start(self, *, migrating: bool = True) -> None:
        """Connect, migrate, start the writer. Raises Unavailable when the database cannot be reached or has another shape."""
        from psycopg import Error

        try:
            self._connection = self._connect()
            migrate_postgres(self._connection, allowed=migrating and not self._readonly)
            if not self._readonly:
                self._announce(self._connection)
        except Error as error:
            self._let_go()
            raise Unavailable(f"{_place(self._url)}: {error}") from error
        except BaseException:
            self._let_go()
            raise
        if not self._readonly:
            self._writer = Writer(self._commit)
            self._writer.start()

    def tenant(self, name: str) -> StoreTenant:
        """The only way to a verb."""
        return StoreTenant(self, name)

    def submit(self, unit: Unit, loop: asyncio.AbstractEventLoop | None) -> None:
        """Queue a unit of work for the writer."""
        if self._closed or self._writer is None:
            raise Unavailable("the store is closed" if self._closed else "the store was opened for reading")
        self._writer.submit(unit, loop)

    # --- writing

    def _commit(self, units: Sequence[Unit]) -> None:
        """All together while that works, each by itself when it does not; nothing of a unit that fails is kept."""
        if len(units) > 1 and self._together(units):
            return
        for unit in units:
            self._alone(unit)

    def _together(self, units: Sequence[Unit]) -> bool:
        from psycopg import Error

        for attempt in range(TOGETHER):
            try:
                self._transaction(units)
            except Error as error:
                self._recover(error)
                if (
                    self._connection is None
                ):  # it may have been committed: whoever waits asks again, we do not do it again
                    for unit in units:
                        unit.error = _meaning(error)
                    return True
                if not _is_conflict(error):
                    return False
                _pause(attempt)
            except Exception:  # noqa: BLE001 - one of them: which, is found out when each goes by itself
                self._roll_back()
                return False
            else:
                return True
        return False

    def _alone(self, unit: Unit) -> None:
        from psycopg import Error

        for attempt in range(ALONE):
            try:
                self._transaction([unit])
                unit.error = None
            except Error as error:
                self._recover(error)
                unit.error = _meaning(error)
                if not _is_conflict(error) or (attempt >= RACES and unit.error is error):
                    return
                _pause(attempt)
            except Exception as error:  # noqa: BLE001 - the verb's own: whoever waits for it hears it
                self._roll_back()
                unit.error = error
                return
            else:
                return
        log.error("store.commit_failed", error=str(unit.error), units=1)

    def _transaction(self, units: Sequence[Unit]) -> None:
        prepared = self._connected()
        prepared.say(b"BEGIN ISOLATION LEVEL SERIALIZABLE")
        for unit in units:
            unit.run(_Transaction(prepared, unit.tenant, self._process))
        failpoint("K3")
        prepared.say(b"COMMIT")
        failpoint("K4")

    def _connected(self) -> Prepared:
        if self._connection is None:
            self._connection = self._connect()
            self._announce(self._connection)
        if self._prepared is None:
            self._prepared = Prepared(self._connection)
        return self._prepared

    def _roll_back(self) -> None:
        from psycopg import Error

        if self._connection is not None:
            with contextlib.suppress(Error):
                self._connection.execute("ROLLBACK")

    def _recover(self, error: Exception) -> None:
        """Undo what is begun; a connection that is broken is made anew for the next unit."""
        self._roll_back()
        if self._connection is not None and (self._connection.broken or self._connection.closed):
            log.warning("store.connection_lost", error=str(error).strip())
            self._forget(self._connection)
            self._connection = self._prepared = None

    # --- reading

    async def read(self, tenant: str, work: Callable[[Transaction], R]) -> R:
        """Run on a reader's connection in a thread of its own."""
        if self._closed:
            raise Unavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, tenant, work)

    def _read(self, tenant: str, work: Callable[[Transaction], R]) -> R:
        from psycopg import Error

        try:
            prepared = self._reader()
            prepared.say(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                return work(_Transaction(prepared, tenant, self._process))
            finally:
                prepared.say(b"COMMIT")
        except Error as error:
            lost: Connection[Any] | None = self._local.__dict__.pop("connection", None)
            self._local.__dict__.pop("prepared", None)
            if lost is not None:
                self._forget(lost)
            raise Unavailable(str(error).strip()) from error

    def _reader(self) -> Prepared:
        prepared: Prepared | None = getattr(self._local, "prepared", None)
        if prepared is None:
            self._local.connection = self._connect()
            prepared = self._local.prepared = Prepared(self._local.connection)
        return prepared

    # --- the processes

    def _announce(self, connection: Connection[Any]) -> None:
        """Hold a lock for as long as this process is connected: who can take it knows that the process is dead."""
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [self._process])

    async def recover(self, tenant: str) -> int:
        """See Store."""
        return await self.tenant(tenant).write(recovery.of_the_dead)

    # --- connections

    def _connect(self) -> Connection[Any]:
        import psycopg
        from psycopg.rows import dict_row

        connection: Connection[Any] = psycopg.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT,
            options=f"-c synchronous_commit=on -c statement_timeout={STATEMENT}",
            application_name="support-gateway",
        )
        self._opened.append(connection)
        return connection

    def _forget(self, connection: Connection[Any]) -> None:
        with contextlib.suppress(Exception):
            connection.close()
        with contextlib.suppress(ValueError):
            self._opened.remove(connection)

    async def backup(self, destination: str) -> None:
        """Not ours to make. Raises Unavailable with what makes one."""
        raise Unavailable(f"a PostgreSQL store is copied by pg_dump: pg_dump --format=custom --file={destination} …")

    async def healthy(self) -> bool:
        """True when a write can be committed now."""
        try:
            await self.tenant("default").write(_touch)
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Commits what is queued, then lets go."""
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


def _touch(tx: Transaction) -> None:
    tx.run("setting_set", name="health", value="")


def _is_conflict(error: Exception) -> bool:
    """True for what another transaction did at the same time: done again, it works."""
    from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation

    return isinstance(error, (SerializationFailure, DeadlockDetected, LockNotAvailable, UniqueViolation))


def _meaning(error: Exception) -> Exception:
    """A statement's own error as it is; that of the database as Unavailable."""
    from psycopg import DataError, IntegrityError, ProgrammingError

    if isinstance(error, (IntegrityError, DataError, ProgrammingError)):
        return error
    return Unavailable(f"the store cannot take this now: {str(error).strip()}")


def _pause(attempt: int) -> None:
    time.sleep(PAUSE * (attempt + 1) * random.random())


def _place(url: str) -> str:
    """The URL without its password."""
    return re.sub(r"//[^@/]*@", "//", url)
