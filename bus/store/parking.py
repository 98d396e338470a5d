"""Rows that are given up, visibly: a person gets the case, and what was being called has no known outcome."""

from __future__ import annotations

from collections.abc import Sequence

from bus.action import ActionState
from bus.effect import Claim
from bus.entries import Parked, ToolAnswered
from bus.message import Conversation, Memo, Move, Received
from bus.store import actions, effects, inbox, log
from bus.store.engine import Transaction

HANDOVER = "handover"
AFTER: dict[str, ActionState] = {"ok": "done", "error": "failed", "refused": "failed", "unknown": "unknown"}


def park(tx: Transaction, conversation: Conversation, rows: Sequence[Received], turn: int, why: str, now: int) -> None:
    """Give these rows of turn `turn` up."""
    for row in rows:
        tx.run("inbox_park", id=row.id)
    what = ", ".join(row.inbound.key for row in rows)
    log.append(tx, conversation.id, [Parked(what=what, why=why)], now)
    lost = _settle_effects(tx, conversation.id, turn)
    _end_actions(tx, conversation.id, turn, now)
    if rows[0].inbound.memo != HANDOVER:
        data = {"reason": "outcome_unknown" if lost else "interrupted", "detail": why, "parked": True}
        inbox.remind(tx, conversation.id, Memo(HANDOVER, HANDOVER, now, data), now)


def _settle_effects(tx: Transaction, conversation: str, turn: int) -> bool:
    """Calls of this turn without an answer are unknown from now on; True when there were any."""
    lost = effects.reserved(tx, conversation, turn) if turn else []
    for tool, key in lost:
        effects.settle(tx, Claim(tool, key), conversation, turn, "unknown", None)
    return bool(lost)


def _end_actions(tx: Transaction, conversation: str, turn: int, now: int) -> None:
    """An action that this turn was executing ends as its recorded answer says, without one as unknown."""
    executing = [action for action in actions.open_ones(tx, conversation) if action.state == "executing"]
    if not executing:
        return
    answers = (line.entry for line in log.steps(tx, conversation, turn))
    ends = {entry.action: AFTER[entry.status] for entry in answers if isinstance(entry, ToolAnswered)}
    for action in executing:
        actions.move(tx, conversation, Move(action.id, "executing", ends.get(action.id, "unknown")), now)
