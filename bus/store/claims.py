"""From rows to Work: take a conversation's lease, choose what is next, open the turn."""

from __future__ import annotations

import msgspec

from bus.consumer import consumer, interrupts
from bus.entries import CustomerEdited, CustomerPressed, CustomerSaid, Entry, Reopened
from bus.message import Conversation, Received, Work
from bus.store import conversations, effects, inbox, log
from bus.store.engine import Row, Transaction
from bus.store.parking import park

ATTEMPTS = 5
SUSPECTED = 3
"""A turn that so many attempts did not end runs without another suspect beside it: the process may die of one, not of all."""
WINDOW = 50


class Lease(msgspec.Struct, frozen=True):
    """Who asks for work, and until when (UTC ms) they hold it."""

    owner: str
    until: int


class Waiting(msgspec.Struct, frozen=True):
    """A row that waits. `turn` is the unfinished turn that had it, 0 for none; `due` False while that turn's failure is fresh."""

    received: Received
    turn: int
    due: bool

    @property
    def customer_words(self) -> bool:
        """True for what a burst is made of."""
        return self.received.side == "customer" and self.received.inbound.kind == "message"


def claim(tx: Transaction, conversation: str, lease: Lease | None, now: int, *, suspects: bool = False) -> Work | None:
    """Take a free conversation's lease and open its next turn; None when it is taken or has nothing to do.

    A suspect is only opened where `suspects` are asked for.
    """
    if lease is None:
        return None
    taken = tx.one("conversation_take_lease", id=conversation, owner=lease.owner, until=lease.until, now=now)
    if taken is None:
        return None
    return next_work(tx, conversation, lease, int(taken["lease_token"]), now, suspects=suspects)


def any_due(tx: Transaction, now: int, *, suspects: bool) -> bool:
    """True when a free conversation has something due."""
    asked = ("inbox_due", "inbox_suspects") if suspects else ("inbox_due",)
    return any(tx.one(name, now=now, suspected=SUSPECTED, limit=1) for name in asked)


def due(tx: Transaction, lease: Lease, now: int, limit: int, *, suspects: bool) -> list[Work]:
    """Claim what is due and free, oldest first, and one suspect at most: the sweeper's guarantee behind every lost hint."""
    rows = [(row["id"], False) for row in tx.all("inbox_due", now=now, suspected=SUSPECTED, limit=limit)]
    if suspects:
        rows += [(row["id"], True) for row in tx.all("inbox_suspects", now=now, suspected=SUSPECTED, limit=1)]
    works = (claim(tx, conversation, lease, now, suspects=suspect) for conversation, suspect in rows)
    return [work for work in works if work]


def next_work(
    tx: Transaction, conversation: str, lease: Lease, token: int, now: int, *, suspects: bool = False
) -> Work | None:
    """Open the next turn under a lease that is held, or let go of the lease."""
    while waiting := _waiting(tx, conversation, now):
        found = conversations.load(tx, conversation)
        batch = _batch(tx, conversation, waiting)
        if found is None or not batch:
            break
        rows, turn = [row.received for row in batch], batch[0].turn
        if rows[0].attempts >= ATTEMPTS:
            park(tx, found, rows, turn, f"no end after {rows[0].attempts} attempts", now)
            continue
        if rows[0].attempts >= SUSPECTED and not suspects:
            break
        return _open(tx, found, rows, turn, _word_of(waiting, batch), token, now)
    release(tx, conversation, lease, token)
    return None


def release(tx: Transaction, conversation: str, lease: Lease, token: int) -> bool:
    """Let go of the lease; False when it was lost."""
    return tx.run("conversation_release_lease", id=conversation, owner=lease.owner, token=token) > 0


def _waiting(tx: Transaction, conversation: str, now: int) -> list[Waiting]:
    rows = tx.all("inbox_ready", conversation=conversation, now=now, limit=WINDOW)
    return [_wait(row) for row in rows]


def _wait(row: Row) -> Waiting:
    return Waiting(inbox.received(row), row["turn"], bool(row["due"]))


def _batch(tx: Transaction, conversation: str, waiting: list[Waiting]) -> list[Waiting]:
    """One turn's rows, [] while they must wait: a turn that may have called something first, then staff, then customers in order."""
    first = waiting[0]
    for turn in sorted({row.turn for row in waiting if row.turn}):
        if turn == first.turn or effects.reserved(tx, conversation, turn):
            rows = [row for row in waiting if row.turn == turn]
            return rows if rows[0].due else []
    return _burst(waiting) if first.customer_words else [first]


def _burst(waiting: list[Waiting]) -> list[Waiting]:
    burst = []
    for row in waiting:
        if not row.customer_words:
            break
        burst.append(row)
    return burst


def _word_of(waiting: list[Waiting], batch: list[Waiting]) -> str:
    """A staff word that must wait for this turn (it may have called something) still ends it without words."""
    rest = (row.received for row in waiting if row not in batch)
    staff = any(row.side == "staff" and interrupts("staff", row.inbound.kind) for row in rest)
    return "staff" if staff else ""


def _open(
    tx: Transaction,
    conversation: Conversation,
    rows: list[Received],
    unfinished: int,
    interrupt: str,
    token: int,
    now: int,
) -> Work:
    """The agent goes on with its unfinished turn, whose steps are recorded; the relay records none and sees the agent's as another's."""
    first = rows[0]
    name = consumer(conversation.owner, first.side, first.inbound.kind, first.inbound.memo)
    goes_on = unfinished > 0 and name == "agent"
    newest = _begin_turn(tx, conversation.id, new=not goes_on, interrupt=interrupt)
    turn = unfinished if goes_on else newest
    conversation = _as_begun(tx, conversation, turn) if goes_on else _reopen(tx, conversation, first, turn, now)
    begun = tuple(_begin(tx, conversation, row, turn, now) for row in rows)
    return Work(conversation, name, begun, turn, token)


def _begin_turn(tx: Transaction, conversation: str, *, new: bool, interrupt: str) -> int:
    """The number of the conversation's newest turn."""
    row = tx.one("conversation_next_turn", id=conversation, new=int(new), interrupt=interrupt)
    if row is None:
        raise KeyError(conversation)
    return int(row["turns"])


def _as_begun(tx: Transaction, conversation: Conversation, turn: int) -> Conversation:
    """An unfinished turn goes on in the episode in which it began, even when a person has closed the matter meanwhile."""
    steps = log.steps(tx, conversation.id, turn)
    return msgspec.structs.replace(conversation, episode=steps[0].episode) if steps else conversation


def _reopen(tx: Transaction, conversation: Conversation, first: Received, turn: int, now: int) -> Conversation:
    closed = conversation.status in ("resolved", "closed")
    speaks = first.side == "customer" and first.inbound.kind in ("message", "press") and not first.seq
    if not (closed and speaks):
        return conversation
    log.append(tx, conversation.id, [Reopened(by="customer")], now, turn)
    tx.run("conversation_reopen", id=conversation.id)
    return msgspec.structs.replace(conversation, status="open")


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
        files = tuple(msgspec.to_builtins(item) for item in inbound.attachments)
        return CustomerSaid(attachments=files, verified=inbound.sender.verified, **said)
    if inbound.kind in ("edit", "delete"):
        return CustomerEdited(of=inbound.target, **said)
    if inbound.kind == "press":
        return CustomerPressed(button=inbound.button, of=inbound.target, **said)
    return None
