"""The one Slack app: its connection, its webhooks and its socket, shared by the desk and by customers in Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.slack.catchup import CatchUp
from channels.slack.connection import Connection
from channels.slack.endpoint import Endpoint, Intake, Reader
from channels.slack.files import Files
from channels.slack.settings import SlackSettings
from channels.slack.socket import Socket

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef


class App:
    """Opened before the channels that read from it and closed after them. `alive`: when something was last recorded (UTC ms)."""

    def __init__(
        self,
        settings: SlackSettings,
        *,
        intake: Intake,
        clock: Callable[[], int],
        alive: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self.connection = Connection(settings)
        self._readers: list[Reader] = []
        self._endpoint = Endpoint(self.connection, intake, self._readers, clock)
        self.files = Files(self.connection)
        self._catch_up = CatchUp(self.connection, self._endpoint.take_event)
        self._clock = clock
        self._alive = alive
        self._asking: asyncio.Task[None] | None = None
        self._socket: Socket | None = None

    def read_by(self, reader: Reader) -> None:
        """From now on this part reads what comes; what an earlier one takes does not reach it."""
        self._readers.append(reader)

    def reconfigure(self, settings: SlackSettings) -> None:
        """From now on, these settings."""
        self.connection.reconfigure(settings)

    async def open(self) -> None:
        """Begin to listen. Who we are is asked in the background, so that the first event need not wait for it."""
        alive = await self._alive() if self._alive else 0
        self._asking = asyncio.create_task(self._begin(alive))
        if self.connection.settings.app_token is not None:
            self._socket = Socket(self.connection.settings, self._endpoint)
            self._socket.open()

    async def _begin(self, alive: int) -> None:
        await self.connection.known()
        await self._catch_up.run(alive, self._clock())

    async def close(self) -> None:
        """Let go of everything."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        await self.files.close()
        await self.connection.close()

    def routes(self) -> Sequence[AbstractRouteDef]:
        """The two webhooks."""
        return self._endpoint.routes()

    def status(self) -> dict[str, Any]:
        """What operators see of what comes in."""
        return self._endpoint.status()
