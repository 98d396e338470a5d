"""A whole gateway on a free port of this machine, made from files as an operator would write them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from config.settings import load
from gateway.app import Gateway
from gateway.ids import clock as real_clock
from gateway.server import Served

OPERATOR = "operator-token-of-the-tests-0123456789"
SECRET_KEY = "secret-key-of-the-tests-0123456789abcdef"
Json = dict[str, Any]


class Running:
    """A gateway that serves. `url` is its origin."""

    def __init__(self, gateway: Gateway, url: str, http: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.url = url
        self.http = http

    async def api(self, path: str) -> Json:
        """GET /api/v1/… as an operator."""
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        async with self.http.get(f"{self.url}/api/v1/{path}", headers=headers) as answer:
            assert answer.status == 200, (answer.status, await answer.text())
            found: Json = await answer.json()
            return found

    async def log(self, conversation: str) -> list[Json]:
        """The whole log of a conversation."""
        items: list[Json] = []
        after: int | None = 0
        while after is not None:
            page = await self.api(f"conversations/{conversation}/log?after={after}&limit=500")
            items += page["items"]
            after = page["next"]
        return items

    async def settle(self) -> None:
        """Wait until nothing is being worked on, due or being sent."""
        while True:
            await self.gateway.worker.idle()
            await self.gateway.sender.idle()
            if not await self.gateway.worker.sweep() and not await self.gateway.sender.sweep():
                return


@asynccontextmanager
async def running(
    config: Path,
    variables: dict[str, str],
    *more: web.AbstractRouteDef,
    clock: Callable[[], int] = real_clock,
    connect: Callable[[str], None] = lambda _: None,
    port: int = 0,
) -> AsyncIterator[Running]:
    """Serve this configuration until the block ends. `connect` is told the origin before anything can come in."""
    loaded = load(config, {("listen", "port"): port}, variables)
    gateway = await Gateway.open(loaded, clock=clock)
    try:
        served = await Served.listen(gateway.application(*more), "127.0.0.1", port)
        try:
            url = f"http://127.0.0.1:{served.port}"
            connect(url)
            await gateway.start(watching=False)
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
                yield Running(gateway, url, http)
        finally:
            await gateway.drain()
            await served.close()
    finally:
        await gateway.close()
