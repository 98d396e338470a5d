"""Migrations: all or nothing, once, in order, and never backwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bus.errors import Unavailable
from bus.store import migrate, open_store
from bus.store.migrate import numbered

TABLES = (
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('conversation', 'inbox', 'entry', 'outbox')"
)


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    return sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_numbers_have_no_gaps() -> None:
    assert [number for number, _ in numbered()] == list(range(1, len(numbered()) + 1))


def test_a_migration_is_run_once(database: sqlite3.Connection) -> None:
    newest = migrate.migrate(database)
    assert (version(database), migrate.migrate(database)) == (newest, newest)
    assert database.execute(TABLES).fetchone() == (4,)
    database.close()


def test_a_failing_migration_leaves_nothing_behind(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = numbered()
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "numbered", lambda: [*good, (len(good) + 1, "CREATE TABLE half (a); SELECT nonsense;")])
        with pytest.raises(sqlite3.OperationalError):
            migrate.migrate(database)
    assert not database.in_transaction
    assert version(database) == len(good)
    assert database.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    assert migrate.migrate(database) == len(good)
    database.close()


def test_a_newer_store_is_not_touched(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA user_version = 9999")
    with pytest.raises(Unavailable, match="newer than this gateway knows"):
        migrate.migrate(database)
    database.close()


def test_an_older_store_is_not_migrated_unasked(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.close()
    for _ in range(2):
        with pytest.raises(Unavailable, match="without --no-migrate"):
            open_store(f"sqlite:///{tmp_path / 'gateway.db'}", migrating=False)
