"""A turn's writes: its steps while it runs, and everything it decided in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from bus.effect import Claim, Reservation, Verdict
from bus.entries import Entry, InterruptedBy, Step, SupersededBy, ToolAnswered, ToolAsked
from bus.errors import Interrupted, Stale, Superseded
from bus.failpoint import failpoint
from bus.message import Conversation, Move, Outbound, Turn, Work
from bus.store import actions, claims, effects, inbox, log, outbox
from bus.store.claims import Lease
from bus.store.engine import Transaction
from bus.store.parking import park


class Committed(msgspec.Struct, frozen=True):
    """What a commit leaves to do: posts that are ours to send, and the conversation's next turn under the same lease."""

    posts: tuple[outbox.Post, ...]
    work: Work | None
    seq: int


def keep(tx: Transaction, work: Work, lease: Lease) -> None:
    """Keep the lease while the turn runs; one that has ended meanwhile has none to keep."""
    values = {"id": work.conversation.id, "owner": lease.owner, "token": work.token, "until": lease.until}
    tx.one("conversation_hold_lease", **values)


def hold(tx: Transaction, work: Work, lease: Lease) -> str:
    """Keep the lease; returns the interrupt that waits ("", customer or staff). Raises Stale when the lease is lost."""
    row = tx.one(
        "conversation_hold_lease", id=work.conversation.id, owner=lease.owner, token=work.token, until=lease.until
    )
    if row is None:
        raise Stale
    return str(row["interrupt"])


def heed(work: Work, interrupt: str, may_yield: bool) -> None:
    """Raises Interrupted for a person's word; Superseded for a newer message of the customer, where the turn may start over."""
    if work.consumer != "agent":
        return
    if interrupt == "staff":
        raise Interrupted
    if interrupt == "customer" and may_yield:
        raise Superseded


def step(tx: Transaction, work: Work, lease: Lease, entry: Step, now: int) -> str:
    """Append a journal step under the lease; returns the interrupt that waits."""
    interrupt = hold(tx, work, lease)
    _append(tx, work, [entry], now)
    return interrupt


def progress(tx: Transaction, work: Work, lease: Lease) -> None:
    """The turn got further than in its attempts before: whatever ended those, it was not this turn, so they count no more."""
    if tx.one(
        "conversation_hold_lease", id=work.conversation.id, owner=lease.owner, token=work.token, until=lease.until
    ):
        tx.run("inbox_progress", conversation=work.conversation.id, turn=work.turn)


def intend(
    tx: Transaction,
    work: Work,
    lease: Lease,
    claim: Claim,
    record: Callable[[Reservation], ToolAsked],
    move: Move | None,
    now: int,
    *,
    may_yield: bool,
) -> tuple[ToolAsked, Reservation]:
    """Reserve and record a writing call in one transaction; whoever has the word by now comes first."""
    heed(work, hold(tx, work, lease), may_yield)
    answer = effects.reserve(tx, claim, work.conversation.id, work.turn, now)
    entry = record(answer)
    if answer.verdict == "go" and move is not None:
        actions.move(tx, work.conversation.id, move, now)
    _append(tx, work, [entry], now)
    return entry, answer


def standing(tx: Transaction, work: Work, lease: Lease, claim: Claim, verdict: Verdict) -> Reservation:
    """The ledger's answer to an intent that an earlier attempt of this turn recorded."""
    hold(tx, work, lease)
    return effects.standing(tx, claim, verdict, work.conversation.id, work.turn)


def outcome(tx: Transaction, work: Work, lease: Lease, claim: Claim, entry: ToolAnswered, now: int) -> str:
    """Append the answer to a writing call and settle its place in the ledger."""
    interrupt = step(tx, work, lease, entry, now)
    effects.settle(tx, claim, work.conversation.id, work.turn, entry.status, entry.result)
    return interrupt


def commit(
    tx: Transaction,
    work: Work,
    turn: Turn,
    lease: Lease,
    now: int,
    new_id: Callable[[str], str],
    pull: Collection[str],
    *,
    more: bool = True,
    steps: int = 0,
    may_yield: bool = False,
) -> Committed:
    """Everything a consumer decided, or nothing.

    `pull` names channels without outbox rows; `more` claims what is next; `steps` is how many journal steps must stand.
    Raises Stale, Interrupted (a person's word is in the inbox), Superseded (`may_yield` and a newer message is).
    """
    heed(work, hold(tx, work, lease), may_yield)
    _check_steps(tx, work, steps)
    conversation = work.conversation
    for move in turn.moves:
        actions.move(tx, conversation.id, move, now)
    for action in turn.actions:
        actions.insert(tx, action)
    seqs = _append(tx, work, turn.entries, now)
    for row in work.rows:
        tx.run("inbox_done", id=row.id)
    for memo in turn.memos:
        inbox.remind(tx, conversation.id, memo, now)
    for key in turn.cancel:
        inbox.cancel(tx, conversation.id, key)
    if changes := _changes(turn):
        tx.run("conversation_change", id=conversation.id, now=now, **changes)
    posts = _send(tx, conversation, turn.outbounds, seqs, now, new_id, pull)
    failpoint("K17")
    return Committed(tuple(posts), _go_on(tx, work, lease, now, more), seqs[-1] if seqs else 0)


