"""The world as a whole: its pages, what the desk page may do, the log proxy, and what is left after a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from demo import tokens
from demo.slack.people import DESK, SARA
from demo.world import Secrets, World, serve
from tests.demo.conftest import NOW, Listener


@pytest.fixture
async def page(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser on the origin that serves the world's pages."""
    app = web.Application()
    app.add_routes(world.routes())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(base) as session:
        yield session
    world.end_streams()
    await runner.cleanup()


@pytest.mark.parametrize("path", ["/", "/shop", "/desk", "/log", "/phones"])
async def test_pages_load_nothing_from_elsewhere(page: aiohttp.ClientSession, path: str) -> None:
    async with page.get(path) as answer:
        text = await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.status == 200
    assert "https://" not in text
    assert "http://" not in text


@pytest.mark.parametrize("name", ["desk.js", "desk.css", "icon.svg"])
async def test_style_and_script_are_served(page: aiohttp.ClientSession, name: str) -> None:
    async with page.get(f"/demo/static/{name}") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("name", ["shop.html", "nothing.js", "..%2fshop.py"])
async def test_nothing_else_is_served(page: aiohttp.ClientSession, name: str) -> None:
    async with page.get(f"/demo/static/{name}") as answer:
        assert answer.status == 404


async def test_the_widget_gets_a_signed_identity(page: aiohttp.ClientSession, world: World) -> None:
    async with page.get("/shop") as answer:
        identity = (await answer.text()).partition('data-identity="')[2].partition('"')[0]
    claims = tokens.read(identity, world.secrets.web_identity_secret, NOW)
    assert claims is not None
    assert (claims["sub"], claims["name"]) == ("cus_1001", "Ana Ruiz")
    customer = world.shop.who(claims["token"], ())
    assert customer is not None
    assert customer.name == "Ana Ruiz"


async def test_a_visitor_has_none(page: aiohttp.ClientSession) -> None:
    async with page.get("/shop?customer=nobody") as answer:
        assert "data-identity" not in await answer.text()


async def test_what_is_typed_on_the_desk_is_posted(page: aiohttp.ClientSession, world: World) -> None:
    async with page.post("/demo/api/desk/post", json={"user": SARA, "channel": DESK, "text": "hi"}) as answer:
        assert answer.status == 200
    assert [m.text for m in world.slack.messages()] == ["hi"]


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [("post", {}, 400), ("post", {"user": SARA, "channel": "C0", "text": "x"}, 400), ("burn", {}, 404)],
)
async def test_a_wrong_wish_is_refused(
    page: aiohttp.ClientSession, verb: str, body: dict[str, str], status: int
) -> None:
    async with page.post(f"/demo/api/desk/{verb}", json=body) as answer:
        assert answer.status == status


async def test_a_file_from_the_desk_is_shared_there(page: aiohttp.ClientSession, world: World) -> None:
    query = {"user": SARA, "channel": DESK, "text": "the label", "name": "label.pdf", "type": "application/pdf"}
    headers = {"Content-Type": "application/octet-stream"}
    async with page.post("/demo/api/desk/share", params=query, data=b"%PDF-1.7", headers=headers) as answer:
        assert answer.status == 200
    (message,) = world.slack.messages()
    assert (message.text, [file["name"] for file in message.files]) == ("the label", ["label.pdf"])
    async with page.get(f"/demo/api/desk/files/{message.files[0]['id']}") as answer:
        assert await answer.read() == b"%PDF-1.7"
    async with page.post("/demo/api/desk/share", params=query, data={"file": "x"}) as answer:
        assert answer.status == 400


async def test_a_form_of_another_page_is_refused(page: aiohttp.ClientSession, world: World) -> None:
    async with page.post("/demo/api/desk/post", data={"user": SARA, "channel": DESK, "text": "hi"}) as answer:
        assert answer.status == 415
    assert world.slack.messages() == []


async def test_the_desk_is_live(page: aiohttp.ClientSession, world: World) -> None:
    async with page.get("/demo/api/desk/events") as stream:
        assert (await stream.content.readline()).strip() == b"event: snapshot"
        await stream.content.readuntil(b"\n\n")
        posting = asyncio.ensure_future(world.slack.post_as(SARA, "hello"))
        assert (await stream.content.readline()).strip() == b"event: news"
        news = json.loads((await stream.content.readline()).removeprefix(b"data: "))
        assert news["message"]["text"] == "hello"
        await posting


async def test_the_log_is_read_with_the_operators_token(page: aiohttp.ClientSession, world: World) -> None:
    asked: list[tuple[str, str | None]] = []

    async def conversations(request: web.Request) -> web.Response:
        asked.append((request.path_qs, request.headers.get("Authorization")))
        return web.json_response({"items": [], "next": None})

    app = web.Application()
    app.router.add_get("/{path:.*}", conversations)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    for path in ("?limit=5&token=x", "/con_1/log?after=7"):
        async with page.get(f"/demo/api/log/conversations{path}") as answer:
            assert await answer.json() == {"items": [], "next": None}
    bearer = f"Bearer {world.secrets.operator_token}"
    assert asked == [("/api/v1/conversations?limit=5", bearer), ("/api/v1/conversations/con_1/log?after=7", bearer)]
    await runner.cleanup()


async def test_a_restarted_world_remembers(gateway: Listener, tmp_path: Path) -> None:
    secrets, file = Secrets.fresh(), tmp_path / "world.json"
    async with await serve(lambda: NOW, secrets, gateway_url=gateway.url, memory_path=file) as before:
        label = before.slack.files.keep("label.pdf", "application/pdf", b"%PDF-1.7", before.slack.ids)
        root = await before.slack.post_as(SARA, "root", files=(label,))
        ana = before.shop.stock.customers["cus_1001"]
        order = before.shop.order(ana, "A-48291")
        before.shop.refund(order, order.total, "k1")
        await asyncio.sleep(0)
    async with await serve(lambda: NOW, secrets, gateway_url=gateway.url, memory_path=file) as after:
        assert [m.text for m in after.slack.thread(root)] == ["root"]
        assert after.shop.stock.orders["A-48291"].refund_ref == "R-7711"
        assert after.shop.ledger == before.shop.ledger
        assert after.slack.files.known == {label.id: label}
        assert await after.slack.post_as(SARA, "reply", thread_ts=root) > root


def test_secrets_do_not_print() -> None:
    assert repr(Secrets.fresh(lambda: "hush")) == "Secrets(…)"


async def test_the_world_does_not_print_them(world: World) -> None:
    assert "secret-" not in repr(world)
