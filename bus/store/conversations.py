"""Conversations, links and customers."""

from __future__ import annotations

import msgspec

from bus.message import Address, Conversation, Customer, Side
from bus.store.engine import Row, Transaction


def load(tx: Transaction, conversation: str) -> Conversation | None:
    """The conversation as consumers see it."""
    row = tx.one("conversation_by_id", id=conversation)
    return _conversation(tx, row) if row else None


def route(tx: Transaction, address: Address) -> tuple[str, Side] | None:
    """The conversation and side that this address belongs to."""
    row = tx.one("link_of", address=address.key)
    return (row["conversation"], row["side"]) if row else None


def create(tx: Transaction, conversation: str, address: Address, now: int, customer: Customer | None = None) -> None:
    """A new conversation at a customer's address, with its link."""
    who = customer or Customer("", "")
    tx.run(
        "conversation_insert",
        id=conversation,
        channel=address.channel,
        address=address.key,
        customer_source=who.source,
        customer_id=who.id,
        customer_name=who.name,
        language="",
        now=now,
    )
    link(tx, address, conversation, "customer")


def link(tx: Transaction, address: Address, conversation: str, side: Side) -> bool:
    """Tie an address to a conversation, once and for all; False when it was tied before."""
    return tx.run("link_insert", address=address.key, conversation=conversation, side=side) > 0


def join(tx: Transaction, address: Address, other: Address) -> None:
    """The platform says that both addresses are one customer's: what is new belongs to the conversation of the one that is known."""
    for known, fresh in ((address, other), (other, address)):
        found = route(tx, known)
        if found is not None:
            link(tx, fresh, *found)
            return


def identify(tx: Transaction, conversation: str, address: Address, customer: Customer) -> None:
    """The visitor of this conversation proved who they are: it is theirs now, and reached at `address`."""
    link(tx, address, conversation, "customer")
    tx.run("conversation_set_address", id=conversation, address=address.key)
    tx.run(
        "conversation_set_customer",
        id=conversation,
        customer_source=customer.source,
        customer_id=customer.id,
        customer_name=customer.name,
    )


def remember(tx: Transaction, customer: Customer, now: int) -> None:
    """Keep the newest profile and sealed token of a customer."""
    tx.run("customer_upsert", now=now, **msgspec.structs.asdict(customer))


class Item(msgspec.Struct, frozen=True):
    """A conversation as operators list it. Times in UTC ms."""

    id: str
    channel: str
    owner: str
    owner_name: str
    status: str
    customer: dict[str, str]
    language: str
    episode: int
    epoch: int
    seq: int
    created_at: int
    updated_at: int


def item(tx: Transaction, conversation: str) -> Item | None:
    """One conversation as operators see it."""
    row = tx.one("conversation_by_id", id=conversation)
    return _item(row) if row else None


def page(
    tx: Transaction, *, channel: str = "", owner: str = "", q: str = "", limit: int = 50, after: str = ""
) -> tuple[list[Item], str | None]:
    """(items, next): newest first. `after` is the `next` of the page before; ValueError when it is not one."""
    before_at, before_id = _cursor(after)
    like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = tx.all(
        "conversation_page",
        channel=channel,
        owner=owner,
        q=q,
        like=like,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    items = [_item(row) for row in rows[:limit]]
    return items, f"{items[-1].updated_at}.{items[-1].id}" if len(rows) > limit else None


def _cursor(after: str) -> tuple[int, str]:
    if not after:
        return 2**62, ""
    at, _, conversation = after.partition(".")
    if not (at.isdecimal() and conversation):
        raise ValueError("after is not the `next` of a page")
    return int(at), conversation


def _item(row: Row) -> Item:
    customer = {"source": row["customer_source"], "id": row["customer_id"], "name": row["customer_name"]}
    return Item(
        row["id"],
        row["channel"],
        row["owner"],
        row["owner_name"],
        row["status"],
        customer,
        row["language"],
        row["episode"],
        row["epoch"],
        row["seq"],
        row["created_at"],
        row["updated_at"],
    )


def _conversation(tx: Transaction, row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        address=Address.from_key(tx.tenant, row["address"]),
        owner=row["owner"],
        owner_name=row["owner_name"],
        epoch=row["epoch"],
        episode=row["episode"],
        status=row["status"],
        language=row["language"],
        summary=row["summary"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        customer=_customer(tx, row),
        desk=Address.from_key(tx.tenant, row["desk"]) if row["desk"] else None,
    )


def _customer(tx: Transaction, row: Row) -> Customer | None:
    if not row["customer_id"]:
        return None
    found = tx.one("customer_by_id", source=row["customer_source"], id=row["customer_id"])
    if found is None:
        return Customer(row["customer_source"], row["customer_id"], row["customer_name"])
    return Customer(
        found["source"],
        found["id"],
        found["name"],
        found["email"],
        found["locale"],
        found["token"],
        found["token_expires_at"],
    )
