"""The shop, a session to reach it, and a world around the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from agent.models.offline import Offline
from tests.agent.shop import SPEC, Shop
from tests.agent.world import World


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    server = TestServer(shop.app())
    await server.start_server()
    shop.url = str(server.make_url("")).rstrip("/")
    yield shop
    await server.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def spec(shop: Shop) -> str:
    return SPEC.replace("{BASE}", shop.url)


@pytest.fixture
def world(spec: str, session: aiohttp.ClientSession) -> World:
    """The offline model, and a token for the customer ADA."""
    world = World(spec, Offline(), session)
    world.tokens = {"sealed": "ada-token"}
    return world
