"""Record once, then answer: the one door through which everything comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from bus.channel import Channel
from bus.consumer import interrupts
from bus.errors import Unavailable
from bus.failpoint import failpoint
from bus.message import Customer, Inbound, Side
from bus.store import Tenant, arrivals, inbox, turns
from bus.store.arrivals import Accepted
from bus.store.inbox import Unrouted
from bus.work import Worker

UNROUTED_FOR = 30_000
REPORTS_FOR = 300_000
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
        accepting = self._tenant.write(
            arrivals.accept,
            inbound,
            side=side,
            now=self._clock(),
            fresh=self._new_id("c") if side == "customer" else "",
            raw=raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw,
            lease=self._worker.lease(),
            customer=customer,
        )
        accepting.add_done_callback(lambda accepted: self._begin(accepted, inbound, side))
        return await asyncio.shield(accepting)

    def _begin(self, accepting: asyncio.Future[Accepted], inbound: Inbound, side: Side) -> None:
        """What is recorded is worked on, even when whoever brought it has hung up by now."""
        if accepting.cancelled() or accepting.exception() is not None:
            return
        accepted = accepting.result()
        if accepted.work is not None:
            self._worker.start(accepted.work)
        elif accepted.new and interrupts(side, inbound.kind):
            self._worker.poke(accepted.conversation, side)
        elif accepted.new:
            self._worker.nudge()
        failpoint("K5")

    async def delivered(self, conversation: str, seq: int) -> None:
        """A stream has passed this line: what it showed is delivered."""
        if await self._tenant.write(turns.deliver, conversation, seq, self._clock()):
            self._worker.nudge()

    async def route(self) -> None:
        """Find the conversations of what came in without one: by our root's metadata, else it is nobody's."""
        for row in await self._tenant.read(inbox.unrouted, 50):
            conversation = await self._locate(row)
            if conversation:
                await self._tenant.write(arrivals.adopt, row, conversation)
                self._worker.nudge()
            elif conversation is not None or self._clock() - row.received_at >= _kept(row):
                logger.info("accept.nobodys", channel=row.inbound.address.channel, kind=row.inbound.kind)
                await self._tenant.write(inbox.drop, row.row)

    async def _locate(self, row: Unrouted) -> str | None:
        """The conversation, "" when it is nobody's, None while nobody can say."""
        channel = self._channels.get(row.inbound.address.channel)
        if row.inbound.kind == "delivery":
            return None
        if channel is None or row.side != "staff":
            return ""
        try:
            return await channel.locate(row.inbound.address)
        except Exception as error:  # noqa: BLE001 - whatever a platform's client raises, the row is tried again
            logger.warning("accept.locate_failed", channel=channel.name, error=str(error))
            return None

    async def run(self) -> None:
        """Route what is unrouted, once a second, until cancelled."""
        while True:
            try:
                await self.route()
            except Unavailable as error:
                logger.warning("accept.route_failed", error=str(error))
            await asyncio.sleep(1.0)


def _kept(row: Unrouted) -> int:
    return REPORTS_FOR if row.inbound.kind == "delivery" else UNROUTED_FOR
