"""Claim → consumer → commit: one conversation at a time, many in parallel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from functools import partial

import structlog

from bus import retry
from bus.consumer import Consumer, ConsumerName
from bus.errors import Diverged, Interrupted, Stale, Superseded, Unavailable
from bus.failpoint import failpoint
from bus.journal import TurnJournal
from bus.message import Conversation, Side, Turn, Work
from bus.rounds import SWEEP, end, rounds
from bus.store import Tenant, claims, turns
from bus.store.claims import SUSPECTED, Lease
from bus.store.outbox import Post
from bus.store.turns import Committed
from bus.wake import Changed, Hub, Rested, Typing

LEASE = 30_000
HEARTBEAT = 10.0
AT_ONCE = 128
logger = structlog.get_logger(__name__)


class Worker:
    """Runs consumers over claimed conversations. `pull` names channels whose commit is the send; `send` takes claimed posts.

    `thinking` hears of each agent's turn as it begins; its end is the hub's `Rested`.
    """

    def __init__(
        self,
        tenant: Tenant,
        consumers: Mapping[ConsumerName, Consumer],
        *,
        owner: str,
        clock: Callable[[], int],
        new_id: Callable[[str], str],
        hub: Hub,
        pull: Collection[str],
        send: Callable[[Post], None],
        thinking: Callable[[Conversation], None] = lambda _: None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._tenant = tenant
        self._consumers = consumers
        self._owner = owner
        self._clock = clock
        self._new_id = new_id
        self._hub = hub
        self._pull = pull
        self._send = send
        self._thinking = thinking
        self._at_once = at_once
        self._running: dict[str, TurnJournal] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspect: asyncio.Task[None] | None = None
        self._stopping = False
        self._wake = asyncio.Event()
        self._sweeps = asyncio.Lock()

    def lease(self) -> Lease | None:
        """A lease to take work with; None when this process has enough, and the sweeper will find the rest."""
        return None if self._stopping or len(self._tasks) >= self._at_once else self._held()

    def _held(self) -> Lease:
        return Lease(self._owner, self._clock() + LEASE)

    def start(self, work: Work) -> None:
        """Work on a claimed conversation until it has nothing more to do."""
        task = asyncio.create_task(self._run(work), name=f"work {work.conversation.id}")
        self._tasks.add(task)
        if work.rows[0].attempts > SUSPECTED:
            self._suspect = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task is self._suspect:
            self._suspect = None
            self.nudge()
        if len(self._tasks) == self._at_once - 1:
            self.nudge()

    def poke(self, conversation: str, side: Side) -> None:
        """Something new came for a conversation that is being worked on here."""
        journal = self._running.get(conversation)
        if journal is not None:
            journal.interrupt(side)
        else:
            self.nudge()

    def nudge(self) -> None:
        """Sweep now rather than in a second."""
        self._wake.set()

    async def _run(self, work: Work | None) -> None:
        while work is not None:
            failpoint("K6")
            conversation = work.conversation.id
            self._hub.publish(conversation, Changed())
            agent = work.consumer == "agent"
            if agent:
                self._hub.publish(conversation, Typing())
                self._thinking(work.conversation)
            journal = TurnJournal(self._tenant, work, self._held, self._clock, self._new_id, self._hub)
            self._running[conversation] = journal
            try:
                work = await self._turn(work, journal)
            finally:
                if self._running.get(conversation) is journal:
                    del self._running[conversation]
                self._hub.publish(conversation, Changed())
                if agent:
                    self._hub.publish(conversation, Rested())

    async def _turn(self, work: Work, journal: TurnJournal) -> Work | None:
        try:
            return await self._decide(work, journal)
        except Stale as error:
            logger.warning("work.stale", conversation=work.conversation.id, turn=work.turn, error=str(error))
            delay = 0
        except asyncio.CancelledError:
            await self._give_back(work, journal, 0)
            raise
        except Unavailable as error:
            logger.warning("work.store_unavailable", conversation=work.conversation.id, error=str(error))
            delay = 1000
        except Exception:
            attempt = work.rows[0].attempts
            logger.exception("work.failed", conversation=work.conversation.id, turn=work.turn, attempt=attempt)
            delay = retry.backoff(attempt)
        await self._give_back(work, journal, delay)
        return None

    async def _decide(self, work: Work, journal: TurnJournal) -> Work | None:
        ending: Callable[..., Work | None]
        try:
            await journal.load()
            turn = await self._consumers[work.consumer].take(work, journal)
            journal.check()
            return await self._commit(work, turn, journal)
        except Interrupted:
            ending = partial(turns.interrupt, wrote=journal.wrote)
        except Superseded:
            ending = turns.supersede
        except Diverged as error:
            logger.warning("work.diverged", conversation=work.conversation.id, turn=work.turn, error=str(error))
            ending = partial(turns.diverge, wrote=journal.wrote)
        journal.discard()
        return await self._tenant.write(ending, work, self._held(), self._clock(), more=not self._stopping)

    async def _commit(self, work: Work, turn: Turn, journal: TurnJournal) -> Work | None:
        commit = self._tenant.write(
            turns.commit,
            work,
            turn,
            self._held(),
            self._clock(),
            self._new_id,
            self._pull,
            more=not self._stopping,
            steps=journal.steps,
            may_yield=journal.may_yield,
        )
        commit.add_done_callback(self._post)
        committed = await asyncio.shield(commit)
        if turn.moves:
            failpoint("K23")
        return committed.work

    def _post(self, commit: asyncio.Future[Committed]) -> None:
        """What was committed leaves, even when the turn's task is being cancelled by then."""
        if not commit.cancelled() and commit.exception() is None:
            for post in commit.result().posts:
                self._send(post)

    async def _give_back(self, work: Work, journal: TurnJournal, delay: int) -> None:
        """As soon as the store takes it: until the lease has run out, nobody else could work on it."""
        journal.discard()
        while True:
            try:
                await self._tenant.write(turns.give_back, work, self._held(), self._clock() + delay)
            except Unavailable:
                if self._stopping:
                    return
                await asyncio.sleep(SWEEP)
            else:
                return

    async def sweep(self) -> int:
        """Claim what is due and free; returns how many conversations were taken. One at a time: what is claimed has begun."""
        async with self._sweeps:
            room, now, suspects = self._at_once - len(self._tasks), self._clock(), self._suspect is None
            if self._stopping or room <= 0 or not await self._tenant.read(claims.any_due, now, suspects=suspects):
                return 0
            works = await self._tenant.write(claims.due, self._held(), now, room, suspects=suspects)
            for work in works:
                self.start(work)
            return len(works)

    async def run(self) -> None:
        """Sweep and keep leases until cancelled."""
        beat = asyncio.create_task(self._beat())
        try:
            await rounds(self.sweep, self._wake)
        finally:
            beat.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            with contextlib.suppress(Unavailable):
                for journal in self._running.values():
                    self._tenant.queue(turns.keep, journal.work, self._held())

    async def idle(self) -> None:
        """Returns once nothing is being worked on and nothing is due (for tests and a graceful stop)."""
        while self._tasks or await self.sweep():
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self, patience: float = 15.0) -> None:
        """Take nothing new; finish what runs within `patience` seconds, give the rest back."""
        self._stopping = True
        async with self._sweeps:
            pass  # what a sweep has claimed has begun when it ends
        await end(self._tasks, patience)
