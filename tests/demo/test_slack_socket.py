"""Socket Mode: the real client links up, acknowledges, and gets again what it has not acknowledged."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.people import BEN, SARA
from demo.slack.socket import Sockets
from demo.world import World
from tests.demo.conftest import Listener

Linked = tuple[SocketModeClient, list[SocketModeRequest]]


@pytest.fixture
def sockets(world: World) -> Sockets:
    assert world.slack.courier.sockets
    return world.slack.courier.sockets


@pytest.fixture
async def linked(world: World, sockets: Sockets) -> AsyncIterator[Linked]:
    web = AsyncWebClient(world.secrets.slack_app_token, base_url=f"{world.slack_url}/api/")
    client = SocketModeClient(app_token=world.secrets.slack_app_token, web_client=web, ping_interval=30)
    heard: list[SocketModeRequest] = []

    async def hear(_: object, request: SocketModeRequest) -> None:
        heard.append(request)
        if request.type != "events_api" or request.retry_attempt:
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(hear)
    await client.connect()  # type: ignore[no-untyped-call]
    await sockets.linked.wait()
    yield client, heard
    await client.close()  # type: ignore[no-untyped-call]


async def test_an_event_comes_again_until_it_is_acknowledged(
    linked: Linked, sockets: Sockets, world: World, gateway: Listener
) -> None:
    sockets.patience = 0.1
    await world.slack.post_as(SARA, "hi")
    _, heard = linked
    assert [(r.payload["event"]["text"], r.retry_attempt, r.retry_reason) for r in heard] == [
        ("hi", 0, ""),
        ("hi", 1, "timeout"),
    ]
    assert gateway.requests == []


async def test_without_a_link_events_go_by_http(
    linked: Linked, sockets: Sockets, world: World, gateway: Listener
) -> None:
    client, _ = linked
    await client.disconnect()  # type: ignore[no-untyped-call]
    await sockets.unlinked.wait()
    await world.slack.post_as(BEN, "hello")
    assert len(gateway.requests) == 1
