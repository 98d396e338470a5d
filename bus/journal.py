"""The log as a turn's journal: finds recorded steps, appends new ones, and hears when somebody else has the word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec
import structlog

from bus.action import Action
from bus.canonical import digest
from bus.effect import Claim, Reservation, Verdict
from bus.entries import Recorded, Step, ToolAnswered, ToolAsked
from bus.errors import Diverged, Stale
from bus.failpoint import failpoint
from bus.message import Move, Work
from bus.store import Tenant, actions, inbox, log, turns
from bus.store.claims import Lease
from bus.wake import Discard, Hub, Preview

T = TypeVar("T")
SUPERSEDED_AT_MOST = 2
LAST = 2**62
logger = structlog.get_logger(__name__)


class TurnJournal:
    """One running turn. See bus.consumer.Journal for the contract."""

    def __init__(
        self,
        tenant: Tenant,
        work: Work,
        lease: Callable[[], Lease],
        clock: Callable[[], int],
        new_id: Callable[[str], str],
        hub: Hub,
    ) -> None:
        self._tenant = tenant
        self.work = work
        self._lease = lease
        self._clock = clock
        self._new_id = new_id
        self._hub = hub
        self._recorded: dict[int, Step] = {}
        self._begun = LAST
        self._number = 0
        self._standing = 0
        self._wrote = False
        self._interrupt = ""
        self._stale = False
        self._running: asyncio.Future[Any] | None = None
        self._previewed = False

    @property
    def turn(self) -> int:
        """The turn's number in its conversation."""
        return self.work.turn

    @property
    def steps(self) -> int:
        """How many steps must stand in the log before this turn may end."""
        return self._standing

    @property
    def wrote(self) -> bool:
        """True once a writing call was allowed: this turn can only be finished, not started over."""
        return self._wrote

    @property
    def may_yield(self) -> bool:
        """True while a newer customer message may start this turn over: nothing was written, and not for the third time."""
        return not self._wrote and max((row.superseded for row in self.work.rows), default=0) < SUPERSEDED_AT_MOST

    def now(self) -> int:
        """UTC milliseconds."""
        return self._clock()

    def new_id(self, prefix: str) -> str:
        """A fresh prefixed id."""
        return self._new_id(prefix)

    async def load(self) -> None:
        """Find what an earlier attempt of this turn recorded."""
        if any(row.attempts > 1 for row in self.work.rows):
            lines = await self._tenant.read(log.steps, self.work.conversation.id, self.turn)
            self._recorded = {line.entry.step: line.entry for line in lines if isinstance(line.entry, Step)}
            self._begun = min((line.seq for line in lines), default=LAST)
            self._wrote = any(isinstance(step, ToolAsked) and step.ledger == "go" for step in self._recorded.values())

    def interrupt(self, who: str) -> None:
        """Somebody has the word (customer or staff): cancel what may be cancelled."""
        self._interrupt = "staff" if "staff" in (who, self._interrupt) else who
        if self._running is not None and self._must_end():
            self._running.cancel()

    def _must_end(self) -> bool:
        return self.work.consumer == "agent" and (
            self._interrupt == "staff" or (self._interrupt == "customer" and self.may_yield)
        )

    def check(self) -> None:
        """Raises Stale, Interrupted or Superseded when the turn must end now."""
        if self._stale:
            raise Stale
        turns.heed(self.work, self._interrupt, self.may_yield)

    async def window(self, limit: int = 200) -> Sequence[Recorded]:
        """The newest lines as they stood when this turn began: without its own steps, with its customer lines."""
        lines = await self._tenant.read(log.window, self.work.conversation.id, limit, self._begun - 1)
        failpoint("K7")
        return [line for line in lines if line.turn != self.turn or not isinstance(line.entry, Step)]

    async def actions(self) -> Sequence[Action]:
        """The conversation's actions that are not at an end."""
        return await self._tenant.read(actions.open_ones, self.work.conversation.id)

    async def action(self, action_id: str) -> Action | None:
        """One action of this conversation."""
        found = await self._tenant.read(actions.one, action_id)
        return found if found and found.conversation == self.work.conversation.id else None

    async def waits(self, memo: str) -> bool:
        """True while the memo with this key is still to be worked on."""
        return await self._tenant.read(inbox.waits, self.work.conversation.id, memo)

    async def step(self, request: object, produce: Callable[[], Awaitable[Step]]) -> Step:
        """The recorded step for this request, else what `produce` returns, recorded in order."""
        number, key, known = self._next(request)
        if known is not None:
            return known
        self.check()
        entry = msgspec.structs.replace(await self._cancellable(produce), step=number, digest=key)
        failpoint("K10")
        self._append(turns.step, entry)
        self._advance(number)
        failpoint("K11")
        return entry

    def _next(self, request: object) -> tuple[int, str, Step | None]:
        self._number += 1
        key, known = digest(request), self._recorded.get(self._number)
        if known is not None and known.digest != key:
            raise Diverged(f"step {self._number} of turn {self.turn} was recorded for another request")
        self._standing += known is not None
        return self._number, key, known

    async def _cancellable(self, produce: Callable[[], Awaitable[T]]) -> T:
        self._running = task = asyncio.ensure_future(produce())
        try:
            return await task
        except asyncio.CancelledError:
            self.check()
            raise
        finally:
            self._running = None

    def _advance(self, number: int) -> None:
        """A step beyond those of earlier attempts: it was not this turn that ended them."""
        if number == len(self._recorded) + 1 and self._recorded:
            self._tenant.queue(turns.progress, self.work, self._lease())

    def _append(self, verb: Callable[..., str], *parts: object) -> None:
        self._standing += 1
        write = self._tenant.write(verb, self.work, self._lease(), *parts, self.now())
        write.add_done_callback(self._appended)

    def _appended(self, write: asyncio.Future[str]) -> None:
        if write.cancelled():
            return
        error = write.exception()
        if error is None:
            if write.result():
                self.interrupt(write.result())
            return
        self._stale = True
        logger.warning(
            "journal.append_failed", conversation=self.work.conversation.id, turn=self.turn, error=repr(error)
        )

    async def intend(
        self, request: object, claim: Claim, record: Callable[[Reservation], ToolAsked], move: Move | None = None
    ) -> tuple[ToolAsked, Reservation]:
        """Reserve a writing call and record its intent in one transaction; durable when this returns."""
        number, key, known = self._next(request)
        if isinstance(known, ToolAsked):
            return known, await self._standing_at(number, known, claim)
        self.check()
        failpoint("K24" if move else "K12")
        asked, held = await self._tenant.write(
            turns.intend,
            self.work,
            self._lease(),
            claim,
            lambda answer: msgspec.structs.replace(record(answer), step=number, digest=key, ledger=answer.verdict),
            move,
            self.now(),
            may_yield=self.may_yield,
        )
        self._standing += 1
        self._wrote = self._wrote or held.verdict == "go"
        self._advance(number)
        failpoint("K13")
        return asked, held

    async def _standing_at(self, number: int, asked: ToolAsked, claim: Claim) -> Reservation:
        verdict = cast(Verdict, asked.ledger)
        if verdict == "go" and isinstance(self._recorded.get(number + 1), ToolAnswered):
            return Reservation("go")
        held = await self._tenant.write(turns.standing, self.work, self._lease(), claim, verdict)
        return msgspec.structs.replace(held, because=str(asked.policy.get("because", "")))

    async def outcome(
        self, request: object, produce: Callable[[], Awaitable[ToolAnswered]], claim: Claim
    ) -> ToolAnswered:
        """The answer to the intent just recorded; an interrupt waits for it."""
        number, key, known = self._next(request)
        if isinstance(known, ToolAnswered):
            return known
        failpoint("K14")
        entry = msgspec.structs.replace(await produce(), step=number, digest=key)
        failpoint("K16")
        self._append(turns.outcome, claim, entry)
        self._advance(number)
        return entry

    def preview(self, offset: int, text: str) -> None:
        """Show words as they come."""
        self._previewed = True
        self._hub.publish(self.work.conversation.id, Preview(self.turn, offset, text))

    def discard(self) -> None:
        """Take the preview back."""
        if self._previewed:
            self._previewed = False
            self._hub.publish(self.work.conversation.id, Discard(self.turn))
