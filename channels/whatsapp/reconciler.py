"""What Twilio gave up on: it tries for 15 seconds, and then a message stays in its list, where we look at start and every minute.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from bus.channel import Mode
from bus.errors import GatewayError, Rejected
from bus.message import Attachment, Inbound, Sender
from bus.store import Tenant, inbox, settings
from channels.whatsapp.client import Listed, Twilio
from channels.whatsapp.incoming import PREFIX, SID, Ours, attachment, person

EVERY = 60.0
OVERLAP = 10 * 60_000  # Twilio lists a message a moment after it was sent, and clocks differ
logger = structlog.get_logger(__name__)


class Reconciler:
    """Brings in what is listed and not here. The mark, up to which everything is here, survives a restart."""

    def __init__(
        self,
        client: Twilio,
        tenant: Tenant,
        ours: Callable[[], Ours],
        clock: Callable[[], int],
        mode: Callable[[], Mode],
        take: Callable[[Inbound, bytes], Awaitable[bool]],
    ) -> None:
        self._client = client
        self._tenant = tenant
        self._ours = ours
        self._clock = clock
        self._mode = mode
        self._take = take
        self._found = 0
        self._done_at = 0
        self._error = ""

    def status(self) -> dict[str, Any]:
        """What operators see."""
        return {"reconciled_at": self._done_at, "recovered": self._found, "reconcile_error": self._error}

    async def run(self) -> None:
        """Look now and every minute, until cancelled."""
        while True:
            try:
                await self.look()
            except GatewayError as error:
                self._error = str(error)
                logger.warning("whatsapp.not_reconciled", channel=self._ours().name, error=self._error)
            except Exception:
                self._error = "failed"
                logger.exception("whatsapp.reconcile_failed", channel=self._ours().name)
            await asyncio.sleep(EVERY)

    async def look(self) -> int:
        """How many messages were missing and are here now. While the channel is off, what comes is nobody's, as at the webhook."""
        begun = self._clock()
        name = f"whatsapp.reconciled.{self._ours().name}.{self._ours().number}"
        mark = await self._tenant.read(settings.get, name)
        count = 0
        if mark and self._mode() != "off":
            for listed in await self._missing(int(mark) - OVERLAP):
                count += await self._bring(listed)
        await self._tenant.write(settings.put, name, str(begun))
        self._found += count
        self._done_at, self._error = begun, ""
        if count:
            logger.info("whatsapp.recovered", channel=self._ours().name, messages=count)
        return count

    async def _missing(self, since: int) -> list[Listed]:
        """In the order in which they were sent: Twilio lists the newest first, and tells the second only."""
        ours = self._ours()
        missing = [
            listed
            async for listed in self._client.listed(since, to=f"{PREFIX}{ours.number}")
            if listed.inbound and SID.fullmatch(listed.sid) and not await self._tenant.read(_is_here, ours, listed.sid)
        ]
        missing.reverse()
        return sorted(missing, key=lambda one: one.at)

    async def _bring(self, listed: Listed) -> bool:
        try:
            return await self._take(await self._inbound(listed), b"")
        except Rejected as error:
            logger.warning("whatsapp.listed_strangely", sid=listed.sid, error=str(error))
            return False

    async def _inbound(self, listed: Listed) -> Inbound:
        """The message as the webhook would have told it; the list knows neither profile names nor pressed buttons."""
        ours, peer = self._ours(), person(listed.sender)
        files: tuple[Attachment, ...] = ()
        if listed.media:
            media = await self._client.media(listed.sid)
            files = tuple(attachment(one.url, one.media_type, ours) for one in media)
        return Inbound(
            key=f"message:{listed.sid}",
            address=ours.address(peer),
            sender=Sender(peer, "", "channel"),
            kind="message",
            at=listed.at or self._clock(),
            text=listed.body or ("" if files else "[message]"),
            attachments=files,
        )


def _is_here(tx: Any, ours: Ours, sid: str) -> bool:
    return inbox.has(tx, ours.address(""), f"message:{sid}")
