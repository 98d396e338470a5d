"""Whose pages may call, frame and load what; and the widget's files."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from channels.web import Settings
from tests.channels.web_world import GATEWAY, SHOP, World, settings

PATHS = ("/web/sessions", "/web/messages", "/web/events")
EVIL = [
    "https://evil.example",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example/",
    "HTTPS://SHOP.EXAMPLE",
    "null",
    "",
    "*",
    "https://shop.example, https://evil.example",
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as it:
        yield it


@pytest.mark.parametrize("origin", [SHOP, GATEWAY])
async def test_a_listed_page_may_call_and_read_the_answer(world: World, origin: str) -> None:
    async with world.http.post("/web/sessions", json={}, headers={"Origin": origin}) as answer:
        assert answer.status == 201
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Vary"] == "Origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", EVIL)
async def test_any_other_page_may_not(world: World, origin: str) -> None:
    visit = await world.visit()
    headers = {"Origin": origin, "Authorization": f"Bearer {visit.token}"}
    for method, path in (("POST", PATHS[0]), ("POST", PATHS[1]), ("GET", PATHS[2])):
        body = {"id": "1", "text": "hi"} if method == "POST" else None
        async with world.http.request(method, path, json=body, headers=headers) as answer:
            assert (answer.status, await answer.text()) == (403, "")
            assert "Access-Control-Allow-Origin" not in answer.headers
    await world.settle()
    assert world.consumer.works == []


async def test_two_origins_are_none(world: World) -> None:
    from multidict import CIMultiDict

    headers = CIMultiDict([("Origin", SHOP), ("Origin", "https://evil.example")])
    async with world.http.post("/web/sessions", json={}, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", PATHS)
async def test_a_preflight_is_granted_to_listed_pages_only(world: World, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    async with world.http.options(path, headers={"Origin": SHOP, **asked}) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT"
        assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, Last-Event-ID"
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for origin in EVIL:
        async with world.http.options(path, headers={"Origin": origin, **asked}) as answer:
            assert answer.status == 403
            assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_the_list_may_change_while_the_channel_runs(world: World) -> None:
    world.web.reconfigure(settings(allowed_origins=["https://new.example/"]))
    assert (await world.sessions({}, Origin="https://new.example"))[0] == 201
    assert (await world.sessions({}, Origin=SHOP))[0] == 403


async def test_a_refusal_can_be_read_by_the_page(world: World) -> None:
    async with world.http.post("/web/messages", json={}, headers={"Origin": SHOP}) as answer:
        assert answer.status == 401
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_launcher_names_the_panel_under_its_contents_hash(world: World) -> None:
    async with world.http.get("/widget.js") as answer:
        assert answer.content_type == "text/javascript"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        text, tag = await answer.text(), answer.headers["ETag"]
    panel = re.search(r"'(w/[0-9a-f]{16}/panel\.js)'", text)
    assert panel
    assert "__PANEL__" not in text
    async with world.http.get("/widget.js", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with world.http.get("/" + panel[1]) as answer:
        assert (answer.status, answer.content_type) == (200, "text/javascript")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        modules = re.findall(r"from '\./([\w.]+)'", await answer.text())
    assert modules
    base = panel[1].rpartition("/")[0]
    for name in [*modules, "locales/es.json"]:
        async with world.http.get(f"/{base}/{name}") as answer:
            assert answer.status == 200
            assert answer.content_type == ("application/json" if name.endswith("json") else "text/javascript")


async def test_files_are_packed_for_those_who_can_unpack_them(world: World) -> None:
    async with world.http.get("/widget.js", headers={"Accept-Encoding": "identity"}) as answer:
        plain = await answer.read()
        assert "Content-Encoding" not in answer.headers
    async with world.http.get("/widget.js", auto_decompress=False) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
        packed = await answer.read()
    assert len(packed) < len(plain)
    assert packed[:2] == b"\x1f\x8b" or packed == plain
    assert plain in (packed, gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else plain)


async def test_an_old_page_gets_what_there_is_but_not_for_ever(world: World) -> None:
    async with world.http.get("/w/0123456789abcdef/panel.js") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path", ["../settings.py", "..%2fweb%2fchannel.py", "%2e%2e/web/channel.py", "nothing.js", "locales", "/etc/passwd"]
)
async def test_no_other_file_is_served(world: World, path: str) -> None:
    async with world.http.get(f"/w/0123456789abcdef/{path}") as answer:
        assert answer.status == 404


async def test_only_listed_sites_may_frame_the_page(world: World) -> None:
    async with world.http.get("/chat") as answer:
        assert answer.content_type == "text/html"
        policy = answer.headers["Content-Security-Policy"]
        assert f"frame-ancestors 'self' {SHOP}" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        page = await answer.text()
    assert '<script async src="widget.js"' in page
    assert "<script>" not in page
    world.web.reconfigure(settings(allowed_origins=[]))
    async with world.http.get("/chat") as answer:
        assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


async def test_another_instance_has_its_own_launcher_and_page(world: World) -> None:
    for path in ("/second/widget.js", "/second/chat"):
        async with world.http.get(path) as answer:
            assert answer.status == 200
    assert (await world.post("/second/web/sessions", {}))[0] == 201
    assert (await world.post("/second/sessions", {}))[0] == 201


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({"allowed_origins": ["*"]}, "origin"),
        ({"allowed_origins": ["https://*.shop.example"]}, "exact"),
        ({"allowed_origins": ["shop.example"]}, "origin"),
        ({"allowed_origins": ["https://shop.example/path"]}, "exact"),
        ({"identity_secret": "short"}, "24 bytes"),
        ({"identity_secret": ["x" * 24, "short"]}, "24 bytes"),
        ({"mode": "on"}, "mode"),
        ({"allowed_origin": []}, "allowed_origin"),
    ],
)
def test_a_section_that_would_not_hold_is_refused(section: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        Settings.model_validate(section)
    assert "short" not in str(caught.value).replace("shorter", "")


def test_origins_are_kept_as_browsers_write_them() -> None:
    written = ["https://Shop.Example:443/", "http://127.0.0.1:80", "https://shop.example:8443"]
    found = Settings.model_validate({"allowed_origins": written}).allowed_origins
    assert found == ("https://shop.example", "http://127.0.0.1", "https://shop.example:8443")


async def test_on_this_machine_the_gateway_has_three_names(tmp_path: Path) -> None:
    from channels.web.wire import Origins

    origins = Origins((), "http://127.0.0.1:8080")
    assert origins._allowed == {"http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"}
    assert Origins((), GATEWAY)._allowed == {GATEWAY}
