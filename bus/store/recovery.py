"""At start: what this store's last process held when it died is free."""

from __future__ import annotations

from bus.store.engine import Transaction


def recover(tx: Transaction) -> tuple[int, int]:
    """Free the leases of a dead process, whose lock on the folder is ours now: (conversations, posts).

    Turns are then resumed at once, and posts in `sending` are looked up before anything is sent again.
    """
    return tx.run("conversation_free_leases"), tx.run("outbox_free_leases")
