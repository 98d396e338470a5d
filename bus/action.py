"""What waits for a person's word, and the only moves it may make."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ActionState = Literal[
    "pending", "approved", "denied", "expired", "withdrawn", "executing", "done", "failed", "unknown", "blocked"
]

MOVES: dict[ActionState, frozenset[ActionState]] = {
    "pending": frozenset({"pending", "approved", "denied", "expired", "withdrawn"}),
    "approved": frozenset({"executing", "failed", "blocked", "expired"}),
    "blocked": frozenset({"executing", "expired", "failed"}),
    "executing": frozenset({"done", "failed", "unknown"}),
    "denied": frozenset(),
    "expired": frozenset(),
    "withdrawn": frozenset(),
    "done": frozenset(),
    "failed": frozenset(),
    "unknown": frozenset({"done", "failed"}),
}


class Action(msgspec.Struct, frozen=True):
    """A tool call or a reply that a person must allow. `asks` says whose word is awaited now.

    `then_staff`: once the customer agreed, staff is asked too. `digest` binds tool, arguments, spec version and conversation; `args` hold
    Decimals. `text` is the reply's text (what = reply). `question` is what the person was asked. Times are UTC ms.
    """

    id: str
    conversation: str
    what: Literal["tool", "reply"]
    asks: Literal["customer", "staff"]
    state: ActionState
    tool: str
    args: dict[str, Any]
    digest: str
    spec: str
    idempotency_key: str
    created_at: int
    expires_at: int
    question: str = ""
    text: str = ""
    reason: str = ""
    then_staff: bool = False
    turn: int = 0
    episode: int = 0
    decided_by: str = ""
    decided_at: int = 0
    result: Any = None
    v: int = 1


def may_move(before: ActionState, after: ActionState) -> bool:
    """True when the state machine allows this step."""
    return after in MOVES[before]
