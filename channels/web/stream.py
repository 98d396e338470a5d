"""One open stream: reads the log when it moved on, and writes what the customer may see, in order, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from aiohttp import web

from bus.entries import Recorded, StaffSaid
from bus.store.sessions import Session, View
from bus.wake import Changed, Discard, Hint, Preview, Rested, Subscription
from channels.web import events

PAGE = 100
HEARTBEAT = 15.0
PATIENCE = 10.0
CHUNK = 16 * 1024


class Ports(NamedTuple):
    """What a stream asks of its channel. `delivered` says whether it could be noted, `show` draws files."""

    view: Callable[[str, int | None], Awaitable[View | None]]
    delivered: Callable[[str, int], Awaitable[bool]]
    show: events.Show


class Stream:
    """A reader of one session's conversation. Ends when its session does, when told to, or when its reader is too slow or gone.

    `resumed`: the reader has seen something before, so what changed since has its place among the words.
    """

    __slots__ = (
        "_cursor",
        "_delivered",
        "_ended",
        "_hints",
        "_ports",
        "_request",
        "_response",
        "_resumed",
        "_shown",
        "_state",
        "_turn",
        "seen",
        "session",
    )

    def __init__(
        self,
        session: Session,
        request: web.BaseRequest,
        response: web.StreamResponse,
        hints: Subscription,
        ports: Ports,
        *,
        resumed: bool,
    ) -> None:
        self.session = session
        self._resumed = resumed
        self.seen = 0
        self._request = request
        self._response = response
        self._hints = hints
        self._ports = ports
        self._cursor = 0
        self._shown = 0
        self._delivered = 0
        self._turn = 0
        self._state = ("", "")
        self._ended = False

    @property
    def gone(self) -> bool:
        """True when the far end has hung up."""
        return self._request.transport is None

    def end(self) -> None:
        """Let go of the reader, soon."""
        self._ended = True
        self.wake()

    def wake(self) -> None:
        """Look at the log."""
        self._hints.put(Changed())

    async def run(self, first: View) -> None:
        """Write until the end. `first` is what the reader has not seen yet."""
        try:
            await self._show(first)
            if len(first.lines) >= PAGE:
                await self._catch_up()
            while not self._ended:
                await self._next()
        except TimeoutError:
            self._hang_up()
        except ConnectionError:
            self._ended = True

    def _hang_up(self) -> None:
        """The reader does not read: nothing more is kept for it."""
        self._ended = True
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _next(self) -> None:
        try:
            async with asyncio.timeout(HEARTBEAT):
                hints = await self._hints.take()
        except TimeoutError:
            return await self._write(events.HEARTBEAT)
        for hint in hints:
            if self._ended:
                return None
            await self._follow(hint)
        return None

    async def _follow(self, hint: Hint) -> None:
        if isinstance(hint, Changed):
            await self._catch_up()
        elif isinstance(hint, Rested):
            return
        elif not isinstance(hint, Preview | Discard) or hint.turn > self._turn:
            await self._write(events.hint(hint))

    async def _catch_up(self) -> None:
        view = await self._ports.view(self.session.digest, self._cursor)
        while view is not None:
            await self._show(view)
            if len(view.lines) < PAGE:
                return
            view = await self._ports.view(self.session.digest, self._cursor)
        self._ended = True

    async def _show(self, view: View) -> None:
        chunk = bytearray()
        for piece in self._pieces(view):
            chunk += piece
            if len(chunk) > CHUNK:
                await self._write(bytes(chunk))
                chunk.clear()
        if chunk:
            await self._write(bytes(chunk))
        self._cursor = view.lines[-1][0].seq if len(view.lines) >= PAGE else view.seq
        self.seen = view.seq
        await self._deliver(view)

    def _pieces(self, view: View) -> Iterator[bytes]:
        """The lines, and who has the word: for a new reader before anything, before the words of a person who took it, else after."""
        state = (view.owner, view.owner_name)
        for line, replaces in view.lines:
            unheard = not (self._state[0] or self._resumed)
            if state != self._state and (unheard or isinstance(line.entry, StaffSaid)):
                self._state = state
                yield events.state(*state)
            yield self._message(line, replaces)
        if state != self._state:
            self._state = state
            yield events.state(*state)

    def _message(self, line: Recorded, replaces: int) -> bytes:
        if events.SPEAKERS[type(line.entry)] in ("agent", "system"):
            self._turn = max(self._turn, line.turn)
        return events.message(line, replaces, self._ports.show)

    async def _deliver(self, view: View) -> None:
        """Tell that our words arrived, once they did; what could not be noted is told again with what comes next."""
        self._shown = max(self._shown, events.last_of_ours(view.lines))
        if self._shown > max(view.delivered, self._delivered):
            noted = await self._ports.delivered(self.session.conversation, self._shown)
            self._delivered = self._shown if noted else self._delivered

    async def _write(self, chunk: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._response.write(chunk)
