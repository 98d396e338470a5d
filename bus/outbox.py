"""Claim → send → sent, retry, look up, or end visibly. One at a time per address, in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import structlog

from bus import retry
from bus.channel import Channel
from bus.errors import Unavailable
from bus.failpoint import failpoint
from bus.message import CaseCard
from bus.store import Tenant, outbox
from bus.store.outbox import Post

SWEEP = 1.0
PAUSE = 5_000
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
    ) -> None:
        self._tenant = tenant
        self._channels = channels
        self._clock = clock
        self._new_id = new_id
        self._done = done
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def post(self, post: Post) -> None:
        """Send a claimed row, then whatever waits behind it."""
        task = asyncio.create_task(self._line(post), name=f"send {post.sending.outbound.to.key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _line(self, post: Post | None) -> None:
        while post is not None:
            try:
                post = await self._one(post)
            except Unavailable as error:
                logger.warning("outbox.store_unavailable", error=str(error))
                return
            self._done()

    async def _one(self, post: Post) -> Post | None:
        outbound = post.sending.outbound
        channel = self._channels.get(outbound.to.channel)
        if channel is None or channel.mode == "off" or self._stopping:
            await self._tenant.write(outbox.again, post, self._clock() + PAUSE, "the channel is off")
            return None
        try:
            found = await channel.find(post.sending) if post.lost else ""
            if found is None:
                return await self._fail(post, "ambiguous", "ambiguous")
            failpoint("K18")
            platform_id = found or await channel.send(post.sending)
            failpoint("K20")
        except Exception as error:  # noqa: BLE001 - whatever a platform's client raises is classified, never lost
            return await self._trouble(post, channel, error)
        return await self._tenant.write(outbox.sent, post, platform_id, self._new_id("att"), self._clock())

    async def _trouble(self, post: Post, channel: Channel, error: Exception) -> Post | None:
        root = isinstance(post.sending.outbound.content, CaseCard)
        decision = retry.decide(error, post.attempts, keep=root)
        logger.warning(
            "outbox.refused", channel=channel.name, conversation=post.conversation, what=decision.what, error=str(error)
        )
        if decision.what == "look":
            return await self._look(post, channel)
        if decision.what == "fail":
            return await self._fail(post, "failed", decision.reason)
        await self._tenant.write(outbox.again, post, self._clock() + decision.after, decision.reason)
        return None

    async def _look(self, post: Post, channel: Channel) -> Post | None:
        """The answer was lost: ask the platform what became of the attempt."""
        try:
            found = await channel.find(post.sending)
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("outbox.lookup_failed", channel=channel.name, error=str(error))
            await self._tenant.write(outbox.leave, post, self._clock() + retry.backoff(post.attempts))
            return None
        if found is None:
            return await self._fail(post, "ambiguous", "ambiguous")
        if found:
            return await self._tenant.write(outbox.sent, post, found, self._new_id("att"), self._clock())
        await self._tenant.write(
            outbox.again, post, self._clock() + retry.backoff(post.attempts), "the answer was lost"
        )
        return None

    async def _fail(self, post: Post, state: str, reason: str) -> Post | None:
        return await self._tenant.write(outbox.failed, post, state, reason, self._new_id("att"), self._clock())

    async def sweep(self) -> int:
        """Take up lines whose first row is due; returns how many."""
        addresses = [] if self._stopping else await self._tenant.read(outbox.due, self._clock(), 64)
        for address in addresses:
            post = await self._tenant.write(outbox.claim, address, self._new_id("att"), self._clock())
            if post is not None:
                self.post(post)
        return len(addresses)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            with contextlib.suppress(Unavailable):
                await self.sweep()
            await asyncio.sleep(SWEEP)

    async def idle(self) -> None:
        """Returns once nothing is being sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self, patience: float = 5.0) -> None:
        """Finish the calls that run; the rest of each line stays for the next start."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
