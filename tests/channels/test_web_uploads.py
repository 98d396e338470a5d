"""Files from the widget: kept under an id of the client's own, shared by a message, seen by nobody else."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Unavailable
from channels.files.shelf import LARGEST
from channels.web import uploads
from tests.channels.web_world import GATEWAY, SHOP, Json, Visit, World, settings

PNG = b"\x89PNG\r\n\x1a\n" + b"\1" * 5_000
PHOTO = {"name": "photo.png", "media_type": "image/png", "size": len(PNG)}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


async def upload(
    visit: Visit,
    content: Any = PNG,
    number: str = "f1",
    name: str = "photo.png",
    kind: str = "image/png",
    **headers: str,
) -> tuple[int, Json]:
    """PUT /web/files/{id}/{name}."""
    sent = {"Authorization": f"Bearer {visit.token}", "Content-Type": kind, **headers}
    async with visit.world.http.put(f"/web/files/{number}/{name}", data=content, headers=sent) as answer:
        return answer.status, await answer.json(content_type=None) or {}


async def shared(visit: Visit, *files: str, text: str | None = None) -> tuple[int, Json]:
    """POST /web/messages with files."""
    said = {} if text is None else {"text": text}
    return await visit.send({"id": f"n{next(visit.world.written)}", "files": list(files), **said})


async def test_a_file_is_kept_and_shared_by_a_message(world: World) -> None:
    visit = await world.visit()
    assert await upload(visit) == (201, {"id": "f1", **PHOTO})
    assert (await shared(visit, "f1", text="It arrived broken"))[0] == 202
    await world.settle()
    (file,) = world.consumer.works[0].rows[0].inbound.attachments
    assert (file.name, file.media_type, file.size, file.channel) == ("photo.png", "image/png", len(PNG), "web")
    said = (await visit.history())[0]
    (shown,) = said["files"]
    assert (said["text"], {name: shown[name] for name in PHOTO}) == ("It arrived broken", PHOTO)
    kept = await world.shelf.about(shown["url"].removeprefix(f"{GATEWAY}/files/").partition("/")[0])
    assert kept is not None
    assert b"".join([piece async for piece in world.shelf.read(kept)]) == PNG


async def test_a_file_may_come_without_words(world: World) -> None:
    visit = await world.visit()
    await upload(visit)
    assert (await shared(visit, "f1"))[0] == 202
    await world.settle()
    assert world.consumer.works[0].rows[0].inbound.text == ""


async def test_the_same_upload_again_is_the_same_file(world: World) -> None:
    visit = await world.visit()
    found = await asyncio.gather(*(upload(visit) for _ in range(5)))
    assert sorted(status for status, _ in found) in ([200] * 4 + [201], [201] * 5)
    assert {body["size"] for _, body in found} == {len(PNG)}
    assert await upload(visit, b"%PDF-1.7 another content", name="other.pdf") == (200, {"id": "f1", **PHOTO})


async def test_what_a_file_is_decides_its_content_and_not_its_name(world: World) -> None:
    visit = await world.visit()
    assert await upload(visit, PNG, name="virus.exe", kind="application/octet-stream") == (
        201, {"id": "f1", **PHOTO, "name": "virus.exe.png"},
    )  # fmt: skip
    status, refused = await upload(visit, b"<html><script>alert(1)</script>", "f2")
    assert (status, refused) == (415, {"error": "this kind of file is not taken"})
    assert (await shared(visit, "f2"))[0] == 404


async def test_a_file_that_is_too_large_is_refused_whether_it_says_so_or_not(world: World) -> None:
    visit = await world.visit()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // 1_000_000 + 1):
            yield PNG[:16] + b"\0" * 1_000_000

    assert (await upload(visit, io.BytesIO(b"\0" * (LARGEST + 1))))[0] == 413
    assert (await upload(visit, pieces()))[0] == 413
    assert (await shared(visit, "f1"))[0] == 404


async def drip(amount: int) -> AsyncIterator[bytes]:
    """A photo over a slow line that never stands still."""
    yield PNG
    for _ in range(amount):
        await asyncio.sleep(0.05)
        yield b"\1"


async def test_a_file_that_never_ends_times_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", 0.05)
    visit, forever = await world.visit(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield PNG
        await forever.wait()

    assert (await upload(visit, pieces()))[0] == 408
    forever.set()


async def test_a_slow_line_may_take_longer_than_one_waits_for_a_byte(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", 0.4)
    assert await upload(await world.visit(), drip(12)) == (201, {"id": "f1", **PHOTO, "size": len(PNG) + 12})


async def test_a_file_in_drops_ends_after_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LONGEST", 0.2)
    assert (await upload(await world.visit(), drip(100)))[0] == 408


@pytest.mark.parametrize("files", [[], "f1", ["f1"] * 6, [1], ["../f1"], [""], None])
async def test_what_names_no_upload_is_refused(world: World, files: Any) -> None:
    visit = await world.visit()
    await upload(visit)
    status, body = await visit.send({"id": "n1", "files": files})
    assert (status, "error" in body) == (400, True)
    await world.settle()
    assert world.consumer.works == []


async def test_nobody_shares_anothers_file(world: World) -> None:
    ana, ben = await world.visit(), await world.visit()
    await upload(ana)
    status, body = await shared(ben, "f1", text="mine")
    assert (status, body["error"]) == (404, "there is no file f1: upload it before the message that shares it")
    async with world.http.put(
        "/second/files/f1/a.png", data=PNG, headers={"Authorization": f"Bearer {ana.token}"}
    ) as no:
        assert no.status == 401


async def test_without_a_session_from_a_strangers_page_or_while_off_nothing_is_kept(world: World) -> None:
    visit = await world.visit()
    assert (await upload(visit, Authorization="Bearer " + "x" * 43))[0] == 401
    assert (await upload(visit, Origin="https://evil.example"))[0] == 403
    world.web.reconfigure(settings(mode="off"))
    assert (await upload(visit))[0] == 503
    world.web.reconfigure(settings())
    assert (await upload(visit, Origin=SHOP))[0] == 201


async def test_a_flood_of_files_is_slowed_down(world: World) -> None:
    world.web.reconfigure(settings(uploads_per_minute=2))
    visit = await world.visit()
    assert [(await upload(visit, number=f"f{number}"))[0] for number in range(3)] == [201, 201, 429]


async def test_while_nothing_can_be_kept_the_client_is_told_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(world.shelf._storage, "keep", full)
    assert (await upload(await world.visit()))[0] == 503


async def test_a_file_that_is_gone_is_not_shown_to_the_agent(world: World) -> None:
    visit = await world.visit()
    await upload(visit)
    await shared(visit, "f1")
    await world.settle()
    (file,) = world.consumer.works[0].rows[0].inbound.attachments
    await world.shelf.forget("web", file)
    with pytest.raises(Exception, match="is not here any more"):
        world.web.read_file(file)


async def test_what_nobody_shares_is_forgotten_and_what_was_shared_is_not(world: World) -> None:
    visit = await world.visit()
    for number in ("f1", "f2"):
        await upload(visit, PNG + number.encode(), number)
    await shared(visit, "f1")
    world.clock.advance(23 * 3600)
    await world.web.tick()
    assert (await upload(visit, number="f2"))[0] == 200
    world.clock.advance(2 * 3600)
    await world.web.tick()
    await world.web.tick()
    assert (await upload(visit, number="f1"))[0] == 200
    assert (await upload(visit, number="f2"))[0] == 201


async def test_a_session_fills_no_disk_with_what_it_does_not_share(world: World) -> None:
    visit = await world.visit()
    found = [(await upload(visit, number=f"f{number}"))[0] for number in range(11)]
    assert found == [201] * 10 + [429]
    assert (await shared(visit, "f0", "f1"))[0] == 202
    assert (await upload(visit, number="f10"))[0] == 201


@pytest.mark.parametrize(("who", "visitor", "customer"), [("identified", 403, 201), ("nobody", 403, 403)])
async def test_who_may_send_files_is_the_sites_to_say(world: World, who: str, visitor: int, customer: int) -> None:
    world.web.reconfigure(settings(uploads=who))
    assert (await upload(await world.visit()))[0] == visitor
    assert (await upload(await world.visit(world.identity())))[0] == customer


async def test_a_file_is_found_under_an_older_key(world: World) -> None:
    visit = await world.visit()
    await upload(visit)
    await shared(visit, "f1")
    await upload(visit, number="f2")
    await world.settle()
    world.shelf.reconfigure(["a new key", "the key of the tests"], GATEWAY)
    assert (await shared(visit, "f2"))[0] == 202
    (file,) = world.consumer.works[0].rows[0].inbound.attachments
    world.shelf.reconfigure(["a new key"], GATEWAY)
    assert await world.shelf.find("web", file) is not None
    (shown,) = (await visit.history())[0]["files"]
    assert await world.shelf.about(shown["url"].split("/")[4]) is not None


async def test_a_packed_file_is_refused(world: World) -> None:
    visit = await world.visit()
    assert (await upload(visit, b"rubbish", **{"Content-Encoding": "gzip"}))[0] == 415
