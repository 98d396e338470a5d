"""The record: verbs over SQL, one writer, many readers. Every verb belongs to a tenant."""

from bus.store.engine import Store, Tenant, Transaction, Verb
from bus.store.opening import open_store

__all__ = ["Store", "Tenant", "Transaction", "Verb", "open_store"]
