"""The one door to Twilio's REST API. Retries are the outbox's business; every refusal gets its name here."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.request import getproxies

import aiohttp
import msgspec

from bus.errors import GatewayError, Permanent, Retryable, Uncertain
from bus.failpoint import failpoint
from channels.whatsapp.incoming import PREFIX
from channels.whatsapp.settings import Settings

if TYPE_CHECKING:
    from twilio.rest import Client

R = TypeVar("R")
PAGE = 100
OFFICIAL = "https://api.twilio.com"
AGAIN, UNKNOWN = "again", "unknown"

ERRORS: dict[int, tuple[str, str]] = {
    20003: ("refused", "not_authorised"),
    20404: ("refused", "not_found"),
    20429: (AGAIN, "too_many_requests"),
    20500: (UNKNOWN, "twilio_failed"),
    20503: (AGAIN, "twilio_unavailable"),
    14107: (AGAIN, "too_many_messages"),
    21211: ("refused", "invalid_recipient"),
    21212: ("refused", "invalid_sender"),
    21408: ("refused", "country_not_enabled"),
    21606: ("refused", "sender_not_ours"),
    21610: ("refused", "unsubscribed"),
    21611: (AGAIN, "queue_full"),
    21614: ("refused", "invalid_recipient"),
    21617: ("refused", "too_long"),
    21619: ("refused", "nothing_to_say"),
    21620: ("refused", "invalid_media"),
    21655: ("refused", "template_unknown"),
    21656: ("refused", "template_variables"),
    21658: ("refused", "template_variables"),
    21703: ("refused", "sender_not_ours"),
    21910: ("refused", "invalid_pair"),
    30001: (AGAIN, "queue_full"),
    30002: ("refused", "account_suspended"),
    30003: ("refused", "unreachable"),
    30005: ("refused", "invalid_recipient"),
    30007: ("refused", "filtered"),
    30008: ("refused", "unknown_error"),
    63001: ("refused", "sender_not_authorised"),
    63003: ("refused", "not_on_whatsapp"),
    63005: ("refused", "content_refused"),
    63007: ("refused", "sender_not_ours"),
    63010: (AGAIN, "whatsapp_failed"),
    63013: ("refused", "policy"),
    63015: ("refused", "sandbox_not_joined"),
    63016: ("refused", "window_closed"),
    63018: (AGAIN, "too_many_messages"),
    63019: ("refused", "media_failed"),
    63021: ("refused", "content_refused"),
    63024: ("refused", "invalid_recipient"),
    63027: ("refused", "template_unknown"),
    63028: ("refused", "template_variables"),
    63030: ("refused", "unsupported"),
    63032: ("refused", "whatsapp_withheld"),
    63036: ("refused", "not_on_whatsapp"),
    63038: ("refused", "daily_limit"),
    63049: ("refused", "whatsapp_withheld"),
    63051: ("refused", "account_locked"),
}
"""Twilio's error codes → (what to do, its name). https://www.twilio.com/docs/api/errors and, one by one, …/errors/<code>"""

_retry_after: ContextVar[str] = ContextVar("retry_after", default="")


class Listed(msgspec.Struct, frozen=True):
    """A message as Twilio lists it. `at` in UTC ms; `sender` and `to` with their `whatsapp:`."""

    sid: str
    sender: str
    to: str
    body: str
    at: int
    inbound: bool
    media: int
    status: str = ""
    code: int = 0


class Media(msgspec.Struct, frozen=True):
    """A file of a message, as Twilio lists it."""

    url: str
    media_type: str


