"""A running world with a clock that stands still, and a gateway that only listens."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from demo.world import Secrets, World, serve

NOW = 1_779_271_200_000  # Wednesday 20 May 2026, 12:00 in Madrid


@dataclass
class Listener:
    """Stands for the gateway: keeps what it is sent and answers with the next status, else 200."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def gateway() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_post("/{path:.*}", listener.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield listener
    await runner.cleanup()


@pytest.fixture
async def world(gateway: Listener) -> AsyncIterator[World]:
    numbers, names = count(1), count(1)
    secrets = Secrets.fresh(lambda: f"secret-{next(numbers):02d}-of-the-demo-world-padded")
    async with await serve(
        lambda: NOW, secrets, gateway_url=gateway.url, ids=lambda prefix: f"{prefix}{next(names):04d}", retry_scale=0
    ) as world:
        yield world


@pytest.fixture
def client(world: World) -> AsyncWebClient:
    return AsyncWebClient(world.secrets.slack_bot_token, base_url=f"{world.slack_url}/api/")
