"""Rows of the inbox: what came in, what is to come in at its time, and what nobody could place yet."""

from __future__ import annotations

from typing import Any

import msgspec

from bus.canonical import decode, encode
from bus.consumer import interrupts
from bus.message import Address, Inbound, Memo, Received, Sender, Side
from bus.store.engine import Row, Transaction


class Unrouted(msgspec.Struct, frozen=True):
    """A row without a conversation. `received_at` in UTC ms."""

    row: int
    inbound: Inbound
    side: Side
    received_at: int


def insert(tx: Transaction, inbound: Inbound, conversation: str, side: Side, now: int, raw: str = "") -> int | None:
    """The new row's id, or None when the Inbound is here already. Without a conversation it waits, unrouted."""
    address = inbound.address
    return tx.insert(
        "inbox_insert",
        channel=address.channel,
        account=address.account,
        key=inbound.key,
        conversation=conversation,
        side=side,
        kind=inbound.kind,
        state="ready" if conversation else "unrouted",
        due_at=now,
        now=now,
        raw=raw,
        body=encode(inbound).decode(),
    )


def known(tx: Transaction, inbound: Inbound) -> str:
    """The conversation of an Inbound that is here already, "" when it has none."""
    address = inbound.address
    row = tx.one("inbox_existing", channel=address.channel, account=address.account, key=inbound.key)
    return str(row["conversation"]) if row else ""


def has(tx: Transaction, address: Address, key: str) -> bool:
    """True when the channel's account has an Inbound of this key."""
    return tx.one("inbox_existing", channel=address.channel, account=address.account, key=key) is not None


def received(row: Row) -> Received:
    """A row as consumers see it."""
    inbound = decode(row["body"], Inbound)
    return Received(row["id"], inbound, row["side"], row["seq"], row["attempts"], row["superseded"])


def remind(tx: Transaction, conversation: str, memo: Memo, now: int) -> None:
    """Insert or move a memo."""
    key = memo_key(conversation, memo.key)
    address = Address(tx.tenant, "memo", "", conversation)
    inbound = Inbound(key, address, Sender("gateway"), "memo", memo.due_at, memo=memo.name, data=memo.data)
    tx.run("inbox_memo", key=key, conversation=conversation, due_at=memo.due_at, now=now, body=encode(inbound).decode())


def cancel(tx: Transaction, conversation: str, key: str) -> None:
    """Take a memo back; one that was worked on stays."""
    tx.run("inbox_cancel", key=memo_key(conversation, key))


def waits(tx: Transaction, conversation: str, key: str) -> bool:
    """True while a memo is still to be worked on: not once it is done, taken back or parked."""
    return tx.one("inbox_waits", key=memo_key(conversation, key)) is not None


def memo_key(conversation: str, key: str) -> str:
    """The key of a memo's row."""
    return f"memo:{conversation}:{key}"


def report(tx: Transaction, conversation: str, key: str, data: dict[str, Any], now: int) -> None:
    """A delivery report for the relay, once per key: `data.reason` "" means delivered; the line about it is in the log already."""
    address = Address(tx.tenant, "delivery", "", conversation)
    told = {**data, "logged": True}
    name = f"delivery:{key}:{data['reason']}"
    insert(tx, Inbound(name, address, Sender("gateway"), "delivery", now, data=told), conversation, "customer", now)


def interrupt(tx: Transaction, conversation: str, side: Side, inbound: Inbound) -> None:
    """Tell the turn that runs in this conversation, if one does, that somebody else has the word."""
    if interrupts(side, inbound.kind):
        tx.run("conversation_interrupt", id=conversation, interrupt=side)


def unrouted(tx: Transaction, limit: int) -> list[Unrouted]:
    """What has no conversation yet, oldest first."""
    return [
        Unrouted(row["id"], decode(row["body"], Inbound), row["side"], row["received_at"])
        for row in tx.all("inbox_unrouted", limit=limit)
    ]


def unrouted_reports(tx: Transaction, channel: str) -> list[tuple[int, Inbound]]:
    """(row, Inbound) of delivery reports about messages that nobody knows yet."""
    return [(row["id"], decode(row["body"], Inbound)) for row in tx.all("inbox_unrouted_reports", channel=channel)]


def route(tx: Transaction, row: Unrouted, conversation: str) -> None:
    """Give an unrouted row to a conversation."""
    tx.run("inbox_route", id=row.row, conversation=conversation)
    interrupt(tx, conversation, row.side, row.inbound)


def latest(tx: Transaction) -> int:
    """When the newest row came in (UTC ms), 0 while there is none."""
    row = tx.one("inbox_latest")
    return int(row["received_at"]) if row else 0


def drop(tx: Transaction, row: int) -> None:
    """Nobody's: park an unrouted row for good."""
    tx.run("inbox_park", id=row)
