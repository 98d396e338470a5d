"""The store that a URL names."""

from __future__ import annotations

from pathlib import Path

from bus.store.engine import Store
from bus.store.sqlite import SqliteStore

POSTGRES = frozenset({"postgresql", "postgres"})


def open_store(
    url: str, *, base: Path | None = None, process: str = "", readonly: bool = False, migrating: bool = True
) -> Store:
    """Opened and started. `sqlite:///relative.db` is relative to `base`, `sqlite:////abs.db` absolute; `postgresql://…` as libpq reads it.

    `process` names who holds leases where several share a store. Raises ValueError for a URL that nobody here can open, Unavailable when
    the folder is served by another process or the database cannot be reached.
    """
    scheme, _, rest = url.partition("://")
    if scheme in POSTGRES:
        from bus.store.postgres import PostgresStore

        shared = PostgresStore(url, process, readonly=readonly)
        shared.start(migrating=migrating)
        return shared
    if scheme != "sqlite" or not rest.startswith("/"):
        raise ValueError(f"store: {scheme}:// is not available; use sqlite:///data/gateway.db or postgresql://…")
    if not rest.strip("/") or rest == "/:memory:":
        raise ValueError("store: SQLite needs a file; use sqlite:///data/gateway.db")
    store = SqliteStore((base or Path()) / rest[1:], readonly=readonly)
    store.start(migrating=migrating)
    return store
