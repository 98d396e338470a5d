"""The example of docs/adding-a-channel.md, as the contract suite sees it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bus.errors import Permanent, Retryable, Uncertain
from tests.channels.contract.platform import Answer, Call, Json, Platform, Refusal
from tests.channels.contract.rig import Rig
from tests.support.businesses import serving
from tests.support.clock import NOW
from tests.third_party.letterbox import signature

SECRET = "a-secret-of-the-letterbox-0123456789"


class Adapter(Platform):
    """Signed letters, and a far end that keeps one per id."""

    path = "/webhooks/letterbox"
    named = 1
    secrets = (SECRET,)

    def __init__(self) -> None:
        super().__init__()
        self._letters: dict[str, Json] = {}

    @asynccontextmanager
    async def standing(self, rig: Rig) -> AsyncIterator[None]:
        app = web.Application(middlewares=[self.far.middleware])
        app.router.add_post("/letters", self._take)
        async with serving(app) as self._url:
            yield

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        assert request.headers["X-Signature"] == _sign(raw)
        letter = json.loads(raw)
        self._letters.setdefault(letter["id"], letter)
        return web.Response()

    def section(self) -> Json:
        return {"kind": "letterbox", "secret": SECRET, "deliver_to": f"{self._url}/letters"}

    def unsafe(self) -> Iterable[Json]:
        return ({**self.section(), "secret": ""},)

    async def says(self, person: int, number: int, text: str, **unknown: Any) -> Call:
        letter = {"id": f"{person}-{number}", "sender": f"person-{person}", "text": text, "at": NOW}
        return self.proved(json.dumps(letter | unknown).encode())

    def again(self, call: Call) -> Call:
        return call

    def proved(self, body: bytes) -> Call:
        return Call(self.path, body, {"X-Signature": _sign(body)})

    def forged(self, call: Call) -> Iterator[Call]:
        right = call.headers["X-Signature"]
        yield call._replace(headers={})
        for sign in ("", "0" * 64, right[:-1], right + "0", right.upper() + "x", "é" * 64, "a" * 4_000):
            yield call._replace(headers={"X-Signature": sign})
        yield call._replace(body=call.body + b" ")

    def malformed(self) -> Iterator[Call]:
        for body in (
            b"",
            b"{",
            b"[]",
            b'{"id": 1}',
            b"\xff",
            b"[" * 5_000,
            b'{"id":"1","sender":"a","text":"","at":1}',
        ):
            yield self.proved(body)

    def is_message(self, request: web.Request) -> bool:
        return request.path == "/letters"

    def heard(self, person: int) -> list[str]:
        return [letter["text"] for letter in self._letters.values() if letter["to"] == f"person-{person}"]

    def too_many(self, after: int) -> Answer:
        return Answer(429, "", {"Retry-After": str(after)})

    def gone(self) -> Refusal:
        return Refusal(Answer(410), Permanent, "refused")

    def refusals(self) -> Iterable[Refusal]:
        yield self.gone()
        yield Refusal(self.too_many(7), Retryable, after=7)
        yield Refusal(Answer(503), Retryable)
        yield Refusal(Answer(500), Uncertain)


def _sign(raw: bytes) -> str:
    return signature(SecretStr(SECRET), raw)
