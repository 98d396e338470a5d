"""The outbox: first-in-first-out per address, `sending` recorded before the call, every end visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from bus.canonical import decode, encode
from bus.channel import Sending
from bus.entries import Delivered, DeliveryFailed, Expired, Recorded
from bus.message import Address, Inbound, Outbound, Words
from bus.store import conversations, inbox, log
from bus.store.engine import Row, Transaction

SEND_LEASE = 60_000
WAIT = 1_000
NEVER_SENT = "what it refers to was never sent"


class Post(msgspec.Struct, frozen=True):
    """A row that is being sent. `lost`: an earlier attempt's answer never came, so look before sending."""

    id: int
    conversation: str
    sending: Sending
    attempts: int
    lost: bool = False

    @property
    def root(self) -> bool:
        """True for the message that opens a thread of ours: the first words at an address without an anchor."""
        outbound = self.sending.outbound
        return outbound.act == "say" and outbound.to.opened_by_us and not self.sending.anchor


def insert(tx: Transaction, conversation: str, outbound: Outbound, now: int) -> bool:
    """Put it in the line of its address; False when its key was there before. Raises ValueError for somebody else's address."""
    to = outbound.to
    if to.opened_by_us and conversations.link(tx, to, conversation, "staff"):
        tx.run("conversation_set_desk", id=conversation, desk=to.key)
    found = conversations.route(tx, to)
    if to.tenant != tx.tenant or found is None or found[0] != conversation:
        raise ValueError(f"{outbound.key} goes to an address that is not this conversation's")
    row = tx.insert(
        "outbox_insert",
        key=outbound.key,
        conversation=conversation,
        channel=to.channel,
        address=to.key,
        now=now,
        expires_at=now + outbound.max_age,
        epoch=outbound.epoch,
        cause=outbound.cause,
        body=encode(outbound).decode(),
    )
    return row is not None


def begun_at(tx: Transaction, key: str) -> int:
    """When the row of this key was made, UTC ms; 0 when there is none. Nothing of it is older at the platform."""
    row = tx.one("outbox_by_key", key=key)
    return int(row["created_at"]) if row else 0


def is_sent(tx: Transaction, channel: str, platform_id: str) -> bool:
    """True when a row knows this platform id as its own."""
    return tx.one("outbox_by_platform_id", channel=channel, platform_id=platform_id) is not None


def due(tx: Transaction, now: int, limit: int) -> list[str]:
    """Addresses whose first row is due and held by nobody."""
    return [row["address"] for row in tx.all("outbox_due", now=now, limit=limit)]


def claim_all(tx: Transaction, addresses: Iterable[str], new_id: Callable[[str], str], now: int) -> list[Post]:
    """The first rows of these addresses, where they can be sent now."""
    posts = (claim(tx, address, new_id("att"), now) for address in addresses)
    return [post for post in posts if post]


def claim(tx: Transaction, address: str, attempt: str, now: int) -> Post | None:
    """The first row of this address, marked `sending`; rows that must not be sent any more end on the way, visibly."""
    while row := tx.one("outbox_first", address=address):
        if row["state"] == "sending":
            return _resume(tx, row, now)
        if row["due_at"] > now:
            return None
        if why := _over(row, now):
            _end(tx, row, *why, now)
            continue
        sending = _sending(tx, row, attempt)
        if sending is None:
            tx.run("outbox_wait", id=row["id"], due_at=now + WAIT)
            return None
        if sending.outbound.target_key and not sending.target:
            _end(tx, row, "withdrawn", NEVER_SENT, now)
            continue
        tx.run("outbox_claim", id=row["id"], attempt=attempt, until=now + SEND_LEASE)
        return Post(row["id"], row["conversation"], sending, int(row["attempts"]) + 1)
    return None


def _resume(tx: Transaction, row: Row, now: int) -> Post | None:
    """A row whose sender died: to be looked up, never sent blindly."""
    if row["lease_until"] > now:
        return None
    sending = _sending(tx, row, row["attempt"])
    tx.run("outbox_hold", id=row["id"], attempt=row["attempt"], until=now + SEND_LEASE)
    return Post(row["id"], row["conversation"], sending, int(row["attempts"]), lost=True) if sending else None


