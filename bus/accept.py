"""Record once, then answer: the one door through which everything comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from bus.channel import Channel
from bus.errors import Unavailable
from bus.failpoint import failpoint
from bus.message import Customer, Inbound, Side
from bus.store import Tenant, inbox, turns
from bus.store.inbox import Accepted
from bus.work import Worker

UNROUTED_FOR = 30_000
logger = structlog.get_logger(__name__)


class Intake:
    """What channels hand their Inbounds to. When `accept` returns, the Inbound is on the disk."""

    def __init__(
        self,
        tenant: Tenant,
        worker: Worker,
        channels: Mapping[str, Channel],
        *,
        clock: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._tenant = tenant
        self._worker = worker
        self._channels = channels
        self._clock = clock
        self._new_id = new_id
        self._closed = False

    def close(self) -> None:
        """From now on everything is Unavailable: the process is going."""
        self._closed = True

    async def accept(
        self, inbound: Inbound, *, side: Side, raw: bytes | str = b"", customer: Customer | None = None
    ) -> Accepted:
        """Record an Inbound once and start its turn. A duplicate comes back with `new` False. Raises Unavailable."""
        if self._closed:
            raise Unavailable("the gateway is stopping")
        failpoint("K2")
        accepted = await self._tenant.write(
            inbox.accept,
            inbound,
            side=side,
            now=self._clock(),
            fresh=self._new_id("c") if side == "customer" else "",
            raw=raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw,
            lease=self._worker.lease(),
            customer=customer,
        )
        if accepted.work is not None:
            self._worker.start(accepted.work)
        elif accepted.new and inbound.kind in ("message", "press"):
            self._worker.poke(accepted.conversation, side)
        elif accepted.new:
            self._worker.nudge()
        failpoint("K5")
        return accepted

    async def delivered(self, conversation: str, seq: int) -> None:
        """A stream has passed this line: what it showed is delivered."""
        if await self._tenant.write(turns.deliver, conversation, seq, self._clock()):
            self._worker.nudge()

    async def route(self) -> None:
        """Find the conversations of what came in without one: by our root's metadata, else it is nobody's."""
        for row, inbound, received_at in await self._tenant.read(inbox.unrouted, 50):
            try:
                conversation = await self._locate(inbound)
            except Exception as error:  # noqa: BLE001 - whatever a platform's client raises, the row is tried again
                logger.warning("accept.locate_failed", channel=inbound.address.channel, error=str(error))
                if self._clock() - received_at < UNROUTED_FOR:
                    continue
                conversation = ""
            await self._settle(row, inbound, conversation)

    async def _locate(self, inbound: Inbound) -> str:
        channel = self._channels.get(inbound.address.channel)
        return await channel.locate(inbound.address) if channel else ""

    async def _settle(self, row: int, inbound: Inbound, conversation: str) -> None:
        if conversation:
            await self._tenant.write(inbox.adopt, row, inbound, conversation)
            self._worker.nudge()
        else:
            logger.info("accept.nobodys", channel=inbound.address.channel, kind=inbound.kind)
            await self._tenant.write(inbox.drop, row)

    async def run(self) -> None:
        """Route what is unrouted, once a second, until cancelled."""
        while True:
            try:
                await self.route()
            except Unavailable as error:
                logger.warning("accept.route_failed", error=str(error))
            await asyncio.sleep(1.0)
