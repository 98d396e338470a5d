"""All open streams of a channel: who may have one, and what happens to those whose reader or session is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping

import structlog
from aiohttp import hdrs, web

from bus.errors import Unavailable
from bus.store import Tenant, sessions
from bus.store.sessions import Session, View
from bus.wake import Hub
from channels.web import events, wire
from channels.web.stream import PAGE, Ports, Stream
from channels.web.wire import Refusal

OF_ONE_SESSION = 20
PATIENCE = 2.0
HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
logger = structlog.get_logger(__name__)


class Streams:
    """`delivered` is told which of our lines a conversation's reader has got, `show` draws files."""

    def __init__(
        self,
        tenant: Tenant,
        hub: Hub,
        clock: Callable[[], int],
        delivered: Callable[[str, int], Awaitable[bool]],
        show: events.Show,
    ) -> None:
        self._tenant = tenant
        self._hub = hub
        self._clock = clock
        self._ports = Ports(self._view, delivered, show)
        self._open: dict[str, list[Stream]] = {}
        self._from: Counter[str] = Counter()
        self._left = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(streams) for streams in self._open.values())

    def __iter__(self) -> Iterator[Stream]:
        return iter([stream for streams in self._open.values() for stream in streams])

    async def serve(
        self, request: web.Request, session: Session, headers: Mapping[str, str], at_most: int
    ) -> web.StreamResponse:
        """GET /web/events, until it ends; `at_most` streams from one network address. Raises Refusal and Unavailable before it begins."""
        after, near = wire.last_event_id(request), wire.network_address(request)
        if self._from[near] >= at_most:
            raise Refusal(429, "too many streams are open", Retry_After="10")
        with self._hub.subscribe(session.conversation) as hints, self._counted(near):
            first = await self._view(session.digest, after)
            if first is None:
                raise wire.unknown()
            response = web.StreamResponse(headers={**headers, **HEADERS})
            stream = Stream(session, request, response, hints, self._ports, resumed=bool(after))
            with self._listed(stream), contextlib.suppress(ConnectionError):
                await response.prepare(request)
                await self._run(stream, first)
        return response

    async def _run(self, stream: Stream, first: View) -> None:
        try:
            await stream.run(first)
        except Unavailable as error:
            logger.warning("web.stream_failed", conversation=stream.session.conversation, error=str(error))

    @contextlib.contextmanager
    def _counted(self, near: str) -> Iterator[None]:
        self._from[near] += 1
        try:
            yield
        finally:
            self._from[near] -= 1
            if not self._from[near]:
                del self._from[near]

    @contextlib.contextmanager
    def _listed(self, stream: Stream) -> Iterator[None]:
        """A session that opens ever more streams loses its oldest."""
        mine = self._open.setdefault(stream.session.scope, [])
        mine.append(stream)
        for oldest in mine[:-OF_ONE_SESSION]:
            oldest.end()
        try:
            yield
        finally:
            mine.remove(stream)
            if not mine:
                del self._open[stream.session.scope]
            self._left.set()

    async def _view(self, digest: str, after: int | None) -> View | None:
        return await self._tenant.read(sessions.view, digest, after, self._clock(), PAGE)

    async def look_after(self) -> None:
        """End streams whose session or reader is gone, and wake those that missed a hint. Raises Unavailable."""
        digests = {stream.session.digest for stream in self}
        if not digests:
            return
        pulse = await self._tenant.read(sessions.pulse, digests, self._clock())
        for stream in self:
            if stream.gone or (stream.session.digest in digests and stream.session.digest not in pulse):
                stream.end()
            elif pulse.get(stream.session.digest, stream.seen) != stream.seen:
                stream.wake()

    def end(self) -> None:
        """Let go of every reader, soon."""
        for stream in self:
            stream.end()

    async def close(self) -> None:
        """End every stream and wait until they ended, but not long."""
        self.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._open:
                    self._left.clear()
                    await self._left.wait()
