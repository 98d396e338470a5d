"""A recorded turn as its agent found it, and a journal that plays it: nothing is written, called or sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from bus.action import Action, ActionState
from bus.canonical import digest
from bus.effect import Claim, Reservation
from bus.entries import (
    ApprovalAsked,
    ApprovalDecided,
    ConfirmationAsked,
    ConfirmationGiven,
    Recorded,
    Spoken,
    Step,
    ToolAnswered,
    ToolAsked,
    Understood,
)
from bus.message import Conversation, Move, Received, Work
from bus.store import Tenant, conversations, log
from bus.store import replay as store

WINDOW = 400
STATES: Mapping[str, ActionState] = {
    "approved": "approved",
    "denied": "denied",
    "expired": "expired",
    "withdrawn": "withdrawn",
}
OPEN = frozenset({"pending", "approved", "executing", "blocked", "unknown"})


class NotOnTape(Exception):
    """The turn would call a tool that the recorded one did not call; a replay never calls."""

    def __init__(self, tool: str, args: Mapping[str, Any]) -> None:
        super().__init__(f"would call {tool}({', '.join(f'{name}={value}' for name, value in sorted(args.items()))})")


class Tape(msgspec.Struct, frozen=True):
    """One turn: the work it took, the lines before it, the lines it wrote (`own`), the actions as they stood."""

    work: Work
    before: tuple[Recorded, ...]
    own: tuple[Recorded, ...]
    actions: tuple[Action, ...]

    @property
    def at(self) -> int:
        """When it began, UTC ms."""
        return self.own[0].at

    @property
    def answers(self) -> dict[str, ToolAnswered]:
        """What tools answered in it, by tool and arguments."""
        given = [line.entry for line in self.own if isinstance(line.entry, ToolAnswered)]
        return {called(entry.tool, entry.args): entry for entry in given}


async def load(tenant: Tenant, conversation: str, turn: int) -> Tape:
    """The tape of a turn. Raises LookupError when there is no such turn of the agent's."""
    found = await tenant.read(conversations.load, conversation)
    rows = await tenant.read(store.rows, conversation, turn)
    own = [line for line in await tenant.read(store.lines, conversation, turn) if not _is_customers(line, rows)]
    if found is None or not rows or not own:
        raise LookupError(f"{conversation} has no turn {turn} of the agent's")
    before = await tenant.read(log.window, conversation, WINDOW, own[0].seq - 1)
    actions = await tenant.read(store.actions, conversation)
    work = Work(_as_it_was(found, before, own[0].episode), "agent", tuple(rows), turn, 0)
    return Tape(work, tuple(before), tuple(own), tuple(_stood(action, before) for action in _asked(actions, before)))


def called(tool: str, args: Mapping[str, Any]) -> str:
    """A call's name for comparing."""
    return digest([tool, dict(args)])


def _is_customers(line: Recorded, rows: Sequence[Received]) -> bool:
    return line.seq in {row.seq for row in rows}


def _as_it_was(conversation: Conversation, before: Sequence[Recorded], episode: int) -> Conversation:
    """The conversation as far as the log says what it was; the agent had it."""
    languages = [line.entry.language for line in before if isinstance(line.entry, Understood)]
    return msgspec.structs.replace(
        conversation, owner="agent", owner_name="", status="open", episode=episode, language=(languages or [""])[-1]
    )


def _asked(actions: Sequence[Action], before: Sequence[Recorded]) -> list[Action]:
    """Actions that somebody had been asked about by then."""
    asked = {line.entry.action for line in before if isinstance(line.entry, ConfirmationAsked | ApprovalAsked)}
    return [action for action in actions if action.id in asked]


