"""Numbered migrations, run under the writer's lock, safe to repeat."""

from __future__ import annotations

import sqlite3
from importlib.resources import files

from bus.errors import Unavailable
from bus.failpoint import failpoint


def numbered() -> list[tuple[int, str]]:
    """(number, SQL) of every migration, in order."""
    folder = files("bus.store") / "migrations"
    return sorted(
        (int(item.name[:4]), item.read_text("utf-8")) for item in folder.iterdir() if item.name.endswith(".sql")
    )


def migrate(connection: sqlite3.Connection, *, allowed: bool = True) -> int:
    """Bring the database to the newest shape and return its number. Raises Unavailable when that is not allowed or not possible."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    newest = numbered()[-1][0]
    if version > newest:
        raise Unavailable(
            f"the store has shape {version}, newer than this gateway knows ({newest}); use the newer release"
        )
    for number, sql in numbered():
        if number <= version:
            continue
        if not allowed:
            raise Unavailable(
                f"the store has shape {version}, this gateway needs {newest}; start once without --no-migrate"
            )
        _run(connection, number, sql)
    return newest


def _run(connection: sqlite3.Connection, number: int, sql: str) -> None:
    """One migration and its number, in one transaction."""
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};")
        failpoint("K26")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
