"""The demo as one process: where it says it is, what it makes of an older folder, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import aiohttp

from gateway.demo import serve

DEMO = Path(str(files("demo")))


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[str, aiohttp.ClientSession, asyncio.Event]]:
    """(what it said, a client of its origin, its end)."""
    stop, said = asyncio.Event(), asyncio.Queue[str]()
    serving = asyncio.create_task(serve(0, folder, stop, said.put_nowait))
    async with asyncio.timeout(20):
        greeting = await said.get()
    url = greeting.partition("Start here")[2].split()[0]
    async with aiohttp.ClientSession(url) as http:
        yield greeting, http, stop
    stop.set()
    await serving


async def test_it_says_where_everything_is(tmp_path: Path) -> None:
    async with served(tmp_path) as (greeting, http, _):
        for page in ("/shop", "/phones", "/desk", "/log"):
            assert f"{page}\n" in greeting
            async with http.get(page) as answer:
                assert answer.status == 200


async def test_pages_that_are_open_end_with_it(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, http, stop):
        streams = [await http.get(f"/demo/api/{page}/events") for page in ("desk", "phones")]
        for stream in streams:
            assert (await stream.content.readline()).strip() == b"event: snapshot"
        stop.set()
        for stream in streams:
            await stream.read()  # to a proper end: a stream that is cut raises


def contents(folder: Path) -> list[bytes]:
    """Of the shared files below it, without what describes them."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"]


async def test_what_it_keeps_lies_in_its_folder(tmp_path: Path) -> None:
    query = {"person": "10004", "name": "note.txt", "type": "text/plain", "text": "I want to talk to a human"}
    raw = {"Content-Type": "application/octet-stream"}
    async with served(tmp_path / "state") as (_, http, _stop), http.get("/demo/api/desk/events") as desk:
        async with http.post("/demo/api/phones/telegram/share", params=query, data=b"hi", headers=raw) as answer:
            assert answer.status == 200
        async with asyncio.timeout(20):
            while b'"files": [{' not in await desk.content.readline():
                pass
    assert contents(tmp_path / "state" / "files") == [b"hi"]
    assert contents(DEMO / "data") == []


async def test_a_folder_of_the_demo_without_phones_goes_on(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, http, _stop):
        said = {"person": "10004", "text": "hello"}
        async with http.post("/demo/api/phones/telegram/say", json=said) as answer:
            assert answer.status == 200
    secrets, world = (tmp_path / name for name in ("secrets.json", "world.json"))
    old = {name: value for name, value in json.loads(secrets.read_text()).items() if not name.startswith("t")}
    secrets.write_text(json.dumps(old))
    kept = json.loads(world.read_text())
    del kept["telegram"], kept["twilio"], kept["slack"]["files"]
    world.write_text(json.dumps(kept))
    async with served(tmp_path) as (_, http, _stop), http.get("/phones") as answer:
        assert answer.status == 200
    after = json.loads(secrets.read_text())
    assert {name: after[name] for name in old} == old
    assert after.keys() - old.keys() == {"telegram_token", "telegram_webhook_secret", "twilio_auth_token"}
