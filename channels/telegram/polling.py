"""Updates without a public URL: asked for, recorded, and only then confirmed by asking for the next ones.

https://core.telegram.org/bots/api#getupdates: an update is confirmed by a call with a higher offset. The offset need not be kept:
what comes again after a restart has its own key and is recorded once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from bus.errors import GatewayError, Permanent, Rejected, Retryable
from channels.telegram.client import Client
from channels.telegram.endpoint import Endpoint
from channels.telegram.incoming import ALLOWED

AT_MOST = 100
HOLD = 25  # seconds that Telegram waits for something to tell
PATIENCE = 15.0
AGAIN = 1.0
OTHERS = 5.0  # seconds until it is looked again whether another process still asks
REFUSED = 30.0
Json = dict[str, Any]
May = Callable[[float], Awaitable[bool]]
"""True when this process is the one that asks, for so many seconds."""
logger = structlog.get_logger(__name__)


class Polling:
    """One loop, for as long as the channel polls and is not switched off."""

    def __init__(self, client: Client, endpoint: Endpoint, may: May, *, hold: int = HOLD) -> None:
        self._client = client
        self._endpoint = endpoint
        self._may = may
        self._hold = hold
        self._offset: int | None = None
        self._webhook_gone = False
        self._task: asyncio.Task[None] | None = None

    def set(self, on: bool) -> None:
        """Begin or end."""
        if on and self._task is None:
            self._offset, self._webhook_gone = None, False
            self._task = asyncio.create_task(self._run(), name="telegram polling")
        elif not on and self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """End; what was not confirmed comes again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._once()
            except Retryable as error:
                self._webhook_gone = self._webhook_gone and "webhook" not in str(error)
                await self._rest(error, error.after or AGAIN)
            except Permanent as error:
                await self._rest(error, REFUSED)
            except GatewayError as error:
                await self._rest(error, AGAIN)
            except Exception:
                logger.exception("telegram.polling_failed")
                await asyncio.sleep(AGAIN)

    async def _rest(self, error: GatewayError, seconds: float) -> None:
        self._endpoint.counts["polling_refused"] += 1
        logger.warning("telegram.polling_refused", error=str(error), again_in=seconds)
        await asyncio.sleep(seconds)

    async def _once(self) -> None:
        """One batch: on the disk before it is confirmed. Raises Unavailable, and the batch comes again."""
        if not await self._may(2 * (self._hold + PATIENCE)):
            self._offset = None
            return await asyncio.sleep(OTHERS)
        if not self._webhook_gone:
            await self._client.read("deleteWebhook")
            self._webhook_gone = True
        updates = await self._client.read(
            "getUpdates", patience=self._hold + PATIENCE, offset=self._offset, limit=AT_MOST, timeout=self._hold,
            allowed_updates=list(ALLOWED),
        )  # fmt: skip
        chats: defaultdict[object, list[Json]] = defaultdict(list)
        for update in updates:
            chats[_chat(update)].append(update)
        await asyncio.gather(*(self._take(waiting) for waiting in chats.values()))
        if updates:
            self._offset = int(updates[-1]["update_id"]) + 1
        return None

    async def _take(self, updates: list[Json]) -> None:
        """Those of one chat, in order. One that nobody can read holds nobody up."""
        for update in updates:
            try:
                await self._endpoint.take(update, msgspec.json.encode(update))
            except Rejected as error:
                self._endpoint.counts["unreadable"] += 1
                logger.warning("telegram.unreadable", error=str(error))


def _chat(update: object) -> object:
    """What has an order of its own; None for what nobody can read."""
    for way in (("message",), ("edited_message",), ("callback_query", "message")):
        found: object = update
        for name in (*way, "chat", "id"):
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, int):
            return found
    return None
