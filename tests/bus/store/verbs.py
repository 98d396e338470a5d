"""The simplest verbs there are."""

from __future__ import annotations

from bus.store import Transaction


def put(tx: Transaction, name: str, value: str = "x") -> None:
    """Keep a setting."""
    tx.run("setting_set", name=name, value=value)


def get(tx: Transaction, name: str) -> str | None:
    """The setting, None where there is none."""
    row = tx.one("setting_get", name=name)
    return row["value"] if row else None
