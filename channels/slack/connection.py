"""The one door to Slack's Web API. Plain HTTP: the SDK's client costs more per call than all the rest of a relayed message."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies

import aiohttp
import msgspec

from bus.errors import GatewayError, Permanent, Retryable, Uncertain
from channels.slack.settings import SlackSettings

Json = dict[str, Any]

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
NOT_YET = frozenset({"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org", "request_timeout"})
WHO_KNOWS = frozenset({"fatal_error", "internal_error"})
MALFORMED = frozenset({
    "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_metadata_format",
    "invalid_metadata_schema", "metadata_too_large", "block_mismatch", "markdown_text_conflict",
})  # fmt: skip


class Identity(msgspec.Struct, frozen=True):
    """Our own app in its workspace, as auth.test tells it."""

    team: str
    user: str
    bot: str


class Connection:
    """Calls Slack and says in our own errors what became of it."""

    def __init__(self, settings: SlackSettings) -> None:
        self.settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._identity: Identity | None = None
        self._closed = False

    def reconfigure(self, settings: SlackSettings) -> None:
        """From now on, these settings; another app is asked who it is."""
        if settings != self.settings:
            self.settings, self._identity = settings, None

    async def close(self) -> None:
        """End the session; what is called after this is Retryable."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def user(self) -> str:
        """Our bot's user id, "" while it is not known."""
        return self._identity.user if self._identity else ""

    async def identity(self) -> Identity:
        """Who we are, asked once. Raises what `call` raises."""
        if self._identity is None:
            told = await self.read("auth.test")
            self._identity = Identity(
                str(told.get("team_id", "")), str(told.get("user_id", "")), str(told.get("bot_id", ""))
            )
        return self._identity

    async def known(self) -> None:
        """Find out who we are, if Slack says so now."""
        with contextlib.suppress(GatewayError):
            await self.identity()

    async def call(self, method: str, **arguments: Any) -> Json:
        """A writing method, by Slack's name. Raises Retryable, Permanent or Uncertain."""
        return await self._answer(method, msgspec.json.encode(arguments), "application/json; charset=utf-8")

    async def read(self, method: str, **arguments: Any) -> Json:
        """A reading method, which takes a form alone. Raises Retryable or Permanent: nothing can have happened."""
        form = urlencode({name: int(value) if isinstance(value, bool) else value for name, value in arguments.items()})
        try:
            return await self._answer(method, form.encode(), "application/x-www-form-urlencoded")
        except Uncertain as error:
            raise Retryable(str(error)) from error

    async def _answer(self, method: str, body: bytes, kind: str) -> Json:
        url = f"{self.settings.api_base.rstrip('/')}/{method}"
        headers = {"Authorization": f"Bearer {self.settings.bot_token.get_secret_value()}", "Content-Type": kind}
        limit = aiohttp.ClientTimeout(total=self.settings.timeout, connect=self.settings.timeout / 2)
        try:
            async with self._open().post(url, data=body, headers=headers, timeout=limit) as response:
                told = _read(await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Retryable("Slack cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Uncertain(f"Slack's answer was lost: {type(error).__name__}") from error
        if response.status == 200 and told.get("ok"):
            return told
        raise refused(response.status, str(told.get("error") or ""), response.headers)

    def _open(self) -> aiohttp.ClientSession:
        """One session for all calls. The environment is asked for a proxy only where it names one: aiohttp reads it for each call."""
        if self._closed:
            raise Retryable("the connection to Slack is closed")
        if self._session is None:
            proxied = not getproxies().keys().isdisjoint({"http", "https"})
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=proxied)
        return self._session


def _read(body: bytes) -> Json:
    """An answer that is no object says nothing."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def refused(status: int, code: str, headers: Mapping[str, str]) -> GatewayError:
    """Slack's refusal in our own words."""
    if status in (429, 503) or code in NOT_YET:
        return Retryable(
            f"Slack: {code or ('service_unavailable' if status == 503 else 'ratelimited')}", after=_after(headers)
        )
    if code in WHO_KNOWS or status >= 500 or not code:
        return Uncertain(f"Slack: {code or f'HTTP {status}'}")
    return Permanent(code)


def _after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Slack wants us to wait."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
