"""What was said while we were away for longer than Slack tells again: read from the conversations themselves.

Slack tries an event three times, the last five minutes after the second: https://docs.slack.dev/apis/events-api/#retries
What is here already is a duplicate, and changes nothing. A press cannot be read again: who pressed was told that it failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog

from bus.errors import GatewayError, Permanent, Rejected, Retryable, Unavailable
from channels.slack import posted
from channels.slack.connection import Connection, Json
from channels.slack.payloads import Envelope

TOLD_AGAIN = 5 * 60_000  # ms that Slack makes up for by itself
AT_MOST = 60 * 60_000
MARGIN = 10 * 60_000
PAGE, TRIES = 200, 5
KINDS = ("public_channel,private_channel", "im")  # an app for the desk alone may not see the second
logger = structlog.get_logger(__name__)
Result = TypeVar("Result")
Take = Callable[[Envelope, bytes], Awaitable[None]]


class CatchUp:
    """Reads every place that the app is in. `take` records what is somebody's."""

    def __init__(self, connection: Connection, take: Take) -> None:
        self._connection = connection
        self._take = take

    async def run(self, alive: int, now: int) -> None:
        """`alive`: when something was last recorded (UTC ms), 0 for never. Never fails: what cannot be read is logged."""
        if not alive or now - alive < TOLD_AGAIN:
            return
        since = f"{(max(alive, now - AT_MOST) - MARGIN) / 1000:.6f}"
        try:
            team = (await self._connection.identity()).team
            for kind in KINDS:
                await self._read_all(kind, team, since)
        except GatewayError as error:
            logger.warning("slack.not_caught_up", error=str(error))

    async def _read_all(self, kind: str, team: str, since: str) -> None:
        """What may not be read is left out."""
        try:
            for place in await self._places(kind):
                await self._read(place, team, since)
        except Permanent as error:
            logger.warning("slack.not_caught_up", kind=kind, error=error.reason)

    async def _read(self, place: str, team: str, since: str) -> None:
        for message in await self._messages(place, since):
            event = {**message, "type": "message", "channel": place}
            envelope = Envelope(type="event_callback", team_id=team, event=event)
            try:
                await _patiently(partial(self._take, envelope, msgspec.json.encode(event)))
            except Rejected as error:
                logger.info("slack.not_read", error=str(error))

    async def _places(self, kind: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            page = await self._ask("users.conversations", types=kind, limit=PAGE, exclude_archived=True, cursor=cursor)
            found += [str(one["id"]) for one in page.get("channels") or () if isinstance(one, dict) and one.get("id")]
            cursor = posted.cursor(page)
            if not cursor:
                return found

    async def _messages(self, place: str, since: str) -> list[Json]:
        """New messages of one place in order, also in the threads that are on its first page."""
        top = posted.messages(await self._ask("conversations.history", channel=place, limit=PAGE))
        found = [message for message in top if _after(message.get("ts"), since)]
        for message in top:
            if _after(message.get("latest_reply"), since):
                page = await self._ask(
                    "conversations.replies", channel=place, ts=str(message["ts"]), oldest=since, limit=PAGE
                )
                found += [reply for reply in posted.messages(page) if reply.get("ts") != message["ts"]]
        return sorted((one for one in found if _after(one.get("ts"), since)), key=lambda one: float(one["ts"]))

    async def _ask(self, method: str, **arguments: Any) -> Json:
        return await _patiently(partial(self._connection.read, method, **arguments))


def _after(ts: object, since: str) -> bool:
    return isinstance(ts, str) and ts.replace(".", "", 1).isdecimal() and ts.isascii() and float(ts) > float(since)


async def _patiently(call: Callable[[], Awaitable[Result]]) -> Result:
    """Again after as long as Slack says; a store that is down may be back in a second."""
    for _ in range(TRIES):
        try:
            return await call()
        except Retryable as error:
            await asyncio.sleep(error.after or 1)
        except Unavailable:
            await asyncio.sleep(1)
    return await call()
