"""Customers in Telegram: what they write comes in by webhook or polling, what is answered goes out in the same chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from bus.channel import Mode, Person, Sending
from bus.errors import GatewayError, Permanent
from bus.message import Address, Attachment, Side, Words
from bus.store import notes
from channels import webhook
from channels.bringing import at_hand
from channels.files.fetching import Fetcher
from channels.port import Lent
from channels.telegram.client import Client
from channels.telegram.endpoint import Endpoint
from channels.telegram.links import Links
from channels.telegram.polling import Polling
from channels.telegram.rendering import Part, rendered
from channels.telegram.sending import Post
from channels.telegram.settings import LIMITS, Settings
from channels.thinking import Thinking

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef

TYPING_LASTS = 4.0  # https://core.telegram.org/bots/api#sendchataction: five seconds or less
LOOK_EVERY = 300.0
DRAFT = 1
logger = structlog.get_logger(__name__)


class TelegramChannel:
    """Implements bus.channel.Channel."""

    side: Side = "customer"
    limits = LIMITS

    def __init__(self, name: str, settings: Settings, lent: Lent) -> None:
        self.name = name
        self.settings = settings
        self.mode: Mode = settings.mode
        self._tenant = lent.tenant
        self._clock = lent.clock
        self._client = Client(settings)
        self._endpoint = Endpoint(name, self._client, lent.tenant, lent.intake, lent.clock)
        self._links = Links(name, self._client, lent.tenant, lent.seal, lent.clock)
        self._polling = Polling(self._client, self._endpoint, self._may_poll)
        self._post = Post(self._client, lent.tenant, lent.clock)
        self._files = lent.files
        self._thinking = Thinking(lent.hub, TYPING_LASTS)
        self._health: dict[str, Any] = {}
        self._watching: asyncio.Task[None] | None = None
        self._opened = False
        self._drafts = True

    def reconfigure(self, settings: Settings) -> None:
        """From now on, these settings."""
        self.settings, self.mode = settings, settings.mode
        if self._client.reconfigure(settings):
            self._polling.set(False)
        self._poll()

    async def open(self) -> None:
        """See Channel. The SDK is loaded in the background."""
        self._opened = True
        self._poll()
        self._watching = asyncio.create_task(self._watch(), name="telegram watch")

    async def _may_poll(self, seconds: float) -> bool:
        """Telegram lets one process of a bot ask, so of several that share a store one does."""
        now = self._clock()
        return await self._tenant.write(notes.hold, f"{self.name}.polls", now + int(seconds * 1000), now)

    def _poll(self) -> None:
        self._polling.set(self.settings.updates == "polling" and self.mode != "off" and self._opened)

    async def close(self) -> None:
        """See Channel."""
        self._opened = False
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._polling.close()
        await self._thinking.close()
        await self._endpoint.close()
        await self._client.close()

    async def send(self, sending: Sending) -> str:
        """See Channel."""
        words = sending.outbound.content
        if isinstance(words, Words) and words.attachments and not words.text and sending.outbound.act == "say":
            async with at_hand(self._files, words.attachments[0]) as (_, path):
                return await self._post.share(sending.outbound.to, path, words.name)
        return await self._post.send(sending)

    async def find(self, sending: Sending) -> str | None:
        """See Channel. A bot cannot read what it has sent; a change can simply be made again."""
        return None if sending.outbound.act == "say" else ""

    def thinking(self, conversation: str, address: Address) -> None:
        """See Channel: «typing …», and in private chats the words as they come."""

        shown = False

        async def show(words: str) -> None:
            nonlocal shown
            shown = await self._show(address, words, taken_back=shown and not words)

        self._thinking.begin(conversation, show)

    async def _show(self, address: Address, words: str, *, taken_back: bool) -> bool:
        """True when words are to be seen. Without any, or with words that are taken back, Telegram shows that somebody thinks."""
        chat, _, member = address.peer.partition(":")
        where = {"chat_id": int(chat), "message_thread_id": int(address.thread) if address.thread else None}
        if (words or taken_back) and not member and self._drafts and self.settings.streaming:
            shown = [*rendered(Words(words, "agent")), Part("")][0]
            styles = list(shown.entities) or None
            try:
                await self._client.call(
                    "sendMessageDraft", draft_id=DRAFT, text=shown.text or None, entities=styles, **where
                )
            except Permanent as error:
                self._drafts = False
                logger.info("telegram.no_drafts", channel=self.name, error=str(error))
            return bool(words)
        await self._client.call("sendChatAction", action="typing", **where)
        return False

    async def people(self, sender: str) -> Person:
        """See Channel: nobody of the team is here."""
        return Person(sender, sender)

    async def read_file(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """See channels.files.courier.HasFiles. https://core.telegram.org/bots/api#getfile: the address holds for an hour."""
        told = await self._client.read("getFile", file_id=attachment.source)
        path = str(told.get("file_path") or "") if isinstance(told, dict) else ""
        if not path:
            raise Permanent("file_too_large", "Telegram gives bots files of up to 20 MB")
        place = self.settings.api_base.rstrip("/")
        fetcher = Fetcher((), place)
        try:
            async for piece in fetcher.read(f"{place}/file/bot{self.settings.token.get_secret_value()}/{path}"):
                yield piece
        finally:
            await fetcher.close()

    async def locate(self, address: Address) -> str:  # noqa: ARG002 - the contract's
        """See Channel: we open no threads here."""
        return ""

    def routes(self) -> Sequence[AbstractRouteDef]:
        """See Channel."""
        links = webhook.answered(self._links.make, self._endpoint.counts)
        return [*self._endpoint.routes(), web.post(f"/webhooks/{self.name}/links", links)]

    def status(self) -> dict[str, Any]:
        """See Channel."""
        return {
            "last_event_at": self._endpoint.last_event,
            "counts": dict(self._endpoint.counts),
            "updates": self.settings.updates,
            **self._health,
        }

    async def _watch(self) -> None:
        """What Telegram says of us, every few minutes: whether it reaches us, and how much waits there."""
        while True:
            try:
                told = await self._client.read("getWebhookInfo")
                names = ("url", "pending_update_count", "last_error_date", "last_error_message")
                self._health = {"webhook": {name: told[name] for name in names if name in told}}
            except GatewayError as error:
                self._health = {"webhook": {"error": str(error)}}
            await asyncio.sleep(LOOK_EVERY)
