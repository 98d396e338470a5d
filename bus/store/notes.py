"""What a channel has to remember for a while, by name: parts of a long message that are sent, tokens of links."""

from __future__ import annotations

import msgspec

from bus.canonical import decode, encode
from bus.message import Address, Customer
from bus.store import conversations
from bus.store.engine import Transaction


class Ticket(msgspec.Struct, frozen=True):
    """What the token of a link stands for. `peer` is the account that has used it, "" while nobody has."""

    customer: Customer
    peer: str = ""


def put(tx: Transaction, name: str, value: str, until: int, now: int) -> None:
    """Keep a text until then (UTC ms), instead of what was kept under this name; what is over is forgotten."""
    tx.run("note_sweep", now=now)
    tx.run("note_put", name=name, value=value, expires_at=until)


def get(tx: Transaction, name: str, now: int) -> str:
    """The text, "" when there is none."""
    row = tx.one("note_get", name=name, now=now)
    return str(row["value"]) if row else ""


def below(tx: Transaction, prefix: str) -> dict[str, str]:
    """Every note whose name begins so, with its text."""
    return {row["name"]: row["value"] for row in tx.all("note_between", first=prefix, last=f"{prefix}\U0010ffff")}


def drop(tx: Transaction, name: str) -> None:
    """Forget it."""
    tx.run("note_drop", name=name)


def hold(tx: Transaction, name: str, until: int, now: int) -> bool:
    """Be the one who does something until then, of several processes that could; False while another one does and lives."""
    holder = get(tx, name, now)
    if holder not in ("", tx.process) and tx.one("process_known", name=holder):
        return False
    put(tx, name, tx.process, until, now)
    return True


def issue(tx: Transaction, name: str, customer: Customer, until: int, now: int) -> None:
    """A token for this customer, good once and until then. `name` is made from its digest: nobody who reads the store can use it."""
    put(tx, name, encode(Ticket(customer)).decode(), until, now)


def redeem(tx: Transaction, name: str, address: Address, until: int, now: int) -> Customer | None:
    """Whose token it is; None for one that is over, unknown, or used by another account. It stays with the first one that uses it.

    The same message delivered again finds its own token; a conversation that this address has already is the customer's from now on,
    unless it is another customer's.
    """
    found = get(tx, name, now)
    ticket = decode(found, Ticket) if found else None
    if ticket is None or ticket.peer not in ("", address.peer):
        return None
    known = conversations.route(tx, address)
    earlier = conversations.load(tx, known[0]) if known else None
    if earlier is not None and earlier.customer is not None and not _same(earlier.customer, ticket.customer):
        return None
    if not ticket.peer:
        put(tx, name, encode(Ticket(ticket.customer, address.peer)).decode(), until, now)
        conversations.remember(tx, ticket.customer, now)
        if earlier is not None:
            conversations.identify(tx, earlier.id, address, ticket.customer)
    return ticket.customer


def _same(one: Customer, other: Customer) -> bool:
    return (one.source, one.id) == (other.source, other.id)
