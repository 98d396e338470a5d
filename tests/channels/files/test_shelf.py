"""Files are brought once, checked by their content, and served as downloads to whoever knows the address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bus.errors import Permanent, Unavailable
from bus.message import Attachment
from channels.files.shelf import Kept, Shelf
from channels.files.storage import Bucket, Folder, Storage, storage

PNG = b"\x89PNG\r\n\x1a\n" + b"\1" * 1000
PICTURE = Attachment("photo.png", "image/png", len(PNG), "file-1")


class Platform:
    """Where the file is; counts how often it was read."""

    def __init__(self, content: bytes = PNG) -> None:
        self.content = content
        self.reads = 0

    async def __call__(self, attachment: Attachment) -> AsyncIterator[bytes]:
        self.reads += 1
        for at in range(0, len(self.content), 100):
            await asyncio.sleep(0)
            yield self.content[at : at + 100]


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A place that speaks S3's REST API for objects."""
    objects: dict[str, bytes] = {}

    async def put(request: web.Request) -> web.Response:
        body = await request.read()
        if "aws-chunked" in request.headers.get("Content-Encoding", ""):
            body = _unchunked(body)
        objects[request.path] = body
        return web.Response(headers={"ETag": '"1"'})

    async def get(request: web.Request) -> web.Response:
        if request.path not in objects:
            return web.Response(
                status=404, text="<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml"
            )
        return web.Response(body=objects[request.path], headers={"ETag": '"1"'})

    async def delete(request: web.Request) -> web.Response:
        objects.pop(request.path, None)
        return web.Response(status=204)

    app = web.Application()
    app.add_routes([web.put("/{key:.+}", put), web.get("/{key:.+}", get), web.delete("/{key:.+}", delete)])
    async with TestServer(app) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(server.make_url("/")))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield "s3://support/files"


def _unchunked(body: bytes) -> bytes:
    """The content of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html"""
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            return found
        found, body = found + body[:length], body[length + 2 :]
    return found


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> Storage:
    """Both storages."""
    return storage(bucket if request.param == "bucket" else str(tmp_path / "files"))


@pytest.fixture
def shelf(place: Storage) -> Shelf:
    return Shelf(place, ["a key"], "https://support.example.com/", largest=10_000)


def test_the_place_says_which_storage_it_is(tmp_path: Path) -> None:
    assert isinstance(storage(str(tmp_path)), Folder)
    assert isinstance(storage("s3://bucket"), Bucket)


async def test_it_is_brought_once_however_often_it_is_asked_for(shelf: Shelf) -> None:
    platform = Platform()
    found = await asyncio.gather(*(shelf.bring("telegram", PICTURE, platform) for _ in range(20)))
    assert platform.reads == 1
    assert set(found) == {Kept(shelf.id_of("telegram", PICTURE), "photo.png", "image/png", len(PNG))}
    assert b"".join([piece async for piece in shelf.read(found[0])]) == PNG
    async with shelf.local(found[0]) as path:
        assert (path.name, path.read_bytes()) == ("photo.png", PNG)
    assert shelf.link(found[0]) == f"https://support.example.com/files/{found[0].id}/photo.png"


async def test_ids_differ_by_channel_and_key(shelf: Shelf, place: Storage) -> None:
    ids = {shelf.id_of("telegram", PICTURE), shelf.id_of("whatsapp", PICTURE)}
    ids.add(Shelf(place, ["another"], "").id_of("telegram", PICTURE))
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("attachment", "content", "reason"),
    [
        (Attachment("big.png", "image/png", 10_001, "f"), PNG, "file_too_large"),
        (Attachment("big.png", "image/png", 5, "f"), PNG * 20, "file_too_large"),
        (Attachment("page.png", "image/png", 5, "f"), b"<html><script>", "file_not_allowed"),
    ],
)
async def test_what_is_too_large_or_may_run_is_not_kept(
    shelf: Shelf, attachment: Attachment, content: bytes, reason: str
) -> None:
    with pytest.raises(Permanent) as refused:
        await shelf.bring("telegram", attachment, Platform(content))
    assert refused.value.reason == reason
    assert await shelf.about(shelf.id_of("telegram", attachment)) is None


async def test_text_can_be_shown_to_a_model_and_pictures_cannot(shelf: Shelf) -> None:
    note = await shelf.bring("web", Attachment("a.txt", "text/plain", 0, "n"), Platform("Grüße".encode()))
    assert await shelf.text(note) == "Grüße"
    assert await shelf.text(await shelf.bring("web", PICTURE, Platform())) == ""


async def test_what_is_forgotten_is_gone(shelf: Shelf) -> None:
    kept = await shelf.bring("telegram", PICTURE, Platform())
    await shelf.forget("telegram", PICTURE)
    assert await shelf.about(kept.id) is None
    with pytest.raises(KeyError):
        _ = [piece async for piece in shelf.read(kept)]


Client = Callable[[Shelf], "TestClient[web.Request, web.Application]"]


async def test_it_is_served_as_a_download_and_never_as_a_page(shelf: Shelf) -> None:
    kept = await shelf.bring("telegram", Attachment('l"a\r\nb.pdf', "", 0, "p"), Platform(b"%PDF-1.7 \n"))
    app = web.Application()
    app.add_routes(shelf.routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(f"/files/{kept.id}/whatever")
        assert (answer.status, await answer.read()) == (200, b"%PDF-1.7 \n")
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''l_a_b.pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        for path in (f"/files/{'0' * 40}/x", "/files/../secrets/x", f"/files/{kept.id[:-1]}/x"):
            assert (await client.get(path)).status == 404


async def test_a_storage_that_is_down_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(Unavailable):
        await Bucket("s3://support").keep("ab", tmp_path / "file")
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(Unavailable):
        await Folder(tmp_path / "taken").keep("ab", tmp_path / "file")
