"""Small things that must outlive the process, by name."""

from __future__ import annotations

from bus.store.engine import Transaction


def get(tx: Transaction, name: str) -> str:
    """The value, "" when there is none."""
    row = tx.one("setting_get", name=name)
    return str(row["value"]) if row else ""


def put(tx: Transaction, name: str, value: str) -> None:
    """Keep the value."""
    tx.run("setting_set", name=name, value=value)
