"""Where updates come in, whichever way: verify, read, record, and only then say so. No SDK owns it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import structlog
from aiohttp import web

from bus.accept import Intake
from bus.entries import AgentSaid
from bus.errors import GatewayError, Rejected
from bus.message import Address, Customer, Inbound, Sender
from bus.store import Tenant, conversations, log, notes
from bus.store.engine import Transaction
from channels import webhook
from channels.telegram import buttons, incoming
from channels.telegram.client import Client
from channels.telegram.incoming import Press, Reading, Update
from channels.telegram.settings import Settings

HEADER = "X-Telegram-Bot-Api-Secret-Token"
LINK_LASTS = 600_000
logger = structlog.get_logger(__name__)


class Endpoint:
    """One channel's way in."""

    def __init__(
        self, name: str, client: Client, tenant: Tenant, intake: Callable[[], Intake], clock: Callable[[], int]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.last_event = 0
        self._name = name
        self._client = client
        self._tenant = tenant
        self._intake = intake
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _settings(self) -> Settings:
        return self._client.settings

    @property
    def _reading(self) -> Reading:
        settings = self._settings
        return Reading(self._tenant.name, self._name, settings.account, settings.groups, settings.forwarded)

    async def close(self) -> None:
        """Let go of the answers that are on their way."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Mounted on our own server."""
        return [web.post(f"/webhooks/{self._name}", webhook.answered(self._webhook, self.counts))]

    async def _webhook(self, request: web.Request) -> web.Response:
        """Telegram keeps the order per chat by itself: the next update comes when this one is answered."""
        if self._settings.mode == "off":
            self.counts["off"] += 1
            return web.Response(status=503, headers={"Retry-After": "60"})
        if not verified(request.headers.get(HEADER, ""), self._settings.webhook_secrets):
            raise Rejected(401, "not from Telegram")
        raw = await webhook.body(request)
        try:
            payload = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Rejected(400, "malformed: not JSON") from error
        await self.take(payload, raw)
        return web.Response()

    async def take(self, payload: object, raw: bytes) -> None:
        """Record what is somebody's; returns when it is on the disk. Raises Rejected and Unavailable."""
        update = incoming.read(payload)
        self.last_event = self._clock()
        if update.callback_query is not None:
            await self._pressed(update.callback_query, raw)
        else:
            await self._said(update, raw)

    async def _said(self, update: Update, raw: bytes) -> None:
        inbound = incoming.parse(update, self._reading)
        if inbound is None:
            self.counts["dropped"] += 1
            return
        token = incoming.token_of(inbound)
        customer = await self._introduced(inbound, token) if token else None
        if token:
            language = update.message.sender.language_code if update.message and update.message.sender else ""
            inbound = incoming.greeting(inbound, language)
            raw = raw.replace(token.encode(), b"...")
        await self._accept(inbound, raw, customer)

    async def _introduced(self, inbound: Inbound, token: str) -> Customer | None:
        """Whom the site's link names; a link that is over, or another account's, names nobody."""
        if ":" in inbound.address.peer:
            return None
        now = self._clock()
        name = link_name(self._name, token)
        customer = await self._tenant.write(notes.redeem, name, inbound.address, now + LINK_LASTS, now)
        self.counts["linked" if customer else "link_refused"] += 1
        return customer

    async def _pressed(self, press: Press, raw: bytes) -> None:
        """A press decides once for each message, whoever presses again; the platform's own waiting sign goes at once."""
        inbound = await self._press(press)
        self._soon(self._acknowledge(press, inbound is not None))
        if inbound is None:
            self.counts["press_refused"] += 1
        else:
            await self._accept(inbound, raw)

    async def _press(self, press: Press) -> Inbound | None:
        """A button that we offered to this very person in this very chat; None for any other."""
        message = press.message
        address = incoming.at(message, press.sender, self._reading) if message and not press.sender.is_bot else None
        if message is None or address is None:
            return None
        found = buttons.pressed(self._settings.token.get_secret_value(), address, press.data)
        button = await self._tenant.read(_offered, address, *found) if found else None
        if found is None or button is None:
            return None
        return Inbound(
            key=f"press:{message.chat.id}:{message.message_id}",
            address=address,
            sender=Sender(str(press.sender.id), press.sender.name, "channel"),
            kind="press",
            at=self._clock(),
            text=str(button.get("label", "")),
            button=str(button.get("id", "")),
            target=incoming.platform_id(message.chat.id, message.message_id),
            data={"of": found[0]},
        )

    async def _acknowledge(self, press: Press, ours: bool) -> None:
        """Stop the button's spinner, and take the keyboard of a question away that is answered."""
        await self._quietly("answerCallbackQuery", callback_query_id=press.id)
        if ours and press.message is not None:
            chat, message = press.message.chat.id, press.message.message_id
            await self._quietly("editMessageReplyMarkup", chat_id=chat, message_id=message)

    async def _quietly(self, method: str, **arguments: Any) -> None:
        """A sign that nothing hangs on."""
        try:
            await self._client.call(method, **arguments)
        except GatewayError as error:
            logger.info("telegram.press_not_shown", channel=self._name, error=str(error))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, inbound: Inbound, raw: bytes, customer: Customer | None = None) -> None:
        accepted = await self._intake().accept(inbound, side="customer", raw=raw, customer=customer)
        self.counts["accepted" if accepted.new else "duplicate"] += 1


def verified(shown: str, secrets: Sequence[str]) -> bool:
    """True for one of the secrets, compared as bytes: what is not ASCII is simply wrong. Never raises."""
    given = shown.encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(given, secret.encode()) for secret in secrets)


def link_name(channel: str, token: str) -> str:
    """Under which the token of a link is kept: its digest, so that nobody who reads the store can use it."""
    return f"link:{channel}:{hashlib.sha256(token.encode()).hexdigest()}"


def _offered(tx: Transaction, address: Address, seq: int, place: int) -> dict[str, str] | None:
    """The button that this line of the address's conversation offers at this place."""
    known = conversations.route(tx, address)
    line = log.one(tx, known[0], seq) if known else None
    offered = line.entry.buttons if line and isinstance(line.entry, AgentSaid) else ()
    return offered[place] if place < len(offered) else None
