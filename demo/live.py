"""What the live pages have in common: they see every change at once, wait a while for what a person does, and send files."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from aiohttp import web

Json = dict[str, Any]
Done = TypeVar("Done")
PATIENCE = 3.5  # seconds a page waits for the app's answer; what a person did goes on after that
HEARTBEAT = 15.0  # seconds
BACKLOG = 1_000  # changes a slow page may lag behind
LARGEST = 10 * 1024 * 1024
RAW = "application/octet-stream"  # which no page of another origin can send
CHUNK = 1 << 16
MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}")
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})


@dataclass
class Live:
    """Server-sent events: a `snapshot`, then every change as `news`."""

    snapshot: Callable[[], Json]
    _pages: set[asyncio.Queue[Json | None]] = field(default_factory=set)
    _tasks: set[asyncio.Future[Any]] = field(default_factory=set)

    async def events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        with suppress(ConnectionResetError):  # the page has been closed
            async for line in self._feed():
                await stream.write(line)
        return stream

    def spread(self, news: Json) -> None:
        for page in self._pages:
            if page.qsize() < BACKLOG - 1:
                page.put_nowait(news)

    async def patiently(self, doing: Awaitable[Done]) -> Done | None:
        """What came of it, if it is done soon; it goes on in any case. Raises what it raises by then."""
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        return task.result() if done else None

    def end(self) -> None:
        """End the streams, so that the server can stop."""
        for page in self._pages:
            page.put_nowait(None)

    def close(self) -> None:
        self.end()
        for task in self._tasks:
            task.cancel()

    async def _feed(self) -> AsyncIterator[bytes]:
        page: asyncio.Queue[Json | None] = asyncio.Queue(BACKLOG)
        self._pages.add(page)
        try:
            yield _event("snapshot", self.snapshot())
            while (line := await _next(page)) is not None:
                yield line
        finally:
            self._pages.discard(page)


async def _next(page: asyncio.Queue[Json | None]) -> bytes | None:
    """The next change; a comment when there is none for a while, so that a closed page is noticed; nothing at the end."""
    try:
        news = await asyncio.wait_for(page.get(), HEARTBEAT)
    except TimeoutError:
        return b": still here\n\n"
    return None if news is None else _event("news", news)


def _event(kind: str, data: Json) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


@dataclass(frozen=True)
class Upload:
    """A file that a person picked, and what they wrote with it."""

    name: str
    media_type: str
    content: bytes
    text: str


async def upload(request: web.Request) -> Upload:
    """The body is the file; `name`, `type` and `text` stand in the query. Raises ValueError."""
    if request.content_type != RAW:
        raise ValueError("a file is sent as application/octet-stream")
    content = bytearray()
    async for chunk in request.content.iter_chunked(CHUNK):
        content += chunk
        if len(content) > LARGEST:
            raise ValueError("the file has more than 10 MB")
    if not content:
        raise ValueError("the file is empty")
    name = request.query.get("name", "").replace("\\", "/").rpartition("/")[2][:120]
    said = request.query.get("type", "").partition(";")[0]
    media_type = said if MEDIA_TYPE.fullmatch(said) else RAW
    return Upload(name or "file", media_type, bytes(content), request.query.get("text", ""))


def download(content: bytes, media_type: str, name: str) -> web.Response:
    """A file that was shared: pictures and words are shown, anything else is saved, and nothing in it runs."""
    kind = media_type.partition(";")[0]
    shown = "inline" if kind in SHOWN else "attachment"
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name)}",
    }
    return web.Response(body=content, content_type=kind if MEDIA_TYPE.fullmatch(kind) else RAW, headers=headers)
