"""How Twilio's servers call the app: signed forms, as patient as the fragment of the address says, and never more than 15 seconds."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp

from demo.twilio.signing import signature

TOTAL = 15.0
LARGEST_FILE = 16 * 1024 * 1024  # https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages


@dataclass(frozen=True)
class Overrides:
    """What stands behind the `#` of a webhook's address: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides

    Seconds; `policies` are what is tried again: `4xx`, `5xx`, `ct` (no connection), `rt` (no answer in time), `all`.
    """

    retries: int = 1
    policies: frozenset[str] = frozenset({"ct"})
    connect: float = 5.0
    read: float = 15.0
    total: float = TOTAL

    @classmethod
    def of(cls, url: str) -> "Overrides":
        given = dict(parse_qsl(urlsplit(url).fragment))
        return cls(
            retries=min(max(int(given.get("rc", 1)), 0), 5),
            policies=frozenset(given.get("rp", "ct").split(",")),
            connect=_seconds(given.get("ct"), 5.0, 0.1, 10.0),
            read=_seconds(given.get("rt"), 15.0, 0.1, 15.0),
            total=_seconds(given.get("tt"), TOTAL, 0.1, TOTAL),
        )

    def again(self, answer: int | str) -> bool:
        kind = answer if isinstance(answer, str) else f"{answer // 100}xx"
        return kind in ("4xx", "5xx", "ct", "rt") and bool(self.policies & {kind, "all"})


def _seconds(value: str | None, default: float, least: float, most: float) -> float:
    return min(max(int(value) / 1000, least), most) if value else default


@dataclass
class Delivery:
    """One webhook and what came of each attempt: a status, `ct` or `rt`."""

    url: str
    fields: Mapping[str, str]
    answers: list[int | str] = field(default_factory=list)
    body: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.answers) and isinstance(self.answers[-1], int) and 200 <= self.answers[-1] < 300


@dataclass
class Courier:
    """Brings forms to the app. `places` says where a public origin really is: signed is what is configured, called is that."""

    token: str = field(repr=False)
    places: dict[str, str] = field(default_factory=dict)
    monotonic: Callable[[], float] = time.monotonic
    deliveries: list[Delivery] = field(default_factory=list)
    _http: aiohttp.ClientSession | None = None

    async def bring(self, url: str, fields: Mapping[str, str]) -> Delivery:
        """Post a form, again as the fragment allows, and then no more: what was not taken stays in the list."""
        delivery, overrides = Delivery(url, fields), Overrides.of(url)
        self.deliveries.append(delivery)
        ends = self.monotonic() + overrides.total
        for _ in range(overrides.retries + 1):
            left = ends - self.monotonic()
            if left <= 0:
                break
            delivery.answers.append(await self._post(delivery, overrides, left))
            if not overrides.again(delivery.answers[-1]):
                break
        return delivery

    async def _post(self, delivery: Delivery, overrides: Overrides, left: float) -> int | str:
        headers = {"X-Twilio-Signature": signature(self.token, delivery.url, delivery.fields)}
        headers |= {"User-Agent": "TwilioProxy/1.1", "I-Twilio-Idempotency-Token": f"{id(delivery):x}"}
        timeout = aiohttp.ClientTimeout(total=min(left, overrides.read), sock_connect=overrides.connect)
        try:
            async with self._session().post(
                self._place(delivery.url), data=dict(delivery.fields), headers=headers, timeout=timeout
            ) as answer:
                delivery.body = await answer.text()
                return answer.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return "ct"
        except (aiohttp.ClientError, TimeoutError):
            return "rt"

    async def fetch(self, url: str) -> tuple[bytes, str] | None:
        """(content, media type) of a file that the app wants sent; None where none is given."""
        try:
            async with self._session().get(self._place(url), timeout=aiohttp.ClientTimeout(total=TOTAL)) as answer:
                content = await answer.read()
                fine = answer.status == 200 and 0 < len(content) <= LARGEST_FILE
                return (content, answer.content_type) if fine else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _place(self, url: str) -> str:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        return self.places.get(origin, origin) + urlunsplit(("", "", parts.path, parts.query, ""))

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._http

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
        self._http = None
        await asyncio.sleep(0)
