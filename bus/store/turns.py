"""A turn's writes: its steps while it runs, and everything it decided in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from bus.effect import Claim, Reservation
from bus.entries import InterruptedBy, Step, SupersededBy, ToolAnswered, ToolAsked
from bus.errors import Interrupted, Stale, Superseded
from bus.failpoint import failpoint
from bus.message import Conversation, Move, Outbound, Turn, Work
from bus.store import actions, effects, inbox, log, outbox
from bus.store.engine import Transaction
from bus.store.inbox import Lease


class Committed(msgspec.Struct, frozen=True):
    """What a commit leaves to do: posts that are ours to send, and the conversation's next turn under the same lease."""

    posts: tuple[outbox.Post, ...]
    work: Work | None
    seq: int


def hold(tx: Transaction, work: Work, lease: Lease) -> str:
    """Keep the lease; returns the interrupt that waits ("", customer or staff). Raises Stale when the lease is lost."""
    row = tx.one(
        "conversation_hold_lease", id=work.conversation.id, owner=lease.owner, token=work.token, until=lease.until
    )
    if row is None:
        raise Stale
    return str(row["interrupt"])


def step(tx: Transaction, work: Work, lease: Lease, entry: Step, now: int) -> str:
    """Append a journal step under the lease; returns the interrupt that waits."""
    interrupt = hold(tx, work, lease)
    log.append(tx, work.conversation.id, [entry], now, work.turn, work.conversation.episode)
    return interrupt


def intend(
    tx: Transaction,
    work: Work,
    lease: Lease,
    claim: Claim,
    record: Callable[[Reservation], ToolAsked],
    move: Move | None,
    now: int,
) -> tuple[ToolAsked, Reservation]:
    """Reserve and record a writing call in one transaction."""
    hold(tx, work, lease)
    answer = effects.reserve(tx, claim, work.conversation.id, work.turn, now)
    entry = record(answer)
    if answer.verdict == "go" and move is not None:
        actions.move(tx, work.conversation.id, move, now)
    log.append(tx, work.conversation.id, [entry], now, work.turn, work.conversation.episode)
    return entry, answer


def outcome(tx: Transaction, work: Work, lease: Lease, claim: Claim, entry: ToolAnswered, now: int) -> str:
    """Append the answer to a writing call and settle its place in the ledger."""
    interrupt = step(tx, work, lease, entry, now)
    effects.settle(tx, claim, entry.status, entry.result)
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
    ending: bool = False,
) -> Committed:
    """Everything a consumer decided, or nothing.

    `pull` names channels without outbox rows; `more` claims what is next; `steps` is how many journal steps must stand; `ending` lets a
    turn end without words. Raises Stale, Interrupted (a person's word is in the inbox), Superseded (`may_yield` and a newer message is).
    """
    _check(tx, work, hold(tx, work, lease), steps, may_yield, ending)
    conversation = work.conversation
    for move in turn.moves:
        actions.move(tx, conversation.id, move, now)
    for action in turn.actions:
        actions.insert(tx, action)
    seqs = log.append(tx, conversation.id, turn.entries, now, work.turn, conversation.episode)
    for row in work.rows:
        tx.run("inbox_done", id=row.id)
    for memo in turn.memos:
        inbox.remind(tx, conversation.id, memo, now)
    for key in turn.cancel:
        tx.run("inbox_cancel", key=f"memo:{conversation.id}:{key}")
    tx.run("conversation_change", id=conversation.id, now=now, **_changes(turn))
    posts = _send(tx, conversation, turn.outbounds, seqs, now, new_id, pull)
    failpoint("K17")
    following = None
    if more:
        following = inbox.next_work(tx, conversation.id, lease, work.token, now)
    else:
        _release(tx, work, lease)
    return Committed(tuple(posts), following, seqs[-1] if seqs else 0)


def _check(tx: Transaction, work: Work, interrupt: str, steps: int, may_yield: bool, ending: bool) -> None:
    row = tx.one("log_step_count", conversation=work.conversation.id, turn=work.turn)
    if row is not None and row["steps"] < steps:
        raise Stale("a step of this turn was not recorded")
    if work.consumer != "agent" or ending:
        return
    if interrupt == "staff":
        raise Interrupted
    if interrupt == "customer" and may_yield:
        raise Superseded


def _changes(turn: Turn) -> dict[str, Any]:
    return {
        "owner": turn.owner,
        "owner_name": turn.owner_name,
        "status": turn.status,
        "language": turn.language,
        "summary": turn.summary,
        "bump_epoch": int(turn.bump_epoch),
        "new_episode": int(turn.new_episode),
    }


def _send(
    tx: Transaction,
    conversation: Conversation,
    outbounds: Sequence[Outbound],
    seqs: list[int],
    now: int,
    new_id: Callable[[str], str],
    pull: Collection[str],
) -> list[outbox.Post]:
    lines: dict[str, None] = {}
    for outbound in outbounds:
        if outbound.to.channel in pull:
            continue
        cause = seqs[outbound.cause] if outbound.cause < 0 else outbound.cause
        if outbox.insert(tx, conversation.id, msgspec.structs.replace(outbound, cause=cause), now):
            lines[outbound.to.key] = None
    posts = (outbox.claim(tx, address, new_id("att"), now) for address in lines)
    return [post for post in posts if post]


def _release(tx: Transaction, work: Work, lease: Lease) -> None:
    tx.run("conversation_release_lease", id=work.conversation.id, owner=lease.owner, token=work.token)


def give_back(tx: Transaction, work: Work, lease: Lease, due_at: int) -> None:
    """The turn did not end: its rows stay, due again at `due_at`, and the lease is free. Does nothing when it is lost."""
    for row in work.rows:
        tx.run("inbox_later", id=row.id, due_at=due_at)
    _release(tx, work, lease)


def supersede(tx: Transaction, work: Work, lease: Lease, now: int) -> Work | None:
    """A newer message came before anything was done: the next turn reads them all."""
    hold(tx, work, lease)
    line = SupersededBy(what=f"turn {work.turn}", why="a newer message came before anything was done")
    log.append(tx, work.conversation.id, [line], now, work.turn)
    for row in work.rows:
        tx.run("inbox_again", id=row.id)
    return inbox.next_work(tx, work.conversation.id, lease, work.token, now)


def interrupted(work: Work) -> Turn:
    """How a turn ends when a person spoke: without words."""
    return Turn(entries=(InterruptedBy(what=f"turn {work.turn}", why="a person spoke"),))


def deliver(tx: Transaction, conversation: str, upto: int, now: int) -> bool:
    """A pull channel's stream has passed `upto`: note what of ours was delivered; True when staff's words were among it."""
    row = tx.one("conversation_by_id", id=conversation)
    if row is None or row["delivered"] >= upto:
        return False
    lines = [
        line for line in log.after(tx, conversation, row["delivered"], 1000) if line.seq <= upto and line.kind in _OURS
    ]
    tx.run("conversation_set_delivered", id=conversation, delivered=upto)
    return outbox.note_delivered(tx, conversation, lines, now)


_OURS = frozenset({"agent_said", "staff_said", "system_said"})
