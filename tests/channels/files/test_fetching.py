"""Files are read from their platform's hosts and from nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from bus.errors import Permanent, Retryable
from channels.files.fetching import Fetcher, PublicResolver, is_public

INSIDE = [
    "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.16.0.1", "0.1.2.3", "100.64.0.1", "224.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fec0::1",
    "ff02::1", "2001:0:7f00:1::", "localhost", "",
]  # fmt: skip
REFUSED = [
    "http://media.example.com/a", "https://evil.example/a", "https://media.example.com.evil.example/a", "https://169.254.169.254/latest",
    "https://2130706433/", "https://0x7f.1/", "https://[::1]/", "https://user@media.example.com/", "https://media.example.com:8443/",
    "file:///etc/passwd", "gopher://media.example.com/", "ftp://media.example.com/", "https:///", "media.example.com/a", "",
    "https://evilexample.org/a", "https://media.example.com@evil.example/", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::", "::ffff:93.184.216.34"])
def test_what_is_outside_is(address: str) -> None:
    assert is_public(address)


async def read(fetcher: Fetcher, url: str, headers: dict[str, str] | None = None) -> bytes:
    return b"".join([piece async for piece in fetcher.read(url, headers)])


@pytest.mark.parametrize("url", REFUSED)
async def test_other_places_are_not_asked(url: str) -> None:
    fetcher = Fetcher({"media.example.com", ".example.org"})
    with pytest.raises(Permanent, match="file"):
        await read(fetcher, url)
    await fetcher.close()


async def test_a_listed_name_that_leads_inside_is_not_connected_to() -> None:
    with pytest.raises(OSError, match="no public host"):
        await PublicResolver().resolve("localhost", 443)
    fetcher = Fetcher({"localhost"})
    with pytest.raises(Retryable):
        await read(fetcher, "https://localhost/a")
    await fetcher.close()


@pytest.fixture
async def platform() -> AsyncIterator[BaseTestServer]:
    """`/file` needs the token, `/moved` leads to it, `/out` to a stranger, `/loop` to itself."""

    async def file(request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == "Bearer t"
        return web.Response(body=b"content" * 50_000) if known else web.Response(status=403)

    async def status(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    def to(place: str) -> web.Response:
        return web.Response(status=302, headers={"Location": place})

    async def moved(_: web.Request) -> web.Response:
        return to("/file")

    async def out(_: web.Request) -> web.Response:
        return to("https://evil.example/file")

    async def loop(_: web.Request) -> web.Response:
        return to("/loop")

    app = web.Application()
    app.add_routes([
        web.get("/file", file), web.get("/moved", moved), web.get("/out", out), web.get("/loop", loop),
        web.get("/status/{status}", status),
    ])  # fmt: skip
    async with TestServer(app) as server:
        yield server


async def test_the_configured_origin_is_read_with_its_credentials(platform: BaseTestServer) -> None:
    fetcher = Fetcher((), str(platform.make_url("/api/")))
    for path in ("/file", "/moved"):
        assert len(await read(fetcher, str(platform.make_url(path)), {"Authorization": "Bearer t"})) == 350_000
    for path in ("/file", "/status/404", "/out", "/loop"):
        headers = {} if path == "/file" else {"Authorization": "Bearer t"}
        with pytest.raises(Permanent):
            await read(fetcher, str(platform.make_url(path)), headers)
    with pytest.raises(Retryable):
        await read(fetcher, str(platform.make_url("/status/500")))
    await fetcher.close()


async def test_credentials_stay_with_the_first_host(platform: BaseTestServer) -> None:
    seen: list[str | None] = []

    async def storage(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(body=b"x")

    app = web.Application()
    app.add_routes([web.get("/stored", storage)])

    async def redirecting(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": str(other.make_url("/stored"))})

    first = web.Application()
    first.add_routes([web.get("/media", redirecting)])
    async with TestServer(app) as other, TestServer(first) as origin:

        class Lenient(Fetcher):
            def _checked(self, url: str) -> object:  # type: ignore[override]
                return origin.make_url("/").join(type(other.make_url("/"))(url))

        fetcher = Lenient(())
        fetcher._own = frozenset({origin.make_url("/").origin()})
        assert await read(fetcher, str(origin.make_url("/media")), {"Authorization": "Basic s3cret"}) == b"x"
        await fetcher.close()
    assert seen == [None]
