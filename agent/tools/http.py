"""A declared tool as one HTTP request, and what its answer means."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from agent.identity import Identity
from agent.spec import PLACEHOLDER, Bearer, HttpCall
from bus.canonical import decode_numbers, encode
from bus.failpoint import failpoint

LARGEST_ANSWER = 1_000_000
REDIRECTS = 3
PAUSES = (0.2, 1.0)
BUSY = frozenset({409, 423, 425})
DOUBTFUL = frozenset({408, 500, 502, 503, 504})


class Reply(msgspec.Struct, frozen=True):
    """What became of a call. error: it did not happen, or the far end said no. unknown: a writing call without a clear answer."""

    status: Literal["ok", "error", "unknown"]
    result: Any
    code: int = 0


class BadArguments(Exception):
    """The arguments do not make a URL of this tool."""


class _Answer(msgspec.Struct, frozen=True):
    code: int
    body: Any


class _Lost(Exception):
    """The request may have arrived; the answer did not."""


class _Dropped(Exception):
    """The connection broke after the request was sent."""


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp repeats PUT and DELETE by itself when a connection breaks; whether a call may be repeated is the spec's word alone."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped from error


class _Unsent(Exception):
    """The far end was not reached."""


class HttpTools:
    """Calls tools. `clock` in UTC ms; `sleep` is there for tests."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._clock = clock
        self._sleep = sleep

    async def call(
        self, http: HttpCall, args: Mapping[str, Any], who: Identity, *, write: bool, key: str = ""
    ) -> Reply:
        """Call it. A read is tried twice; a write again only with its idempotency key. Never raises for what the far end does."""
        try:
            target, body = request(http, args)
        except BadArguments as error:
            return Reply("error", {"error": str(error)})
        if write:
            return await self._write(http, target, body, who, key)
        return await self._read(http, target, body, who)

    async def _read(self, http: HttpCall, target: URL, body: bytes | None, who: Identity) -> Reply:
        reply = Reply("error", {"error": "no answer"})
        for pause in (0, PAUSES[0]):
            await self._sleep(pause)
            try:
                answer = await self._once(http, target, body, who, "")
            except (_Lost, _Unsent) as error:
                reply = Reply("error", {"error": str(error)})
                continue
            reply = _judged(answer)
            if answer.code not in DOUBTFUL | {429}:
                break
        return reply

    async def _write(self, http: HttpCall, target: URL, body: bytes | None, who: Identity, key: str) -> Reply:
        doubt, reply = False, Reply("error", {"error": "no answer"})
        for pause in (0.0, *PAUSES) if http.idempotent else (0.0,):
            await self._sleep(pause)
            try:
                answer = await self._once(http, target, body, who, key)
            except (_Unsent, _Lost) as error:
                doubt = doubt or isinstance(error, _Lost)
                reply = Reply("error", {"error": str(error)})
                continue
            reply = _judged(answer)
            if not _again(answer.code, doubt):
                return reply
            doubt = doubt or answer.code in DOUBTFUL
        return msgspec.structs.replace(reply, status="unknown") if doubt else reply

    async def _once(self, http: HttpCall, target: URL, body: bytes | None, who: Identity, key: str) -> _Answer:
        """One request, following redirects of reads; credentials go to the declared host alone. Raises _Lost, _Unsent."""
        timeout = aiohttp.ClientTimeout(total=http.timeout / 1000)
        home = target.origin()
        for _ in range(REDIRECTS + 1):
            headers = self._headers(http, target, home, who, key, body)
            try:
                async with self._session.request(
                    http.method,
                    target,
                    data=body,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                    middlewares=(_never_twice,),
                ) as response:
                    if key:
                        failpoint("K15")
                    onward = _onward(http, response, home)
                    if onward is None:
                        return _Answer(response.status, await _content(response))
                    target = onward
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
                raise _Unsent("the service cannot be reached") from error
            except (_Dropped, aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _Lost("the service did not answer") from error
        return _Answer(508, {"error": "too many redirects"})

    def _headers(
        self, http: HttpCall, target: URL, home: URL, who: Identity, key: str, body: bytes | None
    ) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "support-gateway"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key and http.idempotent:
            headers["Idempotency-Key"] = key
        if target.origin() == home and (token := self._token(http, home, who)):
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _token(self, http: HttpCall, home: URL, who: Identity) -> str:
        if isinstance(http.auth, Bearer):
            return http.auth.bearer.get_secret_value()
        return who.authorize(home.host or "", self._clock()) if http.auth == "customer" else ""


def request(http: HttpCall, args: Mapping[str, Any]) -> tuple[URL, bytes | None]:
    """(URL, JSON body or None). Arguments named in the URL go there and nowhere else. Raises BadArguments."""
    rest = {name: value for name, value in args.items() if name not in http.in_url and value is not None}
    text = PLACEHOLDER.sub(lambda found: _segment(found[1], args.get(found[1])), http.url)
    if http.method not in ("GET", "DELETE"):
        return URL(text, encoded=True), encode(rest)
    if rest:
        text += ("&" if "?" in text else "?") + urlencode(list(_pairs(rest)), quote_via=quote)
    return URL(text, encoded=True), None


def _segment(name: str, value: Any) -> str:
    text = _text(value)
    if text in ("", ".", ".."):
        raise BadArguments(f"{name}: cannot stand in the URL")
    return quote(text, safe="")


def _pairs(rest: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, value in rest.items():
        pairs += [(name, _text(item)) for item in (value if isinstance(value, list) else [value])]
    return pairs


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict | list):
        return encode(value).decode()
    return "" if value is None else str(value)


def _onward(http: HttpCall, response: aiohttp.ClientResponse, home: URL) -> URL | None:
    """Where a read is redirected to. A write is never repeated elsewhere, and nobody is sent into our own network."""
    location = response.headers.get("Location")
    if http.method != "GET" or response.status not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        target = response.url.join(URL(location))
    except ValueError:
        return None
    if target.scheme not in ("http", "https") or not target.host:
        return None
    return target if target.host == home.host or not _is_inside(target.host) else None


def _is_inside(host: str) -> bool:
    """True for an address that is not one of the public internet, however it is written."""
    with contextlib.suppress(ValueError, OSError):
        address = ipaddress.ip_address(host)
        return not address.is_global or address.is_multicast
    with contextlib.suppress(OSError):
        socket.inet_aton(host)  # 127.1, 0x7f.1, 2130706433
        return True
    return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


async def _content(response: aiohttp.ClientResponse) -> Any:
    data = await response.content.read(LARGEST_ANSWER + 1)
    while len(data) <= LARGEST_ANSWER and not response.content.at_eof():
        data += await response.content.read(LARGEST_ANSWER + 1 - len(data))
    if len(data) > LARGEST_ANSWER:
        response.close()
        return {"error": "the answer is too large"} if response.status >= 400 else {"truncated": True}
    if not data.strip():
        return {}
    try:
        return decode_numbers(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"text": data.decode("utf-8", "replace")[:4000]}


def _again(code: int, doubt: bool) -> bool:
    """True for an answer that settles nothing. After a lost one, «busy» and «who are you» say nothing about the first try."""
    return code in DOUBTFUL or code == 429 or (doubt and code in BUSY | {401, 403})


def _judged(answer: _Answer) -> Reply:
    if 200 <= answer.code < 300:
        return Reply("ok", answer.body, answer.code)
    return Reply("error", {"status": answer.code, "error": answer.body}, answer.code)
