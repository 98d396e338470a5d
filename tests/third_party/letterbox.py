"""A channel that is no part of the gateway: letters over plain HTTP. The page docs/adding-a-channel.md tells it line by line."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from pydantic import Field, SecretStr

from bus.channel import Limits, Mode, Person, Sending
from bus.errors import Permanent, Rejected, Retryable, Uncertain
from bus.message import Address, Inbound, Sender, Side, Words
from channels import webhook
from channels.cleaning import cleaned
from channels.port import Lent, Section
from channels.splitting import pieces

LIMITS = Limits(names=False, replaces=False, text=2_000)


class Settings(Section):
    """What the section may say."""

    secret: SecretStr = Field(description="signs letters, theirs and ours")
    deliver_to: str = Field(description="where our letters are posted")


def build(name: str, settings: Settings, lent: Lent) -> Letterbox:
    """See channels.port.Kind."""
    if not settings.secret.get_secret_value():
        raise ValueError("secret is empty")
    return Letterbox(name, settings, lent)


class Letter(msgspec.Struct, frozen=True):
    """What the far end posts to us. `at` in UTC ms."""

    id: str
    sender: str
    text: str
    at: int


def read(raw: bytes) -> Letter:
    """Raises Rejected(400)."""
    try:
        letter = msgspec.json.decode(raw, type=Letter)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Rejected(400, "malformed") from error
    if not (letter.id and letter.sender and letter.text):
        raise Rejected(400, "malformed: something is empty")
    return letter


def signature(secret: SecretStr, raw: bytes) -> str:
    """HMAC-SHA256 over the body, as hex."""
    return hmac.new(secret.get_secret_value().encode(), raw, hashlib.sha256).hexdigest()


class Letterbox:
    """Implements bus.channel.Channel."""

    side: Side = "customer"
    limits = LIMITS

    def __init__(self, name: str, settings: Settings, lent: Lent) -> None:
        self.name = name
        self._lent = lent
        self._http: aiohttp.ClientSession | None = None
        self._counts: Counter[str] = Counter()
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """From now on, these settings."""
        self.settings = settings
        self.mode: Mode = settings.mode

    async def open(self) -> None:
        """See Channel."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        """See Channel."""
        if self._http is not None:
            await self._http.close()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See Channel."""
        return [web.post(f"/webhooks/{self.name}", webhook.answered(self._receive, self._counts))]

    async def _receive(self, request: web.Request) -> web.Response:
        if self.mode == "off":
            return web.Response(status=503, headers={"Retry-After": "30"})
        raw = await webhook.body(request)
        given = request.headers.get("X-Signature", "").encode()
        if not hmac.compare_digest(given, signature(self.settings.secret, raw).encode()):
            raise Rejected(401, "not signed")
        await self._lent.intake().accept(self._inbound(read(raw)), side="customer", raw=raw)
        return web.Response()

    def _inbound(self, letter: Letter) -> Inbound:
        return Inbound(
            key=f"message:{letter.id}",
            address=Address(self._lent.tenant.name, self.name, "letters", letter.sender),
            sender=Sender(letter.sender, verified="channel"),
            kind="message",
            at=letter.at,
            text=letter.text,
            target=letter.id,
        )

    async def send(self, sending: Sending) -> str:
        """See Channel."""
        words = sending.outbound.content
        if sending.outbound.act != "say" or not isinstance(words, Words):
            raise Permanent("not_possible_here")
        for number, piece in enumerate(pieces(_text(words), LIMITS.text)):
            await self._post(sending.outbound.to.peer, f"{sending.outbound.key}#{number}", piece)
        return sending.outbound.key

    async def _post(self, to: str, key: str, text: str) -> None:
        raw = msgspec.json.encode({"to": to, "id": key, "text": text})
        headers = {"X-Signature": signature(self.settings.secret, raw), "Content-Type": "application/json"}
        if self._http is None:
            raise Retryable("the channel is not open")
        try:
            async with self._http.post(self.settings.deliver_to, data=raw, headers=headers) as answer:
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.ClientConnectorError as error:
            raise Retryable("the far end cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain("the answer was lost") from error
        if status in (429, 503):
            raise Retryable(f"HTTP {status}", after=float(after) if after.isdecimal() else None)
        if status >= 500:
            raise Uncertain(f"HTTP {status}")
        if status >= 400:
            raise Permanent("refused")

    async def find(self, sending: Sending) -> str | None:
        """See Channel: the far end keeps one letter per id, so posting it again is safe."""
        return ""

    def thinking(self, conversation: str, address: Address) -> None:
        """See Channel: letters have no «typing …»."""

    async def people(self, sender: str) -> Person:
        """See Channel: customers have no roles."""
        return Person(sender, sender)

    async def locate(self, address: Address) -> str:
        """See Channel: we open no threads."""
        return ""

    def status(self) -> dict[str, Any]:
        """See Channel."""
        return {"answers": dict(self._counts)}


def _text(words: Words) -> str:
    """Letters show no names and no buttons, so both are written out; and nothing that people cannot see."""
    name = f"{words.name}: " if words.speaker == "staff" and words.name else ""
    choices = "".join(f"\n• {button.label}" for button in words.buttons)
    return cleaned(f"{name}{words.text}{choices}")
