"""The ledger of writing calls: one effect per key, sums under their limits, decided where they are recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bus.canonical import decode_numbers, encode
from bus.effect import Cap, Claim, Reservation, Verdict
from bus.store.engine import Row, Transaction

HELD: dict[str, Verdict] = {"reserved": "busy", "ok": "done", "unknown": "unknown"}


def reserve(tx: Transaction, claim: Claim, conversation: str, turn: int, now: int) -> Reservation:
    """Take the claim's place, or say why not."""
    found = _find(tx, claim)
    if found is not None and found["state"] != "failed":
        return Reservation(HELD[found["state"]], _result(found))
    for cap in claim.caps:
        if _passes(tx, claim, cap, now):
            return Reservation("limit", because=cap.scope)
    tx.run(
        "effect_reserve",
        tool=claim.tool,
        idempotency_key=claim.idempotency_key,
        once=claim.once,
        conversation=conversation,
        turn=turn,
        now=now,
    )
    for scope, amount in claim.amounts:
        tx.run(
            "effect_amount_insert",
            tool=claim.tool,
            idempotency_key=claim.idempotency_key,
            scope=scope,
            now=now,
            amount=str(amount),
        )
    return Reservation("go")


def standing(tx: Transaction, claim: Claim, verdict: Verdict, conversation: str, turn: int) -> Reservation:
    """What was answered to this very call before a crash. A `go` holds only while its place is open and its turn's own."""
    found = _find(tx, claim)
    if verdict != "go":
        return Reservation(verdict, _result(found) if found else None)
    if found is None:
        return Reservation("unknown")
    if found["state"] == "reserved" and (found["conversation"], found["turn"]) == (conversation, turn):
        return Reservation("go")
    return Reservation("done" if found["state"] == "ok" else "unknown", _result(found))


def settle(tx: Transaction, claim: Claim, conversation: str, turn: int, status: str, result: object) -> None:
    """How the call of this turn ended: ok keeps the place with its result, unknown keeps it, anything else frees it."""
    state = {"ok": "ok", "unknown": "unknown"}.get(status, "failed")
    tx.run(
        "effect_settle",
        tool=claim.tool,
        idempotency_key=claim.idempotency_key,
        conversation=conversation,
        turn=turn,
        state=state,
        result=encode(result).decode(),
    )


def reserved(tx: Transaction, conversation: str, turn: int) -> list[tuple[str, str]]:
    """(tool, key) of this turn's calls that have no recorded answer."""
    return [
        (row["tool"], row["idempotency_key"])
        for row in tx.all("effect_reserved_in_turn", conversation=conversation, turn=turn)
    ]


def _find(tx: Transaction, claim: Claim) -> Row | None:
    return tx.one("effect_find", tool=claim.tool, idempotency_key=claim.idempotency_key)


def _result(found: Row) -> Any:
    return decode_numbers(found["result"]) if found["state"] == "ok" else None


def _passes(tx: Transaction, claim: Claim, cap: Cap, now: int) -> bool:
    rows = tx.all(
        "effect_amounts",
        tool=claim.tool,
        scope=cap.scope,
        since=now - cap.window,
        idempotency_key=claim.idempotency_key,
    )
    return sum((Decimal(row["amount"]) for row in rows), cap.amount) > cap.maximum
