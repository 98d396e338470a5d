"""What arrives: recorded once, and given to the conversation that its address belongs to."""

from __future__ import annotations

import msgspec

from bus.message import CASE_PREFIX, Customer, Inbound, Side, Work
from bus.store import claims, conversations, inbox, outbox
from bus.store.claims import Lease
from bus.store.engine import Transaction
from bus.store.inbox import Unrouted

OPENING = frozenset({"message", "press"})


class Accepted(msgspec.Struct, frozen=True):
    """What became of an Inbound. `new` False: it was here before. `work`: the conversation was free and is ours now."""

    new: bool
    conversation: str
    work: Work | None = None


def accept(
    tx: Transaction,
    inbound: Inbound,
    *,
    side: Side,
    now: int,
    fresh: str = "",
    raw: str = "",
    lease: Lease | None = None,
    customer: Customer | None = None,
) -> Accepted:
    """Record an Inbound once. `fresh` is the id for a conversation that this address opens, "" when it may not open one."""
    if inbound.address.tenant != tx.tenant:
        raise ValueError(f"an Inbound of tenant {inbound.address.tenant} came to {tx.tenant}")
    if inbound.kind == "delivery":
        return _report(tx, inbound, side, now, raw)
    found = conversations.route(tx, inbound.address)
    conversation, side = found or (fresh if inbound.kind in OPENING else "", side)
    if inbox.insert(tx, inbound, conversation, side, now, raw) is None:
        return Accepted(False, inbox.known(tx, inbound))
    if not conversation:
        return Accepted(True, "")
    if found is None:
        conversations.create(tx, conversation, inbound.address, now, customer)
    work = claims.claim(tx, conversation, lease, now)
    if work is None:
        inbox.interrupt(tx, conversation, side, inbound)
    return Accepted(True, conversation, work)


def _report(tx: Transaction, inbound: Inbound, side: Side, now: int, raw: str) -> Accepted:
    """A platform's word on something we sent; it waits when it comes before we know what it is about."""
    row = inbox.insert(tx, inbound, "", side, now, raw)
    if row is None:
        return Accepted(False, inbox.known(tx, inbound))
    return Accepted(True, outbox.settle(tx, row, inbound, now))


def adopt(tx: Transaction, row: Unrouted, conversation: str) -> bool:
    """The thread turned out to be this conversation's (its root was posted, the link was not kept): link it and route the row."""
    if tx.one("conversation_by_id", id=conversation) is None:
        inbox.drop(tx, row.row)
        return False
    thread = row.inbound.address
    case = msgspec.structs.replace(thread, thread=f"{CASE_PREFIX}{conversation}")
    conversations.link(tx, case, conversation, "staff")
    tx.run("link_anchor", address=case.key, anchor=thread.thread)
    conversations.link(tx, thread, conversation, "staff")
    inbox.route(tx, row, conversation)
    return True
