"""The one door to Slack's Web API. Retries are the outbox's business, so the SDK's are off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import aiohttp
import msgspec

from bus.errors import GatewayError, Permanent, Retryable, Uncertain
from bus.failpoint import failpoint
from channels.slack.settings import SlackSettings

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

Json = dict[str, Any]
UPLOADS = aiohttp.ClientTimeout(total=120)

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
        self._client: AsyncWebClient | None = None
        self._identity: Identity | None = None
        self._closed = False

    def reconfigure(self, settings: SlackSettings) -> None:
        """From now on, these settings; another app or place is another client, made at the next call."""
        if settings != self.settings:
            self.settings, self._client, self._identity = settings, None, None

    async def close(self) -> None:
        """End the session; what is called after this is Retryable."""
        self._closed = True
        session, self._session, self._client = self._session, None, None
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
        """Find out who we are, if Slack says so now. The SDK is loaded beside everything else that goes on."""
        await asyncio.to_thread(import_module, "slack_sdk.web.async_client")
        with contextlib.suppress(GatewayError):
            await self.identity()

    async def call(self, method: str, **arguments: Any) -> Json:
        """A writing method, by Slack's name. Raises Retryable, Permanent or Uncertain."""
        return await self._answer(method, arguments)

    async def read(self, method: str, **arguments: Any) -> Json:
        """A reading method. Raises Retryable or Permanent: nothing can have happened."""
        try:
            return await self._answer(method, arguments)
        except Uncertain as error:
            raise Retryable(str(error)) from error

    async def _answer(self, method: str, arguments: Json) -> Json:
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            response = await getattr(self._open(), method.replace(".", "_"))(**arguments)
            failpoint("K19")
        except SlackApiError as error:
            raise translated(error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Retryable("Slack cannot be reached") from error
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
            raise Uncertain(f"Slack's answer was lost: {type(error).__name__}") from error
        return dict(response.data) if isinstance(response.data, dict) else {}

    async def upload(self, url: str, path: Path) -> None:
        """Bring a file's bytes to where Slack has said. Raises Permanent and Retryable: nobody sees it yet."""
        self._open()
        assert self._session is not None  # noqa: S101 - just opened
        try:
            with path.open("rb") as content:
                async with self._session.post(url, data=content, timeout=UPLOADS) as answer:
                    if answer.status == 200:
                        return
                    refused = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Retryable("Slack did not take the file") from error
        if refused == 429 or refused >= 500:
            raise Retryable(f"Slack did not take the file: {refused}")
        raise Permanent("file_not_taken", f"Slack refused the file: {refused}")

    def _open(self) -> AsyncWebClient:
        """One session for all calls: without it the SDK opens a connection, with its handshake, for each."""
        from slack_sdk.web.async_client import AsyncWebClient

        if self._closed:
            raise Retryable("the connection to Slack is closed")
        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=self.settings.timeout, connect=self.settings.timeout / 2)
            proxied = not getproxies().keys().isdisjoint({"http", "https"})  # else aiohttp looks for one at each call
            self._session = self._session or aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=proxied, json_serialize=_json
            )
            self._client = AsyncWebClient(
                token=self.settings.bot_token.get_secret_value(),
                base_url=self.settings.api_base.rstrip("/") + "/",
                session=self._session,
                retry_handlers=[],
                logger=logging.getLogger("slack_sdk"),  # its own has no level: every request was written out for nobody
            )
            self._client.proxy = (
                None  # the session knows the environment's proxies, and NO_PROXY, which the SDK does not
            )
        return self._client


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def translated(error: SlackApiError) -> GatewayError:
    """Slack's refusal in our own words."""
    status = int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0) or 0)
    data = getattr(error.response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or code in NOT_YET:
        return Retryable(f"Slack: {code or 'ratelimited'}", after=_after(error))
    if status == 503:
        return Retryable("Slack: service_unavailable", after=_after(error))
    if code in WHO_KNOWS or status >= 500 or not code:
        return Uncertain(f"Slack: {code or f'HTTP {status}'}")
    return Permanent(code)


def _after(error: SlackApiError) -> float | None:
    """Seconds that Slack wants us to wait."""
    headers = getattr(error.response, "headers", None) or {}
    value = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    return float(value) if value.isdecimal() else None
