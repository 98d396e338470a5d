"""What every platform's webhook does alike: read at most so much, refuse without a word, and never acknowledge what is not stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bus.errors import Rejected, Unavailable

MAX_BODY = 1 << 20
CHUNK = 1 << 16
PATIENCE = 20.0  # seconds for a whole body
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def body(request: web.Request, at_most: int = MAX_BODY) -> bytes:
    """The raw body. Raises Rejected: 413 as soon as it is too large, 408 when it takes too long."""
    found = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.content.iter_chunked(CHUNK):
                found += chunk
                if len(found) > at_most:
                    raise Rejected(413, "too large")
    except TimeoutError as error:
        raise Rejected(408, "too slow") from error
    return bytes(found)


def answered(handler: Handler, counts: Counter[str], refused: Mapping[str, str] | None = None) -> Handler:
    """The handler, whose refusals are answers without a body, with the headers `refused`. A store that is down is 503."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Rejected as error:
            counts[f"rejected_{error.status}"] += 1
            return web.Response(status=error.status, headers=refused)
        except Unavailable:
            counts["unavailable"] += 1
            return web.Response(status=503, headers={"Retry-After": "1"})

    return answer
