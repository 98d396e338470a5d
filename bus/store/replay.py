"""What is needed to run a turn again: the rows it took, the lines it wrote, the actions there were."""

from __future__ import annotations

import msgspec

from bus.action import Action
from bus.canonical import decode
from bus.entries import Recorded, from_body
from bus.message import Received
from bus.store import inbox
from bus.store.engine import Transaction


def rows(tx: Transaction, conversation: str, turn: int) -> list[Received]:
    """What the turn took, in its order."""
    return [inbox.received(row) for row in tx.all("replay_rows", conversation=conversation, turn=turn)]


def lines(tx: Transaction, conversation: str, turn: int) -> list[Recorded]:
    """What the turn wrote, and its customer's lines."""
    found = tx.all("replay_turn", conversation=conversation, turn=turn)
    return [
        Recorded(row["seq"], row["at"], row["episode"], row["turn"], from_body(row["kind"], row["v"], row["body"]))
        for row in found
        if row["body"] is not None
    ]


def last_turn(tx: Transaction, conversation: str) -> int:
    """The newest turn in which the agent decided, 0 when there is none."""
    row = tx.one("replay_last_turn", conversation=conversation)
    return int(row["turn"] or 0) if row else 0


def actions(tx: Transaction, conversation: str) -> list[Action]:
    """Every action of the conversation, as it is now."""
    found = tx.all("replay_actions", conversation=conversation)
    return [msgspec.structs.replace(decode(row["body"], Action), state=row["state"]) for row in found]