def _append(tx: Transaction, work: Work, entries: Sequence[Entry], now: int) -> list[int]:
    return log.append(tx, work.conversation.id, entries, now, work.turn, work.conversation.episode)


def _check_steps(tx: Transaction, work: Work, steps: int) -> None:
    row = tx.one("log_step_count", conversation=work.conversation.id, turn=work.turn) if steps else None
    if row is not None and row["steps"] < steps:
        raise Stale("a step of this turn was not recorded")


def _changes(turn: Turn) -> dict[str, Any]:
    """The conversation's fields after this turn, None for what stays; {} when all of it does."""
    changes = {
        "owner": turn.owner,
        "owner_name": turn.owner_name,
        "status": turn.status,
        "language": turn.language,
        "summary": turn.summary,
        "bump_epoch": int(turn.bump_epoch),
        "new_episode": int(turn.new_episode),
    }
    return changes if any(value not in (None, 0) for value in changes.values()) else {}


def _send(
    tx: Transaction,
    conversation: Conversation,
    outbounds: Sequence[Outbound],
    seqs: list[int],
    now: int,
    new_id: Callable[[str], str],
    pull: Collection[str],
) -> list[outbox.Post]:
    addresses: dict[str, None] = {}
    for outbound in outbounds:
        if outbound.to.channel in pull:
            continue
        cause = seqs[outbound.cause] if outbound.cause < 0 else outbound.cause
        if outbox.insert(tx, conversation.id, msgspec.structs.replace(outbound, cause=cause), now):
            addresses[outbound.to.key] = None
    return outbox.claim_all(tx, addresses, new_id, now)


def _go_on(tx: Transaction, work: Work, lease: Lease, now: int, more: bool) -> Work | None:
    if more:
        return claims.next_work(tx, work.conversation.id, lease, work.token, now)
    claims.release(tx, work.conversation.id, lease, work.token)
    return None


def give_back(tx: Transaction, work: Work, lease: Lease, due_at: int) -> None:
    """The turn did not end: its rows stay, due again at `due_at`, and the lease is free. Does nothing when it is lost."""
    if not claims.release(tx, work.conversation.id, lease, work.token):
        return
    for row in work.rows:
        tx.run("inbox_later", id=row.id, due_at=due_at)


def supersede(tx: Transaction, work: Work, lease: Lease, now: int, *, more: bool = True) -> Work | None:
    """A newer message came before anything was done: the next turn reads them all."""
    hold(tx, work, lease)
    _append(
        tx, work, [SupersededBy(what=f"turn {work.turn}", why="a newer message came before anything was done")], now
    )
    for row in work.rows:
        tx.run("inbox_again", id=row.id, superseded=1)
    return _go_on(tx, work, lease, now, more)


def interrupt(tx: Transaction, work: Work, lease: Lease, now: int, *, wrote: bool, more: bool = True) -> Work | None:
    """A person spoke: the turn ends without words, and its rows wait behind staff's for whoever has the conversation then.

    A turn that called something (`wrote`) keeps its number, so that it finds its steps and ends what it began.
    """
    hold(tx, work, lease)
    _append(tx, work, [InterruptedBy(what=f"turn {work.turn}", why="a person spoke")], now)
    for row in () if wrote else work.rows:
        tx.run("inbox_again", id=row.id, superseded=0)
    return _go_on(tx, work, lease, now, more)


def diverge(tx: Transaction, work: Work, lease: Lease, now: int, *, wrote: bool, more: bool = True) -> Work | None:
    """The recorded steps are not this turn's (other code, other input): start over, or hand over when something was called."""
    hold(tx, work, lease)
    if wrote:
        park(tx, work.conversation, work.rows, work.turn, "its recorded steps do not fit any more", now)
    for row in () if wrote else work.rows:
        tx.run("inbox_afresh", id=row.id)
    return _go_on(tx, work, lease, now, more)


def deliver(tx: Transaction, conversation: str, upto: int, now: int) -> bool:
    """A pull channel's stream has passed `upto`: note what of ours was delivered; True when staff's words were among it."""
    row = tx.one("conversation_by_id", id=conversation)
    upto = min(upto, row["seq"]) if row else 0
    if row is None or row["delivered"] >= upto:
        return False
    lines = log.ours_between(tx, conversation, row["delivered"], upto)
    tx.run("conversation_set_delivered", id=conversation, delivered=upto)
    return outbox.note_delivered(tx, conversation, lines, now)
