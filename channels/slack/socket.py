"""Socket Mode: Slack's events over a connection that we open, for where nobody can reach us. Acknowledged once stored.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bus.errors import Rejected, Unavailable
from channels.slack.endpoint import Endpoint
from channels.slack.payloads import read_envelope, read_press
from channels.slack.settings import SlackSettings

if TYPE_CHECKING:
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

logger = structlog.get_logger(__name__)


class Socket:
    """One connection, opened again by the SDK whenever it breaks. What we do not acknowledge Slack sends again."""

    def __init__(self, settings: SlackSettings, endpoint: Endpoint) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._client: SocketModeClient | None = None
        self._connecting: asyncio.Task[Any] | None = None

    def open(self) -> None:
        """Begin to connect; does not wait for Slack."""
        from slack_sdk.socket_mode.aiohttp import SocketModeClient
        from slack_sdk.web.async_client import AsyncWebClient

        token = self._settings.app_token.get_secret_value() if self._settings.app_token else ""
        web = AsyncWebClient(token, base_url=self._settings.api_base.rstrip("/") + "/")
        self._client = SocketModeClient(app_token=token, web_client=web)
        self._client.socket_mode_request_listeners.append(self._hear)
        self._connecting = asyncio.create_task(self._connect(self._client))

    async def _connect(self, client: SocketModeClient) -> None:
        await client.connect()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """End the connection."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        await client.close()  # type: ignore[no-untyped-call]

    async def _hear(self, client: Any, request: SocketModeRequest) -> None:
        """Record, then acknowledge; a store that is down leaves it to Slack to send it again."""
        from slack_sdk.socket_mode.response import SocketModeResponse

        try:
            await self._take(request)
        except Unavailable:
            return
        except Rejected as error:
            logger.warning("slack.socket_refused", error=str(error), status=error.status)
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    async def _take(self, request: SocketModeRequest) -> None:
        raw = msgspec.json.encode(request.payload)
        if request.type == "events_api":
            await self._endpoint.take_event(read_envelope(request.payload), raw)
        elif request.type == "interactive":
            await self._endpoint.take_press(read_press(request.payload), raw)
