"""What processes held when they died is free again: turns are resumed at once, posts are looked up before they are sent again."""

from __future__ import annotations

from bus.store.engine import Transaction


def everything(tx: Transaction) -> int:
    """Of a store that one process has for itself, at its start: whatever is held is a dead one's. Returns how much was freed."""
    return tx.run("conversation_free_leases") + tx.run("outbox_free_leases")


def of_the_dead(tx: Transaction) -> int:
    """Of a store that several processes share: what those held that are not connected any more. Returns how much was freed.

    Enters the process that asks, so that it is found by the others.
    """
    freed = 0
    tx.run("process_add")
    for row in tx.all("process_others"):
        gone = tx.one("process_is_gone", name=row["name"])
        if gone is not None and gone["gone"]:
            freed += tx.run("conversation_free_leases_of", owner=row["name"])
            freed += tx.run("outbox_free_leases_of", owner=row["name"])
            tx.run("process_remove", name=row["name"])
    return freed
