"""Actions: inserted pending, moved only by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bus.action import Action, may_move
from bus.canonical import decode, encode
from bus.errors import Stale
from bus.message import Move
from bus.store.engine import Row, Transaction


def insert(tx: Transaction, action: Action) -> None:
    """A new action."""
    tx.run(
        "action_insert",
        id=action.id,
        conversation=action.conversation,
        state=action.state,
        asks=action.asks,
        created_at=action.created_at,
        expires_at=action.expires_at,
        body=encode(action).decode(),
    )


def move(tx: Transaction, conversation: str, step: Move, now: int) -> Action:
    """Make the move. Raises Stale when the action is not where the mover thought, ValueError when no such move exists."""
    if not may_move(step.before, step.after):
        raise ValueError(f"an action cannot go from {step.before} to {step.after}")
    found = step.changed or one(tx, step.action)
    if found is None:
        raise Stale(f"no action {step.action}")
    decided = {"decided_by": step.by, "decided_at": now} if step.by else {}
    changed = msgspec.structs.replace(found, state=step.after, **decided)
    values = {"id": step.action, "conversation": conversation, "before": step.before, "after": step.after}
    if not tx.run("action_move", asks=changed.asks, body=encode(changed).decode(), **values):
        raise Stale(f"action {step.action} is no longer {step.before}")
    return changed


def one(tx: Transaction, action: str) -> Action | None:
    """One action, in whatever state."""
    row = tx.one("action_by_id", id=action)
    return _action(row) if row else None


def open_ones(tx: Transaction, conversation: str) -> Sequence[Action]:
    """The conversation's actions that are not at an end, oldest first."""
    return [_action(row) for row in tx.all("actions_open", conversation=conversation)]


def page(tx: Transaction, *, state: str = "", limit: int = 50, after: str = "") -> list[Action]:
    """Actions by id, for operators."""
    return [_action(row) for row in tx.all("actions_page", state=state, after=after, limit=limit)]


def _action(row: Row) -> Action:
    return msgspec.structs.replace(decode(row["body"], Action), state=row["state"])
