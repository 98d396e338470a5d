"""Twilio's webhooks: verify, read, record, answer. The words go out by the REST API, never in the answer, which has 15 seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiohttp import web

from bus.accept import Intake
from bus.channel import Mode
from bus.errors import Permanent, Rejected, Retryable, Unavailable
from bus.message import Inbound
from channels import webhook
from channels.whatsapp.client import Listed, Twilio, reason_of
from channels.whatsapp.incoming import Ours, form, is_familiar, message, report
from channels.whatsapp.signature import pairs, signed

LARGEST = 1 << 17  # a message has 65,536 characters at most, and is form-encoded
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
ATTEMPT, PART = "attempt", "part"
logger = structlog.get_logger(__name__)


class Endpoint:
    """Two routes. `take` is given each verified message before it is recorded, and gives it back as it is to be understood."""

    def __init__(
        self,
        client: Twilio,
        ours: Callable[[], Ours],
        intake: Callable[[], Intake],
        clock: Callable[[], int],
        public_url: Callable[[], str],
        mode: Callable[[], Mode],
        take: Callable[[Inbound, bytes], Awaitable[bool]],
    ) -> None:
        self._client = client
        self._ours = ours
        self._intake = intake
        self._clock = clock
        self._public_url = public_url
        self._mode = mode
        self._take = take
        self._counts: Counter[str] = Counter()
        self._last = 0

    @property
    def path(self) -> str:
        """Where messages come in; reports come in below it."""
        return f"/webhooks/{self._ours().name}"

    @property
    def url(self) -> str:
        """Where Twilio posts messages."""
        return f"{self._public_url().rstrip('/')}{self.path}"

    def status_url(self, attempt: str, part: str = "") -> str:
        """Where Twilio reports on one attempt: whoever hears back knows that it was taken."""
        return f"{self.url}/status?{ATTEMPT}={attempt}" + (f"&{PART}={part}" if part else "")

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Mounted on our own server."""
        return [
            web.post(self.path, webhook.answered(self._message, self._counts)),
            web.post(f"{self.path}/status", webhook.answered(self._status, self._counts)),
        ]

    def status(self) -> dict[str, Any]:
        """What operators see."""
        return {"last_event_at": self._last, "counts": dict(self._counts)}

    async def _message(self, request: web.Request) -> web.Response:
        if self._mode() == "off":
            return _closed()
        raw, fields = await self._verified(request, self.url)
        inbound = message(fields, self._ours(), self._clock())
        if not is_familiar(fields):
            await self._confirm(fields)
        new = await self._take(inbound, raw)
        self._counts["accepted" if new else "duplicate"] += 1
        return web.Response(text=EMPTY, content_type="text/xml")

    async def _status(self, request: web.Request) -> web.Response:
        if self._mode() == "off":
            return _closed()
        raw, fields = await self._verified(request, f"{self.url}/status")
        inbound = report(
            fields, request.query.get(ATTEMPT, ""), self._ours(), self._clock(), reason_of(fields.get("ErrorCode", ""))
        )
        if inbound is None or (request.query.get(PART) and inbound.data["status"] != "failed"):
            self._counts["report_dropped"] += 1
        else:
            accepted = await self._intake().accept(inbound, side="customer", raw=raw)
            self._counts["report" if accepted.new else "report_duplicate"] += 1
        return web.Response(text=EMPTY, content_type="text/xml")

    async def _verified(self, request: web.Request, url: str) -> tuple[bytes, dict[str, str]]:
        """(body, fields) of a request that Twilio signed for our address. Raises Rejected 403, 413 and 400."""
        raw = await webhook.body(request, LARGEST)
        query = request.raw_path.partition("?")[2]
        fields = pairs(raw)
        signature = request.headers.get("X-Twilio-Signature")
        if not signed(f"{url}?{query}" if query else url, fields, signature, self._client.settings.tokens):
            raise Rejected(403, "not signed by Twilio")
        self._last = self._clock()
        return raw, form(fields)

    async def _confirm(self, fields: dict[str, str]) -> None:
        """There is a field that we do not know: a new one of Twilio's, or a forger's, for whom the signature covers it all the same.

        Twilio's own copy of the message decides. Raises Rejected 403, Unavailable while Twilio cannot be asked.
        """
        try:
            known = await self._client.fetch(fields["MessageSid"])
        except Permanent as error:
            raise Rejected(403, "Twilio does not know this message") from error
        except Retryable as error:
            logger.warning("whatsapp.not_confirmed", error=str(error))
            raise Unavailable("a message could not be confirmed") from error
        if not _same(known, fields):
            raise Rejected(403, "Twilio knows another message under this id")
        self._counts["confirmed"] += 1


def _same(known: Listed, fields: dict[str, str]) -> bool:
    return known.inbound and (known.sender, known.to, known.body) == (
        fields.get("From"), fields.get("To"), fields.get("Body", ""),
    )  # fmt: skip


def _closed() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "30"})
