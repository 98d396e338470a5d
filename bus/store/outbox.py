"""The outbox: first-in-first-out per address, `sending` recorded before the call, every end visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bus.canonical import decode_numbers, encode
from bus.channel import Sending
from bus.entries import Delivered, DeliveryFailed, Expired, Recorded
from bus.message import Address, CaseCard, Inbound, Outbound, Sender
from bus.store import conversations, inbox, log
from bus.store.engine import Row, Transaction

SEND_LEASE = 60_000


class Post(msgspec.Struct, frozen=True):
    """A row that is being sent. `lost`: an earlier attempt's answer never came, so look before sending."""

    id: int
    conversation: str
    sending: Sending
    attempts: int
    lost: bool = False


def insert(tx: Transaction, conversation: str, outbound: Outbound, now: int) -> bool:
    """Put it in the line of its address; False when its key was there before."""
    if outbound.to.opened_by_us:
        conversations.link(tx, outbound.to, conversation, "staff")
        tx.run("conversation_set_desk", id=conversation, desk=outbound.to.key)
    row = tx.insert(
        "outbox_insert",
        key=outbound.key,
        conversation=conversation,
        channel=outbound.to.channel,
        address=outbound.to.key,
        now=now,
        expires_at=now + outbound.max_age,
        epoch=outbound.epoch,
        cause=outbound.cause,
        body=encode(outbound).decode(),
    )
    return row is not None


def claim(tx: Transaction, address: str, attempt: str, now: int) -> Post | None:
    """The first row of this address, marked `sending`; rows that are too old or silenced end on the way, visibly."""
    while row := tx.one("outbox_first", address=address):
        if row["state"] == "sending":
            return _resume(tx, row, now)
        if row["due_at"] > now:
            return None
        if _over(tx, row, now):
            continue
        tx.run("outbox_claim", id=row["id"], attempt=attempt, until=now + SEND_LEASE)
        return _post(tx, row, attempt, int(row["attempts"]) + 1, lost=False)
    return None


def _resume(tx: Transaction, row: Row, now: int) -> Post | None:
    """A row whose sender died: to be looked up, never sent blindly."""
    if row["lease_until"] > now:
        return None
    tx.run("outbox_hold", id=row["id"], attempt=row["attempt"], until=now + SEND_LEASE)
    return _post(tx, row, row["attempt"], int(row["attempts"]), lost=True)


def _over(tx: Transaction, row: Row, now: int) -> bool:
    if row["expires_at"] <= now:
        _end(tx, row, "expired", "too old to be sent", now)
        return True
    if row["epoch"] is not None:
        conversation = tx.one("conversation_by_id", id=row["conversation"])
        if conversation and conversation["epoch"] != row["epoch"]:
            _end(tx, row, "withdrawn", "a person took over", now)
            return True
    return False


def _end(tx: Transaction, row: Row, state: str, why: str, now: int) -> None:
    tx.run("outbox_end", id=row["id"], state=state, platform_id="", reason=why)
    log.append(tx, row["conversation"], [Expired(what=row["key"], why=why, of=row["cause"])], now)
    if state == "expired":
        _report(tx, row, {"of": row["cause"], "reason": why, "key": row["key"]}, now)


def _post(tx: Transaction, row: Row, attempt: str, attempts: int, *, lost: bool) -> Post:
    outbound = msgspec.convert(decode_numbers(row["body"]), Outbound)
    anchor, target = "", outbound.target
    if outbound.to.opened_by_us:
        link = tx.one("link_of", address=outbound.to.key)
        anchor = link["anchor"] if link else ""
    if outbound.target_key:
        earlier = tx.one("outbox_by_key", key=outbound.target_key)
        target = earlier["platform_id"] if earlier else ""
    return Post(row["id"], row["conversation"], Sending(outbound, attempt, anchor, target), attempts, lost)


