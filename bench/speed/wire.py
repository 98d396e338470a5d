"""A lean HTTP client and server for the generator's side, so that what is measured is the far end and not ourselves.

Only as much of HTTP/1.1 as aiohttp speaks to us on loopback: Content-Length bodies in, keep-alive, one request at a time per connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

HEAD_END = b"\r\n\r\n"
EVENT_END = b"\n\n"
Handler = Callable[[bytes, bytes], bytes]
"""(request line and headers, body) → the JSON body of the answer."""


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(b"content-length:")
    if start < 0:
        return 0
    end = lowered.find(b"\r\n", start)
    return int(lowered[start + 15 : end if end > 0 else None])


class _Messages(asyncio.Protocol):
    """Cuts a stream of bytes into heads and bodies."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(HEAD_END)) >= 0:
            head, start = self._buffer[:end], end + len(HEAD_END)
            stop = start + _length(head)
            if len(self._buffer) < stop:
                return
            body, self._buffer = self._buffer[start:stop], self._buffer[stop:]
            self.message(head, body)

    def message(self, head: bytes, body: bytes) -> None:
        """One whole message."""
        raise NotImplementedError


class _Served(_Messages):
    def __init__(self, handler: Handler, status: int) -> None:
        super().__init__()
        self._handler = handler
        self._status = status

    def message(self, head: bytes, body: bytes) -> None:
        """Answer it at once."""
        answer = self._handler(head, body)
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (self._status, len(answer), answer)
            )


async def serve(handler: Handler, status: int = 200) -> tuple[asyncio.Server, str]:
    """A server on a free port of the loopback, and its URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Served(handler, status), "127.0.0.1", 0, backlog=1024)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


class _Connection(_Messages):
    def __init__(self) -> None:
        super().__init__()
        self.answer: asyncio.Future[Answer] | None = None

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        assert self._transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self.answer

    def message(self, head: bytes, body: bytes) -> None:
        """The answer to the one request that is open."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(Answer(int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """What was asked has no answer any more."""
        del exc
        self._transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the far end hung up"))

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Client:
    """Keeps as many connections as there are requests at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []

    async def post(self, path: str, body: bytes, headers: str = "") -> Answer:
        """POST JSON. Raises OSError."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
        return await self.request(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def get(self, path: str, headers: str = "") -> Answer:
        """GET. Raises OSError."""
        return await self.request(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())

    async def request(self, request: bytes) -> Answer:
        """Send the bytes of a whole request."""
        connection = await self._free()
        answer = await connection.ask(request)
        self._idle.append(connection)
        return answer

    async def _free(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Connection, "127.0.0.1", self._port))[1]

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop().close()


class Events(asyncio.Protocol):
    """An event stream; `heard` gets each event's bytes as they stand (chunk marks may stand between events)."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int, path: str, headers: str, heard: Callable[[bytes], None]) -> Events:
        """Ask for the stream. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: cls(heard), "127.0.0.1", port)
        assert stream._transport is not None
        stream._transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
        return stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        *events, self._rest = (self._rest + data).split(EVENT_END)
        for event in events:
            self._heard(event)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()