def _stood(action: Action, before: Sequence[Recorded]) -> Action:
    """The action as the lines before the turn leave it."""
    state: ActionState = "pending"
    asks = action.asks
    for line in before:
        entry = line.entry
        if isinstance(entry, ConfirmationAsked | ApprovalAsked) and entry.action == action.id:
            state, asks = "pending", "customer" if isinstance(entry, ConfirmationAsked) else "staff"
        elif isinstance(entry, ConfirmationGiven | ApprovalDecided) and entry.action == action.id:
            state = STATES.get(entry.verdict, state)
        elif isinstance(entry, ToolAnswered) and entry.action == action.id:
            state = "done" if entry.status == "ok" else "failed"
    return msgspec.structs.replace(action, state=state, asks=asks)


class TapeJournal:
    """Implements bus.consumer.Journal. A step that asks what the recorded one asked gets its answer; any other is worked out anew."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._recorded = {line.entry.step: line.entry for line in tape.own if isinstance(line.entry, Step)}
        self._number = 0
        self.steps: list[Step] = []

    @property
    def turn(self) -> int:
        """See Journal."""
        return self._tape.work.turn

    def now(self) -> int:
        """The moment of the recorded turn."""
        return self._tape.at

    def new_id(self, prefix: str) -> str:
        """Made-up ids: nothing is kept under them."""
        return f"{prefix}_replay_{self._number}"

    async def window(self, limit: int = 200) -> Sequence[Recorded]:
        """See Journal."""
        return self._tape.before[-limit:]

    async def actions(self) -> Sequence[Action]:
        """See Journal."""
        return [action for action in self._tape.actions if action.state in OPEN]

    async def action(self, action_id: str) -> Action | None:
        """See Journal."""
        return next((action for action in self._tape.actions if action.id == action_id), None)

    async def waits(self, memo: str) -> bool:  # noqa: ARG002 - what was due then is not on the tape
        """Nothing is due."""
        return False

    async def step(self, request: object, produce: Callable[[], Awaitable[Step]]) -> Step:
        """See Journal."""
        key, known = self._next(request)
        if known is None:
            known = msgspec.structs.replace(await produce(), step=self._number, digest=key)
        self.steps.append(known)
        return known

    def _next(self, request: object) -> tuple[str, Step | None]:
        self._number += 1
        key, known = digest(request), self._recorded.get(self._number)
        return key, known if known is not None and known.digest == key else None

    async def intend(
        self,
        request: object,
        claim: Claim,
        record: Callable[[Reservation], ToolAsked],
        move: Move | None = None,  # noqa: ARG002 - nothing moves
    ) -> tuple[ToolAsked, Reservation]:
        """The recorded intent with the ledger's recorded word. Raises NotOnTape for a call that was not made then."""
        key, known = self._next(request)
        place = Reservation("go")
        if isinstance(known, ToolAsked):
            place = self._place(known)
        else:
            known = msgspec.structs.replace(record(place), step=self._number, digest=key)
            if called(known.tool, known.args) not in self._tape.answers:
                raise NotOnTape(claim.tool, known.args)
        self.steps.append(known)
        return known, place

    def _place(self, asked: ToolAsked) -> Reservation:
        verdict: Any = asked.ledger or "go"
        answer = self._tape.answers.get(called(asked.tool, asked.args))
        return Reservation(verdict, answer.result if answer and verdict == "done" else None)

    async def outcome(
        self,
        request: object,
        produce: Callable[[], Awaitable[ToolAnswered]],
        claim: Claim,  # noqa: ARG002 - no ledger is touched
    ) -> ToolAnswered:
        """The recorded answer."""
        step = await self.step(request, produce)
        if not isinstance(step, ToolAnswered):
            raise TypeError(f"step {step.step} is no answer")
        return step

    def preview(self, offset: int, text: str) -> None:
        """Nobody looks."""

    def discard(self) -> None:
        """Nothing to take back."""


def said_in_draft(tape: Tape) -> bool:
    """True when the channel was in draft mode: everything said became a draft."""
    kinds = [line.kind for line in tape.own if isinstance(line.entry, Spoken)]
    return "drafted" in kinds and "agent_said" not in kinds
