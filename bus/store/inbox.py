"""From an Inbound to Work: record once, take the lease, open the turn."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bus.canonical import decode_numbers, encode
from bus.consumer import consumer
from bus.effect import Claim
from bus.entries import CustomerEdited, CustomerPressed, CustomerSaid, Entry, Parked, Reopened
from bus.message import CASE_PREFIX, Address, Conversation, Customer, Inbound, Memo, Received, Sender, Side, Work
from bus.store import conversations, effects, log
from bus.store.engine import Row, Transaction

ATTEMPTS = 5
WINDOW = 50


class Lease(msgspec.Struct, frozen=True):
    """Who asks for work, and until when (UTC ms) they hold it."""

    owner: str
    until: int


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
    found = conversations.route(tx, inbound.address)
    conversation, side = found or (fresh, side)
    if not _insert(tx, inbound, conversation, side, raw, now):
        return Accepted(False, _known(tx, inbound))
    if not conversation:
        return Accepted(True, "")
    if found is None:
        conversations.create(tx, conversation, inbound.address, now, customer)
    work = claim(tx, conversation, lease, now)
    if work is None:
        _interrupt(tx, conversation, side, inbound)
    return Accepted(True, conversation, work)


def _insert(tx: Transaction, inbound: Inbound, conversation: str, side: Side, raw: str, now: int) -> bool:
    address = inbound.address
    row = tx.insert(
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
    return row is not None


def _known(tx: Transaction, inbound: Inbound) -> str:
    row = tx.one("inbox_existing", channel=inbound.address.channel, account=inbound.address.account, key=inbound.key)
    return str(row["conversation"]) if row else ""


def _interrupt(tx: Transaction, conversation: str, side: Side, inbound: Inbound) -> None:
    if side == "staff" or inbound.kind in ("message", "press"):
        tx.run("conversation_interrupt", id=conversation, interrupt=side)


def claim(tx: Transaction, conversation: str, lease: Lease | None, now: int) -> Work | None:
    """Take a free conversation's lease and open its next turn; None when it is taken or has nothing to do."""
    if lease is None:
        return None
    taken = tx.one("conversation_take_lease", id=conversation, owner=lease.owner, until=lease.until, now=now)
    if taken is None:
        return None
    return next_work(tx, conversation, lease, int(taken["lease_token"]), now)


def due(tx: Transaction, lease: Lease, now: int, limit: int) -> list[Work]:
    """Claim what is due and free, oldest first: the sweeper's guarantee behind every lost hint."""
    works = (claim(tx, row["id"], lease, now) for row in tx.all("inbox_due", now=now, limit=limit))
    return [work for work in works if work]


def next_work(tx: Transaction, conversation: str, lease: Lease, token: int, now: int) -> Work | None:
    """Open the next turn under a lease that is held, or let go of the lease."""
    while rows := tx.all("inbox_ready", conversation=conversation, now=now, limit=WINDOW):
        found = conversations.load(tx, conversation)
        if found is None:
            break
        received = _batch(tx, found, [_received(row) for row in rows], [row["turn"] for row in rows])
        turn = next(int(row["turn"]) for row in rows if row["id"] == received[0].id)
        if received[0].attempts >= ATTEMPTS:
            _park(tx, found, received, turn, now)
            continue
        return _open(tx, found, received, turn, token, now, len(rows))
    tx.run("conversation_release_lease", id=conversation, owner=lease.owner, token=token)
    return None


def _batch(tx: Transaction, conversation: Conversation, rows: list[Received], turns: list[int]) -> list[Received]:
    """One turn's rows: an unfinished turn that was about to write comes first, then staff one by one, then a burst of customer words."""
    for turn in sorted({turn for turn in turns if turn}):
        mine = [row for row, its in zip(rows, turns, strict=True) if its == turn]
        if mine[0].id == rows[0].id or effects.reserved(tx, conversation.id, turn):
            return mine
    first = rows[0]
    if first.side == "staff" or first.inbound.kind != "message":
        return [first]
    return _burst(rows)


def _burst(rows: list[Received]) -> list[Received]:
    burst = []
    for row in rows:
        if row.side == "staff" or row.inbound.kind != "message":
            break
        burst.append(row)
    return burst


def _open(
    tx: Transaction, conversation: Conversation, rows: list[Received], turn: int, token: int, now: int, waiting: int
) -> Work:
    first = rows[0]
    name = consumer(conversation.owner, first.side, first.inbound.kind, first.inbound.memo)
    if not turn:
        row = tx.one("conversation_next_turn", id=conversation.id)
        turn = int(row["turns"]) if row else 0
    conversation = _reopen(tx, conversation, first, turn, now)
    begun = [_begin(tx, conversation, row, turn, now) for row in rows]
    tx.run("conversation_clear_interrupt", id=conversation.id, interrupt="customer" if waiting > len(rows) else "")
    return Work(conversation, name, tuple(begun), turn, token)


