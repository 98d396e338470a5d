"""Socket Mode: the app opens a websocket and gets events and presses there, with an acknowledgement for each.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from demo.slack.message import Json


@dataclass
class Sockets:
    """The app's open connections; each address is good for one. `linked` or `unlinked` is set as things stand."""

    ids: Callable[[str], str]
    patience: float
    linked: asyncio.Event = field(default_factory=asyncio.Event)
    unlinked: asyncio.Event = field(default_factory=asyncio.Event)
    _tickets: set[str] = field(default_factory=set)
    _open: list[web.WebSocketResponse] = field(default_factory=list)
    _acknowledged: dict[str, asyncio.Future[Json]] = field(default_factory=dict)

    @property
    def connected(self) -> bool:
        return bool(self._open)

    def address(self, base: str) -> str:
        """What `apps.connections.open` answers."""
        ticket = self.ids("ticket-")
        self._tickets.add(ticket)
        return f"{base.replace('http', 'ws', 1)}/link/?ticket={ticket}"

    async def link(self, request: web.Request) -> web.StreamResponse:
        """The websocket itself."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self._converse(socket)
        return socket

    async def deliver(self, kind: str, payload: Json, attempt: int, reason: str) -> int | str:
        """Send over the newest connection and wait for the acknowledgement: 200, or why there is none."""
        envelope_id = self.ids("env-")
        envelope = {
            "envelope_id": envelope_id, "type": kind, "payload": payload, "accepts_response_payload": False,
            "retry_attempt": attempt, "retry_reason": reason,
        }  # fmt: skip
        done = self._acknowledged[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await self._open[-1].send_json(envelope)
            await asyncio.wait_for(done, self.patience)
        except TimeoutError:
            return "timeout"
        except ConnectionError:
            return "connection_failed"
        finally:
            del self._acknowledged[envelope_id]
        return 200

    async def close(self) -> None:
        for socket in list(self._open):
            await socket.close()

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        self._open.append(socket)
        self._noted()
        try:
            await socket.send_json({"type": "hello", "num_connections": len(self._open)})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(message.json())
        finally:
            self._open.remove(socket)
            self._noted()

    def _noted(self) -> None:
        now, before = (self.linked, self.unlinked) if self._open else (self.unlinked, self.linked)
        now.set()
        before.clear()

    def _acknowledge(self, answer: Json) -> None:
        done = self._acknowledged.get(str(answer.get("envelope_id")))
        if done is not None and not done.done():
            done.set_result(answer)