def _over(row: Row, now: int) -> tuple[str, str] | None:
    """(state, why) of a row that is too old, or was silenced: its epoch is not the conversation's any more."""
    if row["expires_at"] <= now:
        return "expired", "too old to be sent"
    return ("withdrawn", "a person took over") if row["silenced"] else None


def _end(tx: Transaction, row: Row, state: str, why: str, now: int) -> None:
    tx.run("outbox_end", id=row["id"], attempt=row["attempt"], state=state, reason=why)
    log.append(tx, row["conversation"], [Expired(what=row["key"], why=why, of=row["cause"])], now)
    if state == "expired":
        _report(tx, row["conversation"], decode(row["body"], Outbound), why, now)


def _sending(tx: Transaction, row: Row, attempt: str) -> Sending | None:
    """The attempt with its anchor and target; None while the target is still in the line of another address."""
    outbound = decode(row["body"], Outbound)
    anchor, target = "", outbound.target
    if outbound.to.opened_by_us:
        link = tx.one("link_of", address=outbound.to.key)
        anchor = link["anchor"] if link else ""
    if outbound.target_key:
        earlier = tx.one("outbox_by_key", key=outbound.target_key)
        waits = earlier is not None and earlier["state"] in ("pending", "sending")
        if earlier is not None and waits and earlier["address"] != outbound.to.key:
            return None
        target = earlier["platform_id"] if earlier else ""
    return Sending(outbound, attempt, anchor, target)


def sent(tx: Transaction, post: Post, platform_id: str, attempt: str, now: int) -> Post | None:
    """The platform took it, whoever finds out first; claims the address's next row."""
    outbound = post.sending.outbound
    if tx.run("outbox_sent", id=post.id, platform_id=platform_id):
        _taken(tx, post.conversation, outbound, platform_id, now)
        for row, inbound in inbox.unrouted_reports(tx, outbound.to.channel):
            if inbound.target == platform_id:
                settle(tx, row, inbound, now)
    return claim(tx, outbound.to.key, attempt, now)


def _taken(tx: Transaction, conversation: str, outbound: Outbound, platform_id: str, now: int) -> None:
    if outbound.to.opened_by_us:
        if outbound.act == "say":
            _anchor(tx, conversation, outbound.to, platform_id)
    elif outbound.cause and _to_customer(tx, outbound) and not _more(tx, conversation, outbound):
        line = log.one(tx, conversation, outbound.cause)
        note_delivered(tx, conversation, [line] if line else [], now)


def _more(tx: Transaction, conversation: str, outbound: Outbound) -> bool:
    """True while another message that says the same line waits behind this one: words and their files are one line."""
    found = tx.one("outbox_more", address=outbound.to.key, conversation=conversation, cause=outbound.cause)
    return found is not None


def _anchor(tx: Transaction, conversation: str, to: Address, platform_id: str) -> None:
    """The first words made the thread: what comes in under their platform id belongs to this conversation."""
    if not tx.run("link_anchor", address=to.key, anchor=platform_id):
        return
    thread = msgspec.structs.replace(to, thread=platform_id)
    conversations.link(tx, thread, conversation, "staff")
    for row in inbox.unrouted(tx, 100):
        if row.inbound.address == thread:
            inbox.route(tx, row, conversation)


def _to_customer(tx: Transaction, outbound: Outbound) -> bool:
    found = conversations.route(tx, outbound.to)
    return found is not None and found[1] == "customer"


def again(tx: Transaction, post: Post, due_at: int, why: str) -> None:
    """Not now, and nothing happened: the row goes back to the head of its line, due later."""
    tx.run("outbox_again", id=post.id, attempt=post.sending.attempt, due_at=due_at, reason=why)


def afresh(tx: Transaction, post: Post, due_at: int, attempt: str, now: int) -> Post | None:
    """The lost attempt certainly did not arrive: from the head of the line again, as old as the row is by now."""
    again(tx, post, due_at, "the answer was lost")
    return claim(tx, post.sending.outbound.to.key, attempt, now)


