"""The ledger of writing calls: one effect per key, sums under their limits, decided where they are recorded."""

from __future__ import annotations

from decimal import Decimal

from bus.canonical import decode_numbers, encode
from bus.effect import Cap, Claim, Reservation
from bus.store.engine import Row, Transaction


def reserve(tx: Transaction, claim: Claim, conversation: str, turn: int, now: int) -> Reservation:
    """Take the claim's place, or say why not. A place that the same turn holds already is given again."""
    found = tx.one("effect_find", tool=claim.tool, idempotency_key=claim.idempotency_key)
    if found is not None and found["state"] != "failed":
        return _held(found, conversation, turn)
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


def settle(tx: Transaction, claim: Claim, status: str, result: object) -> None:
    """How the call ended: ok keeps the place with its result, unknown keeps it, anything else frees it."""
    state = {"ok": "ok", "unknown": "unknown"}.get(status, "failed")
    tx.run(
        "effect_settle",
        tool=claim.tool,
        idempotency_key=claim.idempotency_key,
        state=state,
        result=encode(result).decode(),
    )


def reserved(tx: Transaction, conversation: str, turn: int) -> list[tuple[str, str]]:
    """(tool, key) of this turn's calls that have no recorded answer."""
    return [
        (row["tool"], row["idempotency_key"])
        for row in tx.all("effect_reserved_in_turn", conversation=conversation, turn=turn)
    ]


def _held(found: Row, conversation: str, turn: int) -> Reservation:
    if found["state"] == "ok":
        return Reservation("done", decode_numbers(found["result"]))
    if found["state"] == "unknown":
        return Reservation("unknown")
    mine = (found["conversation"], found["turn"]) == (conversation, turn)
    return Reservation("go" if mine else "busy")


def _passes(tx: Transaction, claim: Claim, cap: Cap, now: int) -> bool:
    rows = tx.all(
        "effect_amounts",
        tool=claim.tool,
        scope=cap.scope,
        since=now - cap.window,
        idempotency_key=claim.idempotency_key,
    )
    return sum((Decimal(row["amount"]) for row in rows), cap.amount) > cap.maximum
