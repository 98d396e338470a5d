"""The widget's far end, as the contract suite sees it: a browser brings the words, and fetches the answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.channels.contract.platform import Call, Json, Platform
from tests.channels.contract.rig import Rig

SECRET = "the-shop-signs-with-this-very-long-secret"
MALFORMED = (
    b"", b"{", b"[]", b"null", b"\xff", b"[" * 5_000, b'{"id":"m"}', b'{"id":5,"text":"hi"}', b'{"id":"m","text":""}',
    b'{"id":"m","text":"a","press":{}}', b'{"id":"m","press":{"message":"m1"}}', b'{"id":"\\ud800","text":"hi"}',
)  # fmt: skip


class Adapter(Platform):
    """Sessions with a bearer; a message's id is the client's own."""

    path = "/web/messages"
    accepted = 202
    most = 64 * 1024
    brings = frozenset({"message", "press"})
    secrets = (SECRET,)
    random = "(?<=visitor:)[0-9a-f]{32}"

    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[int, str] = {}

    async def begin(self, rig: Rig) -> None:
        self._rig = rig

    def section(self) -> Json:
        return {"allowed_origins": ["https://shop.example"], "identity_secret": SECRET}

    def unsafe(self) -> Iterable[Json]:
        return ({**self.section(), "identity_secret": "too short"}, {**self.section(), "allowed_origins": ["*"]})

    async def _session(self, person: int) -> str:
        if person not in self._sessions:
            async with self._rig.http.post(f"{self._rig.url}/web/sessions", json={}) as answer:
                assert answer.status == 201
                self._sessions[person] = (await answer.json())["session"]
        return self._sessions[person]

    async def says(self, person: int, number: int, text: str, **unknown: Any) -> Call:
        body = json.dumps({"id": f"m-{number}", "text": text} | unknown).encode()
        return Call(self.path, body, _headers(await self._session(person)))

    def again(self, call: Call) -> Call:
        return call

    def proved(self, body: bytes) -> Call:
        return Call(self.path, body, _headers(next(iter(self._sessions.values()))))

    def forged(self, call: Call) -> Iterator[Call]:
        token = call.headers["Authorization"].removeprefix("Bearer ")
        yield call._replace(headers={"Content-Type": "application/json"})
        for given in (
            "",
            "x",
            token[:-1] + ("A" if token[-1] != "A" else "B"),
            token + "A",
            token.swapcase(),
            "é" * 30,
            "a" * 4_000,
        ):
            yield call._replace(headers=_headers(given))
        yield call._replace(headers={**call.headers} | {"Authorization": f"Basic {token}"})

    def malformed(self) -> Iterator[Call]:
        for body in MALFORMED:
            yield self.proved(body)

    async def recorded(self, payload: Json) -> Call:
        return Call(self.path, json.dumps(payload).encode(), _headers(await self._session(0)))

    def offered(self) -> Mapping[str, str]:
        return {"message": f"m{self._rig.lines()}"}

    def foreign(self) -> Iterator[Call]:
        plain = self.proved(b'{"id":"m-foreign","text":"hi"}')
        for origin in ("https://evil.example", "null", "https://shop.example.evil.com", "https://evilshop.example"):
            yield plain._replace(headers={**plain.headers} | {"Origin": origin})


def _headers(token: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
