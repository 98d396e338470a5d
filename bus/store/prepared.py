"""Named statements on one PostgreSQL connection, prepared once each and run through libpq itself.

psycopg's cursors adapt any type to any other; the store has integers, truth and texts, so half of a statement's cost is not needed.
https://www.psycopg.org/psycopg3/docs/api/pq.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from bus.store.engine import Row, statements

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.pq.abc import PGresult

PLACEHOLDER = re.compile(r"(?<![:\w]):([a-z_]+)")
INTEGERS = frozenset({20, 21, 23, 26, 1700})
"""int8, int2, int4, oid and numeric (what sums are): https://www.postgresql.org/docs/current/catalog-pg-type.html"""
TRUTH = 16


@cache
def numbered(name: str, *, returning: bool = False) -> tuple[bytes, tuple[str, ...]]:
    """A named statement with `$1` for its first value, and the values' names in that order; `returning` the id of what it inserts."""
    order: dict[str, int] = {}
    sql = PLACEHOLDER.sub(lambda found: f"${order.setdefault(found[1], len(order) + 1)}", statements()[name])
    return f"{sql} RETURNING id".encode() if returning else sql.encode(), tuple(order)


class Prepared:
    """The statements of one connection. Raises psycopg.Error as a cursor would."""

    def __init__(self, connection: Connection[Any]) -> None:
        from psycopg import pq

        self._connection = connection
        self._libpq = connection.pgconn
        self._fine = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})
        self._known: dict[tuple[str, bool], tuple[bytes, tuple[str, ...]]] = {}

    def run(self, name: str, values: dict[str, Any], *, returning: bool = False) -> PGresult:
        """Run a statement."""
        found = self._known.get((name, returning))
        handle, order = found if found is not None else self._prepare(name, returning=returning)
        given: list[Any] = [_written(values[each]) for each in order]  # None is NULL, whatever the annotations say
        return self._checked(self._libpq.exec_prepared(handle, given))

    def say(self, command: bytes) -> None:
        """BEGIN, COMMIT, ROLLBACK."""
        self._checked(self._libpq.exec_(command))

    def _prepare(self, name: str, *, returning: bool) -> tuple[bytes, tuple[str, ...]]:
        sql, order = numbered(name, returning=returning)
        handle = f"{name}{'+' if returning else ''}".encode()
        self._checked(self._libpq.prepare(handle, sql))
        self._known[name, returning] = handle, order
        return handle, order

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in self._fine:
            return result
        from psycopg import OperationalError
        from psycopg.errors import error_from_result

        if self._connection.broken or self._connection.closed:
            raise OperationalError(result.get_error_message())
        raise error_from_result(result)


def rows(result: PGresult) -> list[Row]:
    """What a statement found."""
    columns = [((result.fname(at) or b"").decode(), _reader(result.ftype(at))) for at in range(result.nfields)]
    return [
        {name: _read(result.get_value(row, at), kind) for at, (name, kind) in enumerate(columns)}
        for row in range(result.ntuples)
    ]


def _reader(oid: int) -> str:
    return "integer" if oid in INTEGERS else "truth" if oid == TRUTH else "text"


def _read(value: bytes | None, kind: str) -> Any:
    if value is None:
        return None
    if kind == "integer":
        return int(value)
    return value == b"t" if kind == "truth" else value.decode()


def _written(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return None if value is None else b"%d" % value
