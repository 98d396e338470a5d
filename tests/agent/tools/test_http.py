"""Tools over real HTTP: where arguments go, who is told a secret, and what an answer means."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import OctKey

from agent.identity import Identity, own_word
from agent.spec import HttpCall
from agent.tools.http import BadArguments, HttpTools, request

NOW = 1_716_300_000_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOBODY = Identity("web:x", "none", False)


def bearer(token: str) -> Identity:
    return Identity("web:u1", "site", True, _authorize=lambda host, now: token)


class Far:
    """A far end that answers as told and remembers what it was asked."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.asked: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.answers: list[Any] = []
        self.pauses: list[float] = []
        self.tools = HttpTools(session, lambda: NOW, self._sleep)
        self.server = TestServer(self._app())

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        return app

    async def _handle(self, asked: web.Request) -> web.StreamResponse:
        self.asked.append(asked)
        self.bodies.append(await asked.read())
        answer = self.answers.pop(0) if self.answers else web.json_response({"ok": True})
        if callable(answer):
            answer = await answer(asked)
        if isinstance(answer, int):
            answer = web.json_response({"code": answer}, status=answer)
        assert isinstance(answer, web.StreamResponse)
        return answer

    def url(self, path: str = "/") -> str:
        return str(self.server.make_url(path)).replace("%7B", "{").replace("%7D", "}")

    async def call(
        self,
        args: dict[str, Any] | None = None,
        who: Identity = NOBODY,
        *,
        write: bool = False,
        key: str = "",
        **http: Any,
    ) -> Any:
        declared = HttpCall.model_validate({"url": self.url("/"), **http})
        return await self.tools.call(declared, args or {}, who, write=write, key=key)


@pytest.fixture
async def far(session: aiohttp.ClientSession) -> Any:
    far = Far(session)
    await far.server.start_server()
    yield far
    await far.server.close()


