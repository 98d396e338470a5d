"""Claim → send → sent, retry, look up, or end visibly. One at a time per address, in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import structlog

from bus import retry
from bus.channel import Channel
from bus.errors import AMBIGUOUS, Retryable, Unavailable
from bus.failpoint import failpoint
from bus.figures import Figures
from bus.pace import Pace
from bus.rounds import SWEEP, end, rounds
from bus.store import Tenant, outbox
from bus.store.engine import Verb
from bus.store.outbox import SEND_LEASE, Post

P = ParamSpec("P")
R = TypeVar("R")
HEARTBEAT = 20.0
LONGEST = 300.0  # seconds that a platform's client may take, a file brought and sent; its own time-outs are shorter
PAUSE = 5_000
AT_ONCE = 256
SENDS = "gateway_sends"
logger = structlog.get_logger(__name__)


class Sender:
    """Sends what was committed. `channels` is looked up at every send, since configuration may change; `done` hints that work may wait."""

    def __init__(
        self,
        tenant: Tenant,
        channels: Mapping[str, Channel],
        *,
        clock: Callable[[], int],
        new_id: Callable[[str], str],
        done: Callable[[], None],
        figures: Figures | None = None,
    ) -> None:
        self._tenant = tenant
        self._channels = channels
        self._clock = clock
        self._new_id = new_id
        self._done = done
        self._posts: dict[int, Post] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._wake = asyncio.Event()
        self._sweeps = asyncio.Lock()
        self._pace = Pace(clock)
        self._figures = figures or Figures()

    def post(self, post: Post) -> None:
        """Send a claimed row, then whatever waits behind it. A row that is on its way here already is left alone."""
        if post.id not in self._posts:
            self._posts[post.id] = post
            task = asyncio.create_task(self._line(post), name=f"send {post.sending.outbound.to.key}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._tasks) == AT_ONCE - 1:
            self._wake.set()

    async def _line(self, post: Post | None) -> None:
        while post is not None:
            self._posts[post.id] = post
            post = await self._next(post)
            self._done()

    async def _next(self, post: Post) -> Post | None:
        try:
            return await self._one(post)
        except Unavailable as error:
            logger.warning("outbox.store_unavailable", conversation=post.conversation, error=str(error))
        except Exception:
            logger.exception("outbox.failed", conversation=post.conversation)
        finally:
            del self._posts[post.id]
        return None

    async def _one(self, post: Post) -> Post | None:
        channel = self._channels.get(post.sending.outbound.to.channel)
        if channel is None or channel.mode == "off" or self._stopping:
            await self._record(outbox.pause, post, self._clock() + (0 if self._stopping else PAUSE))
            return None
        if post.lost:
            return await self._look(post, channel)
        if delay := self._pace.delay(channel.name, channel.limits.rates(post.sending.outbound.to)):
            await self._record(outbox.pause, post, self._clock() + delay)
            asyncio.get_running_loop().call_later(delay / 1000, self._wake.set)
            return None
        try:
            failpoint("K18")
            async with asyncio.timeout(LONGEST):
                platform_id = await channel.send(post.sending)
            failpoint("K21" if post.root else "K20")
        except Exception as error:  # noqa: BLE001 - whatever a platform's client raises is classified, never lost
            return await self._trouble(post, channel, error)
        return await self._sent(post, platform_id)

    async def _trouble(self, post: Post, channel: Channel, error: Exception) -> Post | None:
        decision = retry.decide(error, post.attempts, keep=post.root)
        logger.warning(
            "outbox.refused", channel=channel.name, conversation=post.conversation, what=decision.what, error=str(error)
        )
        if decision.what == "look":
            return await self._look(post, channel)
        if decision.what == "fail":
            return await self._fail(post, "failed", decision.reason)
        if isinstance(error, Retryable) and error.after:
            self._pace.hold(channel.name, channel.limits.rates(post.sending.outbound.to), decision.after)
        self._count(post, "again")
        await self._record(outbox.again, post, self._clock() + decision.after, decision.reason)
        return None

    async def _look(self, post: Post, channel: Channel) -> Post | None:
        """The answer was lost: ask the platform what became of the attempt."""
        try:
            async with asyncio.timeout(LONGEST):
                found = await channel.find(post.sending)
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("outbox.lookup_failed", channel=channel.name, error=str(error))
            until = self._clock() + retry.wait(error, post.attempts)
            left = await self._record(outbox.leave, post, until, self._clock())
            return None if left else await self._fail(post, AMBIGUOUS, AMBIGUOUS)
        if found is None:
            return await self._fail(post, AMBIGUOUS, AMBIGUOUS)
        if found:
            return await self._sent(post, found)
        due_at = self._clock() + (0 if post.lost else retry.backoff(post.attempts))
        return await self._record(outbox.afresh, post, due_at, self._new_id("att"), self._clock())

    async def _sent(self, post: Post, platform_id: str) -> Post | None:
        self._count(post, "sent")
        return await self._record(outbox.sent, post, platform_id, self._new_id("att"), self._clock())

    async def _fail(self, post: Post, state: str, reason: str) -> Post | None:
        self._count(post, state)
        return await self._record(outbox.failed, post, state, reason, self._new_id("att"), self._clock())

    def _count(self, post: Post, outcome: str) -> None:
        self._figures.count(SENDS, channel=post.sending.outbound.to.channel, outcome=outcome)

    async def _record(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What became of an attempt is known only here: it is told to the store until the store takes it."""
        while True:
            try:
                return await self._tenant.write(verb, *args, **kwargs)
            except Unavailable as error:
                if self._stopping:
                    raise
                logger.warning("outbox.store_unavailable", error=str(error))
                await asyncio.sleep(SWEEP)

    async def sweep(self) -> int:
        """Take up lines whose first row is due; returns how many. One at a time: what is claimed is on its way."""
        async with self._sweeps:
            room = AT_ONCE - len(self._tasks)
            if self._stopping or room <= 0:
                return 0
            addresses = await self._tenant.read(outbox.due, self._clock(), room)
            if not addresses:
                return 0
            posts = await self._tenant.write(outbox.claim_all, addresses, self._new_id, self._clock())
            for post in posts:
                self.post(post)
            return len(posts)

    async def run(self) -> None:
        """Sweep, and keep what is on its way, until cancelled."""
        beat = asyncio.create_task(self._beat())
        try:
            await rounds(self.sweep, self._wake)
        finally:
            beat.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self.hold()

    def hold(self) -> None:
        """Whatever is on its way stays ours: a call may take longer than a row is lent for."""
        with contextlib.suppress(Unavailable):
            for post in self._posts.values():
                self._tenant.queue(outbox.hold, post, self._clock() + SEND_LEASE)

    async def idle(self) -> None:
        """Returns once nothing is being sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self, patience: float = 5.0) -> None:
        """Finish the calls that run; the rest of each line stays for the next start."""
        self._stopping = True
        async with self._sweeps:
            pass  # what a sweep has claimed has begun when it ends
        await end(self._tasks, patience)