def _reopen(tx: Transaction, conversation: Conversation, first: Received, turn: int, now: int) -> Conversation:
    if first.side != "customer" or first.inbound.kind not in ("message", "press") or first.seq:
        return conversation
    if conversation.status not in ("resolved", "closed"):
        return conversation
    log.append(tx, conversation.id, [Reopened(by="customer")], now, turn)
    tx.run("conversation_change", id=conversation.id, now=now, **{**UNCHANGED, "status": "open"})
    return msgspec.structs.replace(conversation, status="open")


UNCHANGED = {
    "owner": None,
    "owner_name": None,
    "status": None,
    "language": None,
    "summary": None,
    "bump_epoch": 0,
    "new_episode": 0,
}


def _begin(tx: Transaction, conversation: Conversation, row: Received, turn: int, now: int) -> Received:
    seq, line = row.seq, _line(row)
    if line is not None and not seq:
        (seq,) = log.append(tx, conversation.id, [line], now, turn)
    tx.run("inbox_begin", id=row.id, turn=turn, seq=seq)
    return msgspec.structs.replace(row, seq=seq, attempts=row.attempts + 1)


def _line(row: Received) -> Entry | None:
    """What the customer did, as a line of the log; staff's words are recorded by the relay, once it knows what they mean."""
    inbound = row.inbound
    if row.side == "staff":
        return None
    said = {
        "text": inbound.text,
        "id": inbound.key.partition(":")[2],
        "by": inbound.sender.id,
        "name": inbound.sender.name,
    }
    if inbound.kind == "message":
        return CustomerSaid(attachments=tuple(msgspec.to_builtins(item) for item in inbound.attachments), **said)
    if inbound.kind in ("edit", "delete"):
        return CustomerEdited(of=inbound.target, **said)
    if inbound.kind == "press":
        return CustomerPressed(button=inbound.button, of=inbound.target, **said)
    return None


def _park(tx: Transaction, conversation: Conversation, rows: Sequence[Received], turn: int, now: int) -> None:
    """Give these rows up, visibly: a person gets the case, and what was being called is unknown."""
    for row in rows:
        tx.run("inbox_park", id=row.id)
    what = ", ".join(row.inbound.key for row in rows)
    log.append(tx, conversation.id, [Parked(what=what, why=f"no end after {rows[0].attempts} attempts")], now)
    if rows[0].side == "customer" and rows[0].inbound.memo != "handover":
        remind(
            tx,
            conversation.id,
            Memo("handover", "handover", now, {"reason": _give_up_effects(tx, conversation.id, turn), "parked": True}),
            now,
        )


def _give_up_effects(tx: Transaction, conversation: str, turn: int) -> str:
    """Calls of this turn without an answer are unknown from now on; returns the reason for the handover."""
    lost = effects.reserved(tx, conversation, turn)
    for tool, key in lost:
        effects.settle(tx, Claim(tool, key), "unknown", None)
    return "outcome_unknown" if lost else "interrupted"


def remind(tx: Transaction, conversation: str, memo: Memo, now: int) -> None:
    """Insert or move a memo."""
    key = f"memo:{conversation}:{memo.key}"
    address = Address(tx.tenant, "memo", "", conversation)
    inbound = Inbound(key, address, Sender("gateway"), "memo", memo.due_at, memo=memo.name, data=memo.data)
    tx.run("inbox_memo", key=key, conversation=conversation, due_at=memo.due_at, now=now, body=encode(inbound).decode())


def _received(row: Row) -> Received:
    inbound = msgspec.convert(decode_numbers(row["body"]), Inbound)
    return Received(row["id"], inbound, row["side"], row["seq"], row["attempts"], row["superseded"])


def unrouted(tx: Transaction, limit: int) -> list[tuple[int, Inbound, int]]:
    """(row, Inbound, received at) of what has no conversation yet, oldest first."""
    return [
        (row["id"], msgspec.convert(decode_numbers(row["body"]), Inbound), row["received_at"])
        for row in tx.all("inbox_unrouted", limit=limit)
    ]


def adopt(tx: Transaction, row: int, inbound: Inbound, conversation: str) -> bool:
    """The thread turned out to be this conversation's (its root was posted, the link was not kept): link it and route the row."""
    if tx.one("conversation_by_id", id=conversation) is None:
        drop(tx, row)
        return False
    case = msgspec.structs.replace(inbound.address, thread=f"{CASE_PREFIX}{conversation}")
    conversations.link(tx, case, conversation, "staff")
    tx.run("link_anchor", address=case.key, anchor=inbound.address.thread)
    conversations.link(tx, inbound.address, conversation, "staff")
    reroute(tx, row, conversation)
    return True


def any_due(tx: Transaction, now: int) -> bool:
    """True when a free conversation has something due."""
    return bool(tx.all("inbox_due", now=now, limit=1))


def reroute(tx: Transaction, row: int, conversation: str) -> None:
    """Give an unrouted row to a conversation."""
    tx.run("inbox_route", id=row, conversation=conversation)


def drop(tx: Transaction, row: int) -> None:
    """Nobody's: park an unrouted row for good."""
    tx.run("inbox_park", id=row)
