"""Versions of the agent's spec, and which one is live."""

from __future__ import annotations

import msgspec

from bus.store.engine import Row, Transaction


class Version(msgspec.Struct, frozen=True):
    """One distinct content. `number` counts from 1 in the order of first sight; `created_at` in UTC ms."""

    id: str
    number: int
    body: str
    created_at: int


def load(tx: Transaction, version: str, body: str, file_digest: str, now: int) -> Version:
    """Record a file's content; a *changed* file becomes live, an unchanged one leaves a rollback in force. Returns the live version."""
    keep(tx, version, body, now)
    seen = tx.one("setting_get", name="spec.file")
    if seen is None or seen["value"] != file_digest:
        tx.run("setting_set", name="spec.file", value=file_digest)
        tx.run("setting_set", name="spec.live", value=version)
    return live(tx) or publish(tx, version)


def keep(tx: Transaction, version: str, body: str, now: int) -> None:
    """Store a content once."""
    tx.run("spec_insert", id=version, body=body, file_digest="", now=now)


def publish(tx: Transaction, version: str) -> Version:
    """Make a stored version live. Raises KeyError when there is none."""
    found = one(tx, version)
    if found is None:
        raise KeyError(version)
    tx.run("setting_set", name="spec.live", value=found.id)
    return found


def live(tx: Transaction) -> Version | None:
    """The version that new turns use."""
    row = tx.one("setting_get", name="spec.live")
    return one(tx, row["value"]) if row else None


def one(tx: Transaction, version: str) -> Version | None:
    """A version by its id, or by its number."""
    if version.isdecimal():
        return next((item for item in every(tx) if item.number == int(version)), None)
    row = tx.one("spec_by_id", id=version)
    return _version(row) if row else None


def every(tx: Transaction) -> list[Version]:
    """All versions, oldest first."""
    return [_version(row) for row in tx.all("spec_list")]


def _version(row: Row) -> Version:
    return Version(row["id"], row["number"], row["body"], row["created_at"])
