"""What a starting process puts right: nobody else serves this store, so every lease in it is a dead process's."""

from __future__ import annotations

from bus.store.engine import Transaction


def recover(tx: Transaction) -> None:
    """Free the leases of conversations and of posts that were being sent."""
    tx.run("conversation_free_leases")
    tx.run("outbox_free_leases")