async def hang(asked: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def cut(asked: web.Request) -> web.StreamResponse:
    assert asked.transport is not None
    asked.transport.abort()
    return web.Response()


async def test_arguments_in_the_url_go_there_and_nowhere_else(far: Far) -> None:
    await far.call(
        {"id": "A/../1 ü?#", "a": [1, 2], "b": True, "c": Decimal("1.50"), "n": None}, url=far.url("/o/{id}/x")
    )
    assert far.asked[0].raw_path == "/o/A%2F..%2F1%20%C3%BC%3F%23/x?a=1&a=2&b=true&c=1.50"
    await far.call({"id": "1", "amount": Decimal("189.40")}, url=far.url("/o/{id}"), method="POST", write=True)
    assert (far.asked[1].raw_path, far.bodies[1]) == ("/o/1", b'{"amount":189.40}')
    await far.call({"id": "1", "q": "x"}, url=far.url("/o/{id}?fixed=1"), method="DELETE", write=True)
    assert (far.asked[2].raw_path, far.bodies[2]) == ("/o/1?fixed=1&q=x", b"")


@pytest.mark.parametrize("value", ["..", ".", "", None])
def test_a_value_that_would_change_the_path_is_refused(value: Any) -> None:
    with pytest.raises(BadArguments):
        request(HttpCall(url="https://x.example/o/{id}/refund"), {"id": value})


async def test_numbers_come_back_as_written(far: Far) -> None:
    far.answers = [web.Response(text='{"amount": 189.40, "n": 3}', content_type="application/json")]
    reply = await far.call()
    assert reply.result == {"amount": Decimal("189.40"), "n": 3}


@pytest.mark.parametrize(("text", "expected"), [("", {}), ("plain", {"text": "plain"}), ("[1]", [1])])
async def test_an_answer_need_not_be_an_object(far: Far, text: str, expected: Any) -> None:
    far.answers = [web.Response(text=text)]
    assert (await far.call()).result == expected


async def test_an_endless_answer_is_cut(far: Far) -> None:
    far.answers = [web.Response(body=b"x" * 1_500_000)]
    assert (await far.call()).result == {"truncated": True}


@pytest.mark.parametrize(
    ("answers", "status", "times"),
    [
        ([404], "error", 1),
        ([500, 200], "ok", 2),
        ([503, 503, 200], "error", 2),
        ([429, 200], "ok", 2),
        ([cut, 200], "ok", 2),
    ],
)
async def test_a_read_is_tried_twice(far: Far, answers: list[Any], status: str, times: int) -> None:
    far.answers = answers
    assert ((await far.call()).status, len(far.asked)) == (status, times)


@pytest.mark.parametrize(
    ("answers", "idempotent", "status", "times"),
    [
        ([422], True, "error", 1), ([409], True, "error", 1), ([500, 201], True, "ok", 2), ([500, 500, 500], True, "unknown", 3),
        ([cut, 201], True, "ok", 2), ([cut, 409, 201], True, "ok", 3), ([cut, 401, 401], True, "unknown", 3),
        ([cut, 422], True, "error", 2),
        ([429, 201], True, "ok", 2), ([429, 429, 429], True, "error", 3), ([500], False, "unknown", 1), ([cut], False, "unknown", 1),
        ([429], False, "error", 1), ([400], False, "error", 1),
    ],
)  # fmt: skip
async def test_a_write_says_honestly_what_became_of_it(
    far: Far, answers: list[Any], idempotent: bool, status: str, times: int
) -> None:
    far.answers = answers
    reply = await far.call({"a": 1}, method="POST", idempotent=idempotent, write=True, key="k1")
    assert (reply.status, len(far.asked)) == (status, times)
    assert {asked.headers.get("Idempotency-Key") for asked in far.asked} == ({"k1"} if idempotent else {None})
    assert len(set(far.bodies)) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
async def test_no_write_is_repeated_behind_our_back(far: Far, method: str) -> None:
    """aiohttp would send PUT and DELETE again by itself when the connection breaks after the request."""
    assert (await far.call(method=method, write=True)).status == "ok"
    far.answers = [cut]
    assert (await far.call(method=method, write=True)).status == "unknown"
    assert len(far.asked) == 2


async def test_a_write_without_an_answer_in_time_is_unknown(far: Far) -> None:
    far.answers = [hang]
    assert (await far.call(method="POST", write=True, timeout="200ms")).status == "unknown"


async def test_a_far_end_that_is_not_there_did_nothing(session: aiohttp.ClientSession) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    tools = HttpTools(session, lambda: NOW, lambda seconds: asyncio.sleep(0))
    reply = await tools.call(HttpCall(url=url, method="POST", idempotent=True), {}, NOBODY, write=True, key="k")
    assert (reply.status, reply.result) == ("error", {"error": "the service cannot be reached"})


async def test_credentials_by_declaration(far: Far) -> None:
    await far.call(who=bearer("customer-token"))
    await far.call(who=bearer("customer-token"), auth="customer")
    await far.call(who=bearer("customer-token"), auth={"bearer": "service-key"})
    assert [asked.headers.get("Authorization") for asked in far.asked] == [
        None,
        "Bearer customer-token",
        "Bearer service-key",
    ]


async def test_a_redirect_elsewhere_gets_no_credentials(far: Far, session: aiohttp.ClientSession) -> None:
    other = Far(session)
    await other.server.start_server()
    far.answers = [web.Response(status=302, headers={"Location": other.url("/elsewhere")})]
    await far.call(who=bearer("customer-token"), auth="customer")
    assert [asked.headers.get("Authorization") for asked in other.asked] == [None]
    far.answers = [web.Response(status=302, headers={"Location": "/here"})]
    await far.call(who=bearer("customer-token"), auth="customer")
    assert far.asked[-1].headers["Authorization"] == "Bearer customer-token"
    await other.server.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_write_is_never_sent_elsewhere(far: Far, status: int) -> None:
    far.answers = [web.Response(status=status, headers={"Location": far.url("/other")})]
    assert ((await far.call(method="POST", write=True)).status, len(far.asked)) == ("error", 1)


async def test_redirects_end(far: Far) -> None:
    far.answers = [web.Response(status=302, headers={"Location": "/again"}) for _ in range(9)]
    assert ((await far.call()).status, len(far.asked)) == ("error", 4)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd", "ftp://x.example/", "javascript:alert(1)", "http://[::1]/", "http://169.254.169.254/", "http://10.0.0.1/",
        "http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://user@10.0.0.1/", "http://[::ffff:10.0.0.1]/",
        "http://db.internal/",
    ],
)  # fmt: skip
async def test_a_redirect_inside_or_to_something_else_than_http_is_an_error(far: Far, location: str) -> None:
    far.answers = [web.Response(status=302, headers={"Location": location})]
    assert (await far.call()).status == "error"


async def test_errors_hold_no_secret(far: Far) -> None:
    far.answers = [cut, cut]
    reply = await far.call(who=bearer("customer-token"), auth="customer")
    assert "customer-token" not in repr(reply) + repr(bearer("customer-token"))


def test_the_gateways_word() -> None:
    secret = "an-assertion-secret-of-32-bytes!!"
    word = own_word(secret, "whatsapp:+34600", "channel", "shop.example", NOW)
    token = jwt.decode(word, OctKey.import_key(secret), algorithms=["HS256"])
    assert token.claims == {
        "iss": "support-gateway", "aud": "shop.example", "sub": "whatsapp:+34600", "verified": "channel", "exp": NOW // 1000 + 60
    }  # fmt: skip