def sent(tx: Transaction, post: Post, platform_id: str, attempt: str, now: int) -> Post | None:
    """The platform took it. Opens what waited for this root, notes the delivery, and claims the address's next row."""
    outbound = post.sending.outbound
    if not tx.run("outbox_end", id=post.id, state="sent", platform_id=platform_id, reason=""):
        return None
    if isinstance(outbound.content, CaseCard) and outbound.act == "say" and outbound.to.opened_by_us:
        _anchor(tx, post.conversation, outbound.to, platform_id)
    elif outbound.cause and not outbound.to.opened_by_us:
        line = log.one(tx, post.conversation, outbound.cause)
        note_delivered(tx, post.conversation, [line] if line else [], now)
    return claim(tx, outbound.to.key, attempt, now)


def _anchor(tx: Transaction, conversation: str, to: Address, platform_id: str) -> None:
    """The thread exists now: what comes in under its platform id belongs to this conversation."""
    tx.run("link_anchor", address=to.key, anchor=platform_id)
    thread = msgspec.structs.replace(to, thread=platform_id)
    conversations.link(tx, thread, conversation, "staff")
    for row, inbound, _ in inbox.unrouted(tx, 100):
        if inbound.address == thread:
            inbox.reroute(tx, row, conversation)


def again(tx: Transaction, post: Post, due_at: int, why: str) -> None:
    """Not now: the row goes back to the head of its line, due later."""
    tx.run("outbox_again", id=post.id, due_at=due_at, reason=why)


def leave(tx: Transaction, post: Post, until: int) -> None:
    """The look-up did not work either: the row stays `sending`, to be looked up again at `until`."""
    tx.run("outbox_hold", id=post.id, attempt=post.sending.attempt, until=until)


def failed(tx: Transaction, post: Post, state: str, reason: str, attempt: str, now: int) -> Post | None:
    """It ended badly (`failed` or `ambiguous`): recorded, told to staff, and the line goes on."""
    outbound = post.sending.outbound
    if not tx.run("outbox_end", id=post.id, state=state, platform_id="", reason=reason):
        return None
    if outbound.cause:
        log.append(tx, post.conversation, [DeliveryFailed(of=outbound.cause, reason=reason)], now)
    row = {"conversation": post.conversation, "key": outbound.key, "cause": outbound.cause}
    if not outbound.to.opened_by_us:
        _report(tx, row, {"of": outbound.cause, "reason": reason, "key": outbound.key}, now)
    return claim(tx, outbound.to.key, attempt, now)


def note_delivered(tx: Transaction, conversation: str, lines: Sequence[Recorded], now: int) -> bool:
    """These lines reached the customer; staff's words among them are reported to the relay (True)."""
    log.append(tx, conversation, [Delivered(of=line.seq) for line in lines], now)
    staff = [line for line in lines if line.kind == "staff_said"]
    for line in staff:
        row = {"conversation": conversation, "key": f"{conversation}:{line.seq}", "cause": line.seq}
        _report(tx, row, {"of": line.seq, "reason": ""}, now)
    return bool(staff)


def _report(tx: Transaction, row: Mapping[str, Any], data: dict[str, Any], now: int) -> None:
    """A delivery report for the relay: `data.reason` "" means delivered; the line about it is already in the log."""
    address = Address(tx.tenant, "delivery", "", str(row["conversation"]))
    inbound = Inbound(
        f"delivery:{row['key']}:{data['reason']}",
        address,
        Sender("gateway"),
        "delivery",
        now,
        data={**data, "logged": True},
    )
    tx.insert(
        "inbox_insert",
        channel="delivery",
        account="",
        key=inbound.key,
        conversation=row["conversation"],
        side="customer",
        kind="delivery",
        state="ready",
        due_at=now,
        now=now,
        raw="",
        body=encode(inbound).decode(),
    )


def due(tx: Transaction, now: int, limit: int) -> list[str]:
    """Addresses whose first row is waiting and due."""
    return [row["address"] for row in tx.all("outbox_due", now=now, limit=limit)]
