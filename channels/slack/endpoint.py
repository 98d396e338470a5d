"""Slack's webhooks: verify, read, record, answer. No SDK owns them, so nothing is acknowledged before it is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec
import structlog
from aiohttp import web

from bus.errors import GatewayError, Rejected
from bus.failpoint import failpoint
from bus.message import Customer, Inbound, Side
from channels import webhook
from channels.slack.connection import Connection
from channels.slack.payloads import Envelope, Press, read_envelope, read_press

NOT_AGAIN = {"X-Slack-No-Retry": "1"}
SLACK_WAITS = 2.0  # of its three seconds, for what we must ask Slack before we answer it
logger = structlog.get_logger(__name__)


class Accepted(Protocol):
    """What became of an Inbound."""

    @property
    def new(self) -> bool:
        """False: it was here before."""


class Intake(Protocol):
    """Records an Inbound once; when it returns, the Inbound is on the disk. Raises Unavailable."""

    async def accept(
        self, inbound: Inbound, *, side: Side, raw: bytes = b"", customer: Customer | None = None
    ) -> Accepted:
        """See bus.accept.Intake."""


class Reader(Protocol):
    """A part that reads what is meant for it: the desk, or customers in Slack."""

    side: Side

    def owns(self, channel: str) -> bool:
        """True for a place where nothing is for anybody else."""

    async def event(self, envelope: Envelope) -> Inbound | None:
        """The Inbound of an event, None when it is not for this part. Raises Rejected, and Unavailable to be told again."""

    async def press(self, press: Press) -> Inbound | None:
        """The Inbound of a press, None when it is not for this part."""

    def customer(self, inbound: Inbound) -> Customer | None:
        """Whom Slack has proved this to come from, where a conversation may begin with it."""

    def taken(self, inbound: Inbound, press: Press) -> None:
        """The press is on the disk, and is not one that was there before. Returns at once."""

    def window(self, press: Press) -> dict[str, Any] | None:
        """The window that this press opens at once, None for most."""


class Endpoint:
    """The app's two routes. The first reader that knows an event takes it; what is nobody's is acknowledged and dropped."""

    def __init__(
        self, connection: Connection, intake: Intake, readers: Sequence[Reader], clock: Callable[[], int]
    ) -> None:
        self._connection = connection
        self._intake = intake
        self._readers = readers
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._last = 0

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Mounted on our own server."""
        return [
            web.post("/webhooks/slack/events", webhook.answered(self._events, self._counts, NOT_AGAIN)),
            web.post("/webhooks/slack/interactive", webhook.answered(self._interactive, self._counts, NOT_AGAIN)),
        ]

    def status(self) -> dict[str, Any]:
        """What operators see."""
        return {"last_event_at": self._last, "counts": dict(self._counts)}

    async def _events(self, request: web.Request) -> web.Response:
        return await self._event(await self._verified(request))

    async def _interactive(self, request: web.Request) -> web.Response:
        return await self._press(await self._verified(request))

    async def _verified(self, request: web.Request) -> bytes:
        """The body, from Slack and new. Raises Rejected: 413 too large, 401 not signed by Slack in the last five minutes."""
        raw = await webhook.body(request)
        secrets = [secret.get_secret_value() for secret in self._connection.settings.signing_secret]
        if not signed(raw, request.headers, secrets, self._clock()):
            raise Rejected(401, "not signed by Slack")
        self._last = self._clock()
        return raw

    async def _event(self, raw: bytes) -> web.Response:
        if raw.startswith(b"ssl_check="):
            return web.Response()
        envelope = read_envelope(_json(raw))
        if envelope.type == "url_verification":
            return web.json_response({"challenge": envelope.challenge})
        await self.take_event(envelope, raw)
        return web.Response()

    async def _press(self, raw: bytes) -> web.Response:
        if raw.startswith(b"ssl_check="):
            return web.Response()
        failpoint("K22")
        payload = _form(raw).get("payload", [""])[0].encode()
        await self.take_press(read_press(_json(payload)), payload)
        return web.Response()

    async def take_event(self, envelope: Envelope, raw: bytes) -> None:
        """Record what is somebody's; returns when it is on the disk. Raises Rejected and Unavailable."""
        await self._check_team(envelope.team_id)
        place = envelope.event.get("channel")
        owners = [reader for reader in self._readers if isinstance(place, str) and reader.owns(place)]
        for reader in owners or self._readers:
            inbound = await reader.event(envelope)
            if inbound is not None:
                await self._record(reader, inbound, raw)
                return
        self._counts["dropped"] += 1

    async def take_press(self, press: Press, raw: bytes) -> None:
        """Likewise; a press that opens a window opens it now."""
        await self._check_team(press.team.id if press.team else None)
        for reader in self._readers:
            if (view := reader.window(press)) is not None:
                await self._show(view, press.trigger_id)
                return
        for reader in self._readers:
            inbound = await reader.press(press)
            if inbound is not None:
                if await self._record(reader, inbound, raw):
                    reader.taken(inbound, press)
                return
        self._counts["dropped"] += 1

    async def _show(self, view: dict[str, Any], trigger: str) -> None:
        """Open a window: Slack allows it for three seconds after the press, so it cannot wait for a turn."""
        try:
            await asyncio.wait_for(self._connection.call("views.open", trigger_id=trigger, view=view), SLACK_WAITS)
        except (GatewayError, TimeoutError) as error:
            self._counts["window_failed"] += 1
            logger.warning("slack.window_failed", error=str(error))

    async def _record(self, reader: Reader, inbound: Inbound, raw: bytes) -> bool:
        """False: it was there before."""
        who = reader.customer(inbound)
        accepted = await self._intake.accept(inbound, side=reader.side, raw=raw, customer=who)
        self._counts["accepted" if accepted.new else "duplicate"] += 1
        return accepted.new

    async def _check_team(self, team: str | None) -> None:
        """Refuse another workspace's events. While Slack will not say who we are, the signature is what we go by."""
        try:
            ours = (await asyncio.wait_for(self._connection.identity(), SLACK_WAITS)).team
        except (GatewayError, TimeoutError) as error:
            logger.warning("slack.team_unknown", error=str(error))
            return
        if team != ours:
            raise Rejected(403, "another workspace")


def signed(raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: int) -> bool:
    """True when one of the secrets signed this body within five minutes of `now` (UTC ms). Never raises."""
    from slack_sdk.signature import Clock, SignatureVerifier

    class At(Clock):
        def now(self) -> float:
            return now / 1000

    timestamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 13 and signature.isascii()):
        return False
    try:
        return any(SignatureVerifier(secret, At()).is_valid(raw, timestamp, signature) for secret in secrets)
    except (ValueError, TypeError):  # a body that is not UTF-8, above all
        return False


def _json(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(400, "malformed: not JSON") from error


def _form(raw: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(raw.decode(), max_num_fields=20)
    except ValueError as error:
        raise Rejected(400, "malformed: not a form") from error