class Twilio:
    """Calls Twilio and says in our own errors what became of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._client: Client | None = None
        self._closed = False

    def reconfigure(self, settings: Settings) -> None:
        """From now on, these settings; the client is made again at the next call."""
        if settings != self.settings:
            self.settings, self._client = settings, None

    async def close(self) -> None:
        """End the session; what is called after this is Retryable."""
        self._closed = True
        session, self._session, self._client = self._session, None, None
        if session is not None:
            await session.close()

    async def load(self) -> None:
        """Load the SDK beside everything else that goes on."""
        await asyncio.to_thread(import_module, "twilio.rest.api.v2010.account.message")

    async def create(self, **fields: Any) -> str:
        """Send a message from our number; its SID. Raises Retryable, Permanent or Uncertain."""
        sender = f"{PREFIX}{self.settings.number}"
        made = await self._answer(lambda client: client.messages.create_async(from_=sender, **fields))
        failpoint("K19")
        return str(made.sid or "")

    async def typing(self, sid: str) -> None:
        """«Typing …», as the answer to this message, which is marked as read by it: it lasts at most 25 s.

        https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource
        """
        await self._read(
            lambda client: client.messaging.v2.typing_indicator.create_async(channel="whatsapp", message_id=sid)
        )

    async def fetch(self, sid: str) -> Listed:
        """One message. Raises Retryable or Permanent."""
        return _listed(await self._read(lambda client: client.messages(sid).fetch_async()))

    async def listed(self, since: int, *, to: str = "", sender: str = "") -> AsyncIterator[Listed]:
        """Messages to or from an address since `since` (UTC ms), newest first."""
        unset = import_module("twilio.base.values").unset
        after = datetime.fromtimestamp(since / 1000, UTC)
        page = await self._read(
            lambda client: client.messages.page_async(
                to=to or unset, from_=sender or unset, date_sent_after=after, page_size=PAGE
            )
        )
        while page is not None:
            for record in page:
                yield _listed(record)
            page = await self._next(page)

    async def _next(self, page: Any) -> Any:
        return await self._read(lambda _: page.next_page_async())

    async def media(self, sid: str) -> list[Media]:
        """The files of a message."""
        found = await self._read(lambda client: client.messages(sid).media.list_async(limit=10))
        base = f"{self.settings.api_base}/2010-04-01/Accounts/{self.settings.account_sid}/Messages/{sid}/Media"
        return [Media(f"{base}/{one.sid}", str(one.content_type or "")) for one in found]

    async def sender(self) -> Any | None:
        """Our number as Twilio's list of WhatsApp senders has it; None for one that is not there, such as the sandbox's."""
        wanted = f"{PREFIX}{self.settings.number}"
        every = await self._read(lambda client: client.messaging.v2.channels_senders.list_async(channel="whatsapp"))
        return next((one for one in every if one.sender_id == wanted), None)

    async def connect(self, sid: str, webhook: str, status: str) -> None:
        """Where Twilio brings this sender's messages, and where it reports.

        https://www.twilio.com/docs/whatsapp/api/senders#update-a-sender
        """
        from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

        places = {
            "callback_url": webhook, "callback_method": "POST", "status_callback_url": status, "status_callback_method": "POST",
        }  # fmt: skip
        wanted = ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate({"webhook": places})
        await self._read(lambda client: client.messaging.v2.channels_senders(sid).update_async(wanted))

    async def _read(self, call: Callable[[Client], Awaitable[R]]) -> R:
        """A call that may be made again: what may or may not have happened is Retryable."""
        try:
            return await self._answer(call)
        except Uncertain as error:
            raise Retryable(str(error)) from error

    async def _answer(self, call: Callable[[Client], Awaitable[R]]) -> R:
        client = self._open()
        from twilio.base.exceptions import TwilioException

        _retry_after.set("")
        try:
            return await call(client)
        except TwilioException as error:
            raise translated(error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Retryable("Twilio cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Uncertain(f"Twilio's answer was lost: {type(error).__name__}") from error

    def _open(self) -> Client:
        from twilio.rest import Client

        if self._closed:
            raise Retryable("the connection to Twilio is closed")
        if self._client is None:
            settings = self.settings
            if self._session is None:
                timeout = aiohttp.ClientTimeout(total=settings.timeout, connect=settings.timeout / 2)
                proxied = not getproxies().keys().isdisjoint({"http", "https"})
                self._session = aiohttp.ClientSession(
                    timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=proxied
                )
            client = Client(
                settings.account_sid, settings.tokens[0], settings.account_sid, http_client=_http(self._session),
                environment={"": ""},  # region and edge would change the host
            )  # fmt: skip
            if settings.api_base != OFFICIAL:
                client.api.base_url = client.messaging.base_url = settings.api_base
            self._client = client
        return self._client


def _http(session: aiohttp.ClientSession) -> Any:
    """The SDK's way out: over our session, whose time-outs hold (its own client ignores them), without its log of every message."""
    from twilio.http import AsyncHttpClient
    from twilio.http.response import Response

    class Http(AsyncHttpClient):  # type: ignore[misc]
        async def request(
            self, method: str, url: str, params: Any = None, data: Any = None, headers: Any = None, auth: Any = None,
            timeout: float | None = None, allow_redirects: bool = False,  # noqa: ARG002 - the session's holds
        ) -> Any:  # fmt: skip
            """See AsyncHttpClient. Retry-After is kept, because the SDK's exceptions carry no headers."""
            given = dict(headers or {})
            if auth is not None:
                given["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
            as_json = given.get("Content-Type") == "application/json"
            body = json.dumps(_filled(data)) if as_json else _pairs(data)
            async with session.request(
                method, url, params=_pairs(params), data=body, headers=given, allow_redirects=allow_redirects
            ) as answer:
                _retry_after.set(answer.headers.get("Retry-After", ""))
                return Response(answer.status, await answer.text(), answer.headers)

    return Http(logging.getLogger("twilio"), True, None)


def _pairs(fields: Any) -> list[tuple[str, str]] | None:
    if not fields:
        return None
    spread = ((name, value if isinstance(value, list | tuple) else [value]) for name, value in fields.items())
    return [(str(name), _word(value)) for name, values in spread for value in values]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled(value: Any) -> Any:
    """Without what is not set."""
    if isinstance(value, dict):
        return {name: _filled(inner) for name, inner in value.items() if inner is not None}
    return value


def translated(error: Exception) -> GatewayError:
    """Twilio's refusal in our own words. Its message is left out: it may quote the customer's."""
    status = int(getattr(error, "status", 0) or 0)
    response = error.args[1] if len(error.args) > 1 else None  # of a page, whose exception has neither status nor code
    status = status or int(getattr(response, "status_code", 0) or 0)
    code = int(getattr(error, "code", 0) or 0) or _code(getattr(response, "text", ""))
    what, name = ERRORS.get(code, ("", f"twilio_{code}" if code else f"http_{status}"))
    if what == AGAIN or status in (429, 503):
        return Retryable(f"Twilio: {name}", after=_after())
    if what == UNKNOWN or status >= 500 or not status:
        return Uncertain(f"Twilio: {name}")
    return Permanent(name)


def _code(body: str) -> int:
    """The code in an error's body, 0 when there is none."""
    try:
        told = json.loads(body)
        return int(told["code"])
    except (ValueError, TypeError, KeyError):
        return 0


def reason_of(code: str) -> str:
    """The name of an ErrorCode in a status callback."""
    number = int(code) if code.isascii() and code.isdecimal() and len(code) < 9 else 0
    return ERRORS.get(number, ("", f"twilio_{number}" if number else "failed"))[1]


def _after() -> float | None:
    """Seconds that Twilio wants us to wait."""
    value = _retry_after.get()
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 6 else None


def _listed(record: Any) -> Listed:
    sent = record.date_sent or record.date_created
    return Listed(
        sid=str(record.sid or ""),
        sender=str(record.from_ or ""),
        to=str(record.to or ""),
        body=str(record.body or ""),
        at=int(sent.timestamp() * 1000) if sent else 0,
        inbound=str(record.direction) == "inbound",
        media=int(record.num_media or 0),
        status=str(record.status or ""),
        code=int(record.error_code or 0),
    )
