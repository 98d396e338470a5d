"""Who takes what: the two consumers, the rule that picks one, and what the bus lends them while they work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from bus.action import Action
from bus.channel import Person
from bus.effect import Claim, Reservation
from bus.entries import Recorded, Step, ToolAnswered, ToolAsked
from bus.message import InboundKind, Move, Owner, Side, Turn, Work

ConsumerName = Literal["agent", "relay"]
AGENT_MEMOS = frozenset({"answer", "execute", "quiet", "signed_in", "confirm_expired"})


def consumer(owner: Owner, side: Side, kind: InboundKind, memo: str = "") -> ConsumerName:
    """Who takes an Inbound: staff anything → relay; memos by name; delivery reports → relay; customer anything → by owner."""
    if side == "staff" or kind == "delivery":
        return "relay"
    if kind == "memo":
        return "agent" if memo in AGENT_MEMOS else "relay"
    return "agent" if owner == "agent" else "relay"


def interrupts(side: Side, kind: InboundKind) -> bool:
    """True for what the agent's running turn must hear of: staff's words and presses end it, the customer's words may start it over."""
    return kind == "message" or (side == "staff" and kind == "press")


class Journal(Protocol):
    """The turn's view of its conversation: reads the log, appends steps under the lease.

    Steps are numbered by the order in which they are asked for, so a turn that runs again asks in the same order and finds them. Methods
    that append raise Interrupted (a person's word) or Superseded (a newer customer message, only while no writing call was recorded), and
    Stale when the lease is lost. Consumers let all three pass.
    """

    @property
    def turn(self) -> int:
        """The turn's number in its conversation."""

    def now(self) -> int:
        """UTC milliseconds; the same clock the bus uses."""

    def new_id(self, prefix: str) -> str:
        """A fresh prefixed id, e.g. `act_01J…`."""

    async def window(self, limit: int = 200) -> Sequence[Recorded]:
        """The newest lines of the conversation, oldest first, without this turn's own steps but with its customer lines."""

    async def actions(self) -> Sequence[Action]:
        """The conversation's actions that are not at an end, oldest first."""

    async def action(self, action_id: str) -> Action | None:
        """One action of this conversation, in whatever state."""

    async def waits(self, memo: str) -> bool:
        """True while the memo with this key is to be worked on, be it by this turn; not once it is done, taken back or parked."""

    async def step(self, request: object, produce: Callable[[], Awaitable[Step]]) -> Step:
        """The recorded step for this request, else what `produce` returns, recorded (queued, in order) with its number and digest.

        `request` is anything canonical JSON can write. An interrupt cancels `produce`. Raises Diverged when the recorded step of this
        number answers another request; a consumer lets that pass too: the bus starts the turn over, or parks it when something was called.
        """

    async def intend(
        self, request: object, claim: Claim, record: Callable[[Reservation], ToolAsked], move: Move | None = None
    ) -> tuple[ToolAsked, Reservation]:
        """Reserve a writing call and record its intent in one transaction; returns when that is durable.

        `record` is pure and builds the line from the ledger's answer. `move` (the action's approved → executing) joins the transaction when
        the verdict is go. After a crash the recorded line comes back with the answer of then, without `record` being called: what may have
        been called already comes back as go only while nobody settled it.
        """

    async def outcome(
        self, request: object, produce: Callable[[], Awaitable[ToolAnswered]], claim: Claim
    ) -> ToolAnswered:
        """The answer to the intent just recorded. Like `step`, but an interrupt waits for it, and it settles the ledger's row:
        ok keeps it with the result, error and refused free it, unknown keeps it as unknown."""

    def preview(self, offset: int, text: str) -> None:
        """Show words as they come (best effort, never stored); `offset` in characters."""

    def discard(self) -> None:
        """Take the preview back."""


class Consumer(Protocol):
    """Decides. It never sends and never opens a transaction."""

    async def take(self, work: Work, journal: Journal) -> Turn:
        """The decision for these rows. An error leads to a retry; after five attempts the rows are parked and handed to a person."""


class People(Protocol):
    """Names and roles of staff at a desk channel."""

    async def __call__(self, channel: str, sender: str) -> Person:
        """Never fails: an unknown sender has no roles."""
