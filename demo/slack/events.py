"""How Slack's servers call the app: signed requests, three seconds' patience, three retries."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from demo.slack.socket import Sockets

Json = dict[str, Any]
PATIENCE = 3.0
RETRIES = (0.0, 60.0, 300.0)  # seconds before each: https://docs.slack.dev/apis/events-api/#retries


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


@dataclass
class Delivery:
    """One event or press, and what the app answered to each attempt: a status, or why there was none."""

    kind: str
    payload: Json
    answers: list[int | str] = field(default_factory=list)
    body: str = ""

    @property
    def ok(self) -> bool:
        last = self.answers[-1] if self.answers else 0
        return isinstance(last, int) and 200 <= last < 300


@dataclass
class Courier:
    """Brings events and presses to the app: to its sockets where it has opened any, else to `gateway_url`."""

    clock: Callable[[], int]
    signing_secret: str = field(repr=False)
    gateway_url: str = ""
    retry_scale: float = 1.0
    patience: float = PATIENCE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    deliveries: list[Delivery] = field(default_factory=list)
    sockets: Sockets | None = None
    _http: aiohttp.ClientSession | None = None

    @property
    def listened_to(self) -> bool:
        return bool(self.gateway_url) or self._by_socket is not None

    @property
    def _by_socket(self) -> Sockets | None:
        return self.sockets if self.sockets is not None and self.sockets.connected else None

    async def event(self, envelope: Json) -> Delivery:
        """Post an event; again after each failure, as often as Slack does."""
        delivery = Delivery(str(envelope.get("event", envelope).get("type")), envelope)
        self.deliveries.append(delivery)
        await self._bring(delivery, 0)
        for number, seconds in enumerate(RETRIES, start=1):
            if delivery.ok or delivery.answers[-1] == "no_retry":
                break
            await self.sleep(seconds * self.retry_scale)
            await self._bring(delivery, number)
        return delivery

    async def interaction(self, payload: Json) -> Delivery:
        """Post a press or a submitted view; Slack shows the person an error instead of trying again."""
        delivery = Delivery(str(payload["type"]), payload)
        self.deliveries.append(delivery)
        if socket := self._by_socket:
            delivery.answers.append(await socket.deliver("interactive", payload, 0, ""))
        else:
            body = urlencode({"payload": json.dumps(payload)}).encode()
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            delivery.answers.append(await self._post("interactive", body, form, delivery))
        return delivery

    async def _bring(self, delivery: Delivery, attempt: int) -> None:
        reason = _reason(delivery.answers[-1]) if delivery.answers else ""
        if socket := self._by_socket:
            answer = await socket.deliver("events_api", delivery.payload, attempt, reason)
        else:
            retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
            headers = {"Content-Type": "application/json"} | retry
            answer = await self._post("events", json.dumps(delivery.payload).encode(), headers, delivery)
        delivery.answers.append(answer)

    async def _post(self, path: str, body: bytes, headers: dict[str, str], delivery: Delivery) -> int | str:
        url = f"{self.gateway_url}/webhooks/slack/{path}"
        try:
            async with self._session().post(url, data=body, headers=self._signed(body) | headers) as answer:
                delivery.body = await answer.text()
                failed = not 200 <= answer.status < 300
                return "no_retry" if failed and answer.headers.get("X-Slack-No-Retry") else answer.status
        except TimeoutError:
            return "http_timeout"
        except aiohttp.ClientError:
            return "connection_failed"

    def _signed(self, body: bytes) -> dict[str, str]:
        timestamp = str(self.clock() // 1000)
        return {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.signing_secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=self.patience)
            self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._http

    async def close(self) -> None:
        if self.sockets is not None:
            await self.sockets.close()
        if self._http is not None:
            await self._http.close()


def _reason(answer: int | str) -> str:
    return "http_error" if isinstance(answer, int) else answer
