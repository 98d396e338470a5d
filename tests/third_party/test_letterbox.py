"""A channel from another package: installed beside the gateway, found by its entry point, and lived with."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from markdown_it import MarkdownIt
from pydantic import SecretStr

from config.problems import Refused
from config.settings import load
from gateway import sections
from gateway.app import Gateway
from tests.support.businesses import serving
from tests.support.running import OPERATOR, SECRET_KEY, Running, running

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "adding-a-channel.md"
SECRET = "a-secret-of-the-letterbox-0123456789"
CONFIG = """\
listen: {host: 127.0.0.1, port: 0}
store: sqlite:///data/gateway.db
operator_token: ${OPERATOR}
secret_key: ${SECRET_KEY}
channels:
  letters: {kind: letterbox, mode: live, secret: "${LETTERS_SECRET}", deliver_to: "${LETTERS_URL}"}
agent: {spec: agent.yaml, model: offline}
"""
Json = dict[str, Any]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package as `pip install` leaves it: a module, and a dist-info with its entry point."""
    place = tmp_path / "site-packages"
    info = place / "letterbox-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(HERE / "letterbox.py", place)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: letterbox\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gateway.channels]\nletterbox = letterbox\nweb = letterbox\n")
    monkeypatch.syspath_prepend(str(place))
    for cached in (sections.kinds, sections.kind):
        cached.cache_clear()
    yield place
    sys.modules.pop("letterbox", None)
    for cached in (sections.kinds, sections.kind):
        cached.cache_clear()


class Postman:
    """The far end: keeps one letter per id."""

    def __init__(self) -> None:
        self.letters: dict[str, Json] = {}
        self.seen = 0
        self.news = asyncio.Event()
        self.answers: list[int] = []

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        assert request.headers["X-Signature"] == signed(raw)
        self.seen += 1
        status = self.answers.pop(0) if self.answers else 200
        if status in (200, 500):
            letter = json.loads(raw)
            self.letters[letter["id"]] = letter
            self.news.set()
        return web.Response(status=status)

    async def delivered(self) -> Json:
        """The newest letter, once there is one."""
        async with asyncio.timeout(15):
            await self.news.wait()
        return [*self.letters.values()][-1]


def signed(raw: bytes) -> str:
    import letterbox  # type: ignore[import-not-found]

    return str(letterbox.signature(SecretStr(SECRET), raw))


@asynccontextmanager
async def lived(folder: Path, config: str = CONFIG) -> AsyncIterator[tuple[Running, Postman]]:
    hotel = HERE.parent / "worlds" / "hotel"
    shutil.copy(hotel / "agent.yaml", folder / "agent.yaml")
    shutil.copytree(hotel / "knowledge", folder / "knowledge")
    (folder / "gateway.yaml").write_text(config)
    postman = Postman()
    far = web.Application()
    far.router.add_post("/letters", postman.take)
    async with serving(far) as url:
        variables = {
            "OPERATOR": OPERATOR, "SECRET_KEY": SECRET_KEY, "LETTERS_SECRET": SECRET, "LETTERS_URL": f"{url}/letters",
            "HOTEL_API": "http://127.0.0.1:1",
        }  # fmt: skip
        async with running(folder / "gateway.yaml", variables) as gateway:
            yield gateway, postman


async def post(gateway: Running, letter: Json | bytes, sign: str = "") -> int:
    raw = letter if isinstance(letter, bytes) else json.dumps(letter).encode()
    headers = {"X-Signature": sign or signed(raw)}
    async with gateway.http.post(f"{gateway.url}/webhooks/letters", data=io.BytesIO(raw), headers=headers) as answer:
        return answer.status


QUESTION = {"id": "l-1", "sender": "ines", "text": "What time is breakfast?", "at": 1_779_271_200_000}


@pytest.mark.usefixtures("installed")
async def test_a_question_and_its_answer(tmp_path: Path) -> None:
    async with lived(tmp_path) as (gateway, postman):
        assert [await post(gateway, QUESTION) for _ in range(3)] == [200] * 3
        letter = await postman.delivered()
        await gateway.settle()
        assert letter["to"] == "ines"
        assert "7:30" in letter["text"]
        assert len(postman.letters) == 1
        (one,) = (await gateway.api("conversations?channel=letters"))["items"]
        kinds = [line["kind"] for line in await gateway.log(one["id"])]
        assert (kinds.count("customer_said"), kinds.count("agent_said"), kinds.count("delivered")) == (1, 1, 1)
        (state,) = (await gateway.api("channels"))["items"]
        assert (state["name"], state["side"], state["mode"]) == ("letters", "customer", "live")


@pytest.mark.usefixtures("installed")
async def test_what_it_cannot_work_with_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Refused) as unknown:
        async with lived(tmp_path, CONFIG.replace("deliver_to", "deliver_too")):
            pass
    assert ":6: channels.letters.deliver_too: unknown key; did you mean" in str(unknown.value)
    (tmp_path / "gateway.yaml").write_text(CONFIG.replace("${LETTERS_SECRET}", ""))
    variables = {"OPERATOR": OPERATOR, "SECRET_KEY": SECRET_KEY, "LETTERS_URL": "x", "HOTEL_API": "http://127.0.0.1:1"}
    with pytest.raises(Refused) as empty:
        await Gateway.open(load(tmp_path / "gateway.yaml", None, variables))
    assert str(empty.value).endswith(":6: channels.letters: secret is empty")


@pytest.mark.usefixtures("installed")
def test_a_package_cannot_stand_in_for_a_channel_of_ours() -> None:
    assert {"letterbox", "web", "slack"} <= sections.kinds()
    assert sections.kind("letterbox").__name__ == "letterbox"  # type: ignore[attr-defined]
    assert sections.kind("web").__name__ == "channels.web"  # type: ignore[attr-defined]


def test_the_page_shows_the_very_lines() -> None:
    code = (HERE / "letterbox.py").read_text()
    shown = [token.content for token in MarkdownIt().parse(PAGE.read_text()) if token.info == "python"]
    assert len(shown) >= 5
    assert [block for block in shown if block.removeprefix("class Letterbox:\n").rstrip() not in code] == []