def pause(tx: Transaction, post: Post, due_at: int) -> None:
    """Nothing was tried. A lost attempt stays to be looked up, anything else waits at the head of its line."""
    values = {"id": post.id, "attempt": post.sending.attempt}
    if post.lost:
        tx.run("outbox_hold", until=due_at, **values)
    else:
        tx.run("outbox_pause", due_at=due_at, **values)


def hold(tx: Transaction, post: Post, until: int) -> None:
    """The call still runs: nobody else takes the row up."""
    tx.run("outbox_hold", id=post.id, attempt=post.sending.attempt, until=until)


def leave(tx: Transaction, post: Post, until: int, now: int) -> bool:
    """The look-up did not work either: look again at `until`. False when the row is too old by now; then nobody can know."""
    return bool(tx.run("outbox_leave", id=post.id, attempt=post.sending.attempt, until=until, now=now))


def failed(tx: Transaction, post: Post, state: str, reason: str, attempt: str, now: int) -> Post | None:
    """It ended badly (`failed` or `ambiguous`): recorded, told to staff, and the line goes on."""
    outbound = post.sending.outbound
    if tx.run("outbox_end", id=post.id, attempt=post.sending.attempt, state=state, reason=reason):
        _fell(tx, post.conversation, outbound, reason, now)
    return claim(tx, outbound.to.key, attempt, now)


def _fell(tx: Transaction, conversation: str, outbound: Outbound, reason: str, now: int) -> None:
    log.append(tx, conversation, [DeliveryFailed(of=outbound.cause, reason=reason)], now)
    if _to_customer(tx, outbound) or _file(outbound):
        _report(tx, conversation, outbound, reason, now)


def _file(outbound: Outbound) -> str:
    """The name of the file that it brings and nothing else, "" for anything other."""
    said = outbound.content
    return said.attachments[0].name or "file" if isinstance(said, Words) and said.attachments and not said.text else ""


def settle(tx: Transaction, row: int, inbound: Inbound, now: int) -> str:
    """A platform's word on something we sent, in whatever order; returns its conversation, "" while nobody knows the message.

    `data.status` is accepted, delivered or failed (with `data.reason`), `data.attempt` the attempt, where the platform gives it back.
    """
    found = _told(tx, inbound)
    if found is None:
        return ""
    outbound = decode(found["body"], Outbound)
    if found["state"] == "sending" and tx.run("outbox_sent", id=found["id"], platform_id=inbound.target):
        _taken(tx, found["conversation"], outbound, inbound.target, now)
    status, reason = inbound.data.get("status", ""), str(inbound.data.get("reason", ""))
    if status in ("delivered", "failed"):
        changed = tx.run("outbox_report", id=found["id"], state=status, reason=reason)
        if changed and status == "failed":
            _fell(tx, found["conversation"], outbound, reason or "failed", now)
    tx.run("inbox_settle", id=row, conversation=found["conversation"])
    return str(found["conversation"])


def _told(tx: Transaction, inbound: Inbound) -> Row | None:
    channel, attempt = inbound.address.channel, str(inbound.data.get("attempt", ""))
    found = tx.one("outbox_by_platform_id", channel=channel, platform_id=inbound.target)
    if found is None and attempt:
        found = tx.one("outbox_by_attempt", channel=channel, attempt=attempt)
    return found


def note_delivered(tx: Transaction, conversation: str, lines: Sequence[Recorded], now: int) -> bool:
    """These lines reached the customer; staff's words among them are reported to the relay (True)."""
    log.append(tx, conversation, [Delivered(of=line.seq) for line in lines], now)
    staff = [line for line in lines if line.kind == "staff_said"]
    for line in staff:
        inbox.report(tx, conversation, f"{conversation}:{line.seq}", {"of": line.seq, "reason": ""}, now)
    return bool(staff)


def _report(tx: Transaction, conversation: str, outbound: Outbound, reason: str, now: int) -> None:
    """`file` names the file that it was about; without a line (`of` 0) that is one of the customer's, which the desk does not see."""
    about = {"file": _file(outbound)} if _file(outbound) else {}
    told = {"of": outbound.cause, "reason": reason, "key": outbound.key, **about}
    inbox.report(tx, conversation, outbound.key, told, now)
