"""The phones: what their page is told and may do, a whole talk on each with a gateway behind it, and what is left after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from demo import world
from demo.providers import CHOICES_2
from demo.slack.people import DESK, SARA
from demo.world import Secrets, World
from gateway.demo import free_port
from gateway.ids import clock
from tests.demo.conftest import NOW, Listener
from tests.support.running import OPERATOR, SECRET_KEY, Running, running

Json = dict[str, Any]
MARIE, PRIYA = "10004", "+447700900123"
LABEL = b"%PDF-1.7\nthe return label"
PHOTO = b"\x89PNG\r\n\x1a\n" + b"\1" * 500
BASE = "/demo/api/phones"


class Page:
    """The page `/phones`, without a browser: what it holds follows the stream."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.held: Json = {}
        self.news: list[Json] = []
        self._heard = asyncio.Condition()

    async def follow(self) -> None:
        """Read the stream until it ends."""
        async with self.http.get(f"{BASE}/events") as stream:
            kind = ""
            async for line in stream.content:
                name, _, value = line.decode().strip().partition(": ")
                kind = value if name == "event" else kind
                if name == "data":
                    await self._take(kind, json.loads(value))

    async def _take(self, kind: str, told: Json) -> None:
        async with self._heard:
            if kind == "snapshot":
                self.held = told
            else:
                self.news.append(told)
            self._heard.notify_all()

    async def sees(self, wanted: Callable[[Json], bool]) -> Json:
        """The first news that fits; waits for it."""
        async with asyncio.timeout(20), self._heard:
            await self._heard.wait_for(lambda: any(wanted(one) for one in self.news))
            return next(one for one in self.news if wanted(one))

    async def reads(self, app: str, words: str) -> Json:
        """The first message from the company with these words."""
        told = await self.sees(lambda one: one["app"] == app and words in _said(one))
        message: Json = told["message"]
        return message

    async def act(self, app: str, verb: str, **said: Any) -> tuple[int, Json]:
        """(status, answer) of what an owner does."""
        async with self.http.post(f"{BASE}/{app}/{verb}", json=said) as answer:
            return answer.status, await answer.json()

    async def share(self, app: str, content: bytes, **query: str) -> tuple[int, Json]:
        """(status, answer) of a file."""
        headers = {"Content-Type": "application/octet-stream"}
        async with self.http.post(
            f"{BASE}/{app}/share", params=query, data=BytesIO(content), headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def file(self, app: str, message: Json) -> tuple[bytes, str]:
        """(content, disposition) of a message's one file."""
        async with self.http.get(f"{BASE}/{app}/files/{message['files'][0]['id']}") as answer:
            assert answer.status == 200
            return await answer.read(), answer.headers["Content-Disposition"]


def _said(news: Json) -> str:
    message = news.get("message", {"mine": True})
    return "" if message["mine"] else message["text"]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Page]:
    async with aiohttp.ClientSession(url) as http:
        page = Page(http)
        following = asyncio.create_task(page.follow())
        async with asyncio.timeout(5), page._heard:
            await page._heard.wait_for(lambda: bool(page.held))
        yield page
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@asynccontextmanager
async def pages_of(outside: World) -> AsyncIterator[str]:
    """The origin of the world's pages."""
    app = web.Application()
    app.add_routes(outside.routes())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    outside.end_streams()
    await runner.cleanup()


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    async with pages_of(world) as url, opened(url) as page:
        yield page


@asynccontextmanager
async def lived(folder: Path) -> AsyncIterator[tuple[Running, World, Page]]:
    """The demo, whole: its own configuration, its world, a gateway and a page."""
    outside = await world.serve(clock, Secrets.fresh(), retry_scale=0.01)
    async with outside:
        variables = outside.environment() | {"DEMO_DATA": str(folder), "GATEWAY_SECRET_KEY": SECRET_KEY}
        variables["GATEWAY_OPERATOR_TOKEN"] = OPERATOR
        port = free_port(0)  # chosen first: Twilio's signatures are checked against the public address
        variables["DEMO_ORIGIN"] = f"http://127.0.0.1:{port}"
        config = Path(str(files("demo") / "gateway.yaml"))
        async with (
            running(config, variables, *outside.routes(), port=port, connect=outside.connect) as gateway,
            opened(gateway.url) as page,
        ):
            yield gateway, outside, page
            outside.end_streams()


# --- what the page may do


async def test_the_page_is_told_who_has_the_phones(page: Page) -> None:
    assert [one["name"] for one in page.held["telegram"]["people"]] == ["Marie Dupont", "Emma Clarke", "Jonas Weber"]
    assert [one["id"] for one in page.held["whatsapp"]["people"]] == [PRIYA, "+34600111222", "+34600333444"]
    assert page.held["telegram"]["commands"] == [{"command": "start", "description": "Start"}]


async def test_what_is_written_goes_to_the_webhooks(page: Page, gateway: Listener) -> None:
    assert await page.act("telegram", "say", person=MARIE, text="/start") == (200, {})
    assert await page.act("whatsapp", "say", person=PRIYA, text="hello") == (200, {})
    (path, headers, body), (path_2, headers_2, body_2) = gateway.requests
    assert (path, path_2) == ("/webhooks/telegram", "/webhooks/whatsapp")
    update = json.loads(body)["message"]
    assert (update["text"], update["from"]["first_name"]) == ("/start", "Marie")
    assert headers["X-Telegram-Bot-Api-Secret-Token"]
    assert headers_2["X-Twilio-Signature"]
    assert b"Body=hello" in body_2
    await page.sees(lambda one: one["app"] == "whatsapp" and one["message"]["ticks"] == "delivered")


@pytest.mark.parametrize(
    ("app", "verb", "said", "status", "why"),
    [
        ("telegram", "say", {"person": "5", "text": "hi"}, 400, "nobody of that name has a phone here"),
        ("whatsapp", "say", {"person": "x", "text": "hi"}, 400, "nobody of that name has a phone here"),
        ("telegram", "say", {"person": MARIE, "text": " \n"}, 400, "nothing was written"),
        ("telegram", "say", {"person": MARIE, "text": 7}, 400, "nothing was written"),
        ("telegram", "say", {"person": MARIE, "text": "😀" * 2049}, 400, "Telegram takes at most 4096 characters"),
        ("whatsapp", "say", {"person": PRIYA, "text": "x" * 4097}, 400, "WhatsApp takes at most 4096 characters"),
        ("telegram", "press", {"person": MARIE, "message": "9", "label": "Yes"}, 400, "there is no such message any more"),
        ("telegram", "edit", {"person": MARIE, "message": "-1", "text": "x"}, 400, "there is no such message any more"),
        ("whatsapp", "press", {"person": PRIYA, "message": "SM", "label": "Yes"}, 400, "there is no such button any more"),
        ("whatsapp", "edit", {"person": PRIYA}, 404, "there is no such thing to do"),
        ("signal", "say", {"person": MARIE, "text": "hi"}, 404, "there is no such thing to do"),
    ],
)  # fmt: skip
async def test_a_wrong_wish_is_refused_in_words(
    page: Page, gateway: Listener, app: str, verb: str, said: Json, status: int, why: str
) -> None:
    assert await page.act(app, verb, **said) == (status, {"error": why})
    assert gateway.requests == []


async def test_what_is_no_json_is_refused(page: Page) -> None:
    bodies = (
        (b"{", "application/json", 400), (b"[]", "application/json", 400), (b"person=1", "text/plain", 415),
        (b"person=1", "application/x-www-form-urlencoded", 415),
    )  # fmt: skip
    for body, kind, status in bodies:
        async with page.http.post(f"{BASE}/telegram/say", data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == status
            assert (await answer.json())["error"]


async def test_files_that_are_none_are_refused(page: Page, gateway: Listener) -> None:
    assert await page.share("telegram", b"", person=MARIE, name="a") == (400, {"error": "the file is empty"})
    status, told = await page.share("whatsapp", b"x" * (10 * 1024 * 1024 + 1), person=PRIYA, name="a")
    assert (status, told) == (400, {"error": "the file has more than 10 MB"})
    status, told = await page.share("telegram", b"x", person=MARIE, name="a", text="x" * 1025)
    assert (status, told) == (400, {"error": "Telegram takes at most 1024 characters beside a file"})
    async with page.http.post(f"{BASE}/telegram/share", data=b"x", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 400
    async with page.http.get(f"{BASE}/telegram/files/d1") as answer:
        assert answer.status == 404
    assert gateway.requests == []


async def test_a_shared_page_is_saved_and_never_run(page: Page) -> None:
    await page.share("telegram", b"<script>", person=MARIE, name="../x.html", type="text/html")
    told = await page.sees(lambda one: bool(one.get("message", {}).get("files")))
    content, disposition = await page.file("telegram", told["message"])
    assert (content, disposition) == (b"<script>", "attachment; filename*=UTF-8''x.html")


async def test_the_page_sees_what_the_bot_does(page: Page, world: World) -> None:
    await page.act("telegram", "say", person=MARIE, text="hi")
    chat: Json = {"chat_id": int(MARIE)}

    async def bot(method: str, **arguments: Any) -> None:
        place = f"{world.telegram.url}/bot{world.secrets.telegram_token}/{method}"
        async with page.http.post(place, json=chat | arguments) as answer:
            assert (await answer.json())["ok"], await answer.text()

    await bot("sendChatAction", action="typing")
    await bot("sendMessageDraft", draft_id=1, text="Hel")
    await bot("sendMessage", text="Hello <b>", entities=[{"type": "bold", "offset": 0, "length": 5}])
    await bot("editMessageText", message_id=2, text="Hello you")
    await bot("deleteMessage", message_id=2)
    told = [one for one in page.news if not one.get("message", {}).get("mine")]
    told.append(await page.sees(lambda one: "removed" in one))
    assert told[:2] == [
        {"app": "telegram", "typing": MARIE},
        {"app": "telegram", "draft": MARIE, "text": "Hel", "entities": []},
    ]
    assert told[2]["message"]["text"] == "Hello <b>"
    assert told[2]["message"]["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
    assert (told[3]["message"]["text"], told[3]["message"]["edited"]) == ("Hello you", True)
    assert told[-1] == {"app": "telegram", "removed": {"chat": MARIE, "id": "2"}}


async def test_ones_own_words_can_be_changed_and_nobody_elses(page: Page, world: World, gateway: Listener) -> None:
    await page.act("telegram", "say", person=MARIE, text="helo")
    assert await page.act("telegram", "edit", person=MARIE, message="1", text="hello") == (200, {})
    assert json.loads(gateway.requests[-1][2])["edited_message"]["text"] == "hello"
    await page.share("telegram", PHOTO, person=MARIE, name="a.png", type="image/png")
    _, told = await page.act("telegram", "edit", person=MARIE, message="2", text="hello")
    assert told == {"error": "only your own words can be changed"}


async def test_quick_replies_of_a_template_are_buttons(page: Page, world: World, gateway: Listener) -> None:
    await page.act("whatsapp", "say", person=PRIYA, text="hi")
    variables = json.dumps({"1": "Shall I?", "2": "Yes", "3": "No"})
    form = {
        "From": world.twilio.address, "To": f"whatsapp:{PRIYA}", "ContentSid": CHOICES_2, "ContentVariables": variables,
    }  # fmt: skip
    account = aiohttp.encode_basic_auth(world.twilio.sid, world.secrets.twilio_auth_token)
    place = f"{world.twilio.url}/2010-04-01/Accounts/{world.twilio.sid}/Messages.json"
    async with page.http.post(place, data=form, headers={"Authorization": account}) as answer:
        assert answer.status == 201
    asked = await page.reads("whatsapp", "Shall I?")
    assert asked["buttons"] == [["Yes"], ["No"]]
    assert await page.act("whatsapp", "press", person=PRIYA, message=asked["id"], label="Yes") == (200, {})
    assert b"ButtonPayload=yes" in gateway.requests[-1][2]
    assert (await page.act("whatsapp", "press", person=PRIYA, message=asked["id"], label="Maybe"))[0] == 400


# --- a whole talk


async def test_marie_asks_on_telegram_presses_yes_and_gets_a_person(tmp_path: Path) -> None:
    async with lived(tmp_path) as (gateway, outside, page):
        await page.act(
            "telegram", "say", person=MARIE, text="I returned the microphone. Where is my refund for order A-46420?"
        )
        offer = await page.reads("telegram", "Shall I go ahead?")
        assert offer["buttons"] == [["Yes"], ["No"]]
        assert await page.act("telegram", "press", person=MARIE, message=offer["id"], label="Yes") == (200, {})
        await page.reads("telegram", "Refund of $139.00 issued")
        assert [(row["order_id"], row["customer"]) for row in outside.shop.ledger] == [("A-46420", "cus_1004")]
        await page.sees(lambda one: one.get("message", {}).get("id") == offer["id"] and not one["message"]["buttons"])

        await page.share(
            "telegram", PHOTO, person=MARIE, name="box.png", type="image/png", text="I want to talk to a human"
        )
        await page.reads("telegram", "bring in someone")
        await answered_by_sara(gateway, outside, page)
        await page.reads("telegram", "Sara Lindqvist: Here is your label.")
        told = await page.sees(lambda one: _said(one) == "Sara Lindqvist" and bool(one["message"]["files"]))
        assert await page.file("telegram", told["message"]) == (LABEL, "attachment; filename*=UTF-8''label.pdf")


async def test_priya_asks_on_whatsapp_answers_with_a_number_and_gets_a_person(tmp_path: Path) -> None:
    async with lived(tmp_path) as (gateway, outside, page):
        await page.act(
            "whatsapp", "say", person=PRIYA, text="I sent the headphones back. Where is my refund for order A-46901?"
        )
        offer = await page.reads("whatsapp", "Shall I go ahead?")
        assert offer["text"].endswith("1. Yes\n2. No")
        await page.act("whatsapp", "say", person=PRIYA, text="1")
        await page.reads("whatsapp", "Refund of $189.40 issued")
        assert [(row["order_id"], row["customer"]) for row in outside.shop.ledger] == [("A-46901", "cus_1008")]
        await page.act("whatsapp", "read", person=PRIYA)
        assert [one.status for one in outside.twilio.phones[f"whatsapp:{PRIYA}"].heard][-1] == "read"
        await page.sees(lambda one: one["app"] == "whatsapp" and one.get("message", {}).get("ticks") == "read")

        await page.act("whatsapp", "say", person=PRIYA, text="I want to talk to a human")
        await page.reads("whatsapp", "bring in someone")
        await answered_by_sara(gateway, outside, page)
        await page.reads("whatsapp", "Sara Lindqvist: Here is your label.")
        told = await page.sees(lambda one: bool(one.get("message", {}).get("files")))
        assert await page.file("whatsapp", told["message"]) == (LABEL, "attachment; filename*=UTF-8''label.pdf")


async def answered_by_sara(gateway: Running, outside: World, page: Page) -> None:
    """From the desk's page: words and a file in the thread of the one case."""
    await gateway.settle()
    (card,) = [message for message in outside.slack.messages(DESK) if message.by_app and not message.is_reply]
    where = {"user": SARA, "channel": DESK, "thread_ts": card.ts, "text": "Here is your label.", "name": "label.pdf"}
    headers = {"Content-Type": "application/octet-stream"}
    url = "/demo/api/desk/share"
    async with page.http.post(url, params=where | {"type": "application/pdf"}, data=LABEL, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


# --- between two starts


async def test_the_phones_remember(gateway: Listener, tmp_path: Path) -> None:
    secrets, file = Secrets.fresh(), tmp_path / "world.json"

    async def serve(retry_scale: float) -> World:
        return await world.serve(
            lambda: NOW, secrets, gateway_url=gateway.url, memory_path=file, retry_scale=retry_scale
        )

    async with await serve(1) as before:
        async with pages_of(before) as url, opened(url) as page:
            await page.act("telegram", "say", person=MARIE, text="one")
            await page.share("whatsapp", PHOTO, person=PRIYA, name="box.png", type="image/png", text="two")
            gateway.statuses = [503] * 10
            async with asyncio.timeout(5):
                writing = asyncio.create_task(page.act("telegram", "say", person=MARIE, text="three"))
                await page.sees(lambda one: one.get("message", {}).get("text") == "three")
            writing.cancel()
        sids = list(before.twilio.messages)
    gateway.statuses, gateway.requests = [], []
    async with await serve(0) as after, pages_of(after) as url, opened(url) as page:
        telegram, whatsapp = (page.held[app]["messages"] for app in ("telegram", "whatsapp"))
        assert [one["text"] for one in telegram] == ["one", "three"]
        assert [(one["text"], one["ticks"]) for one in whatsapp] == [("two", "delivered")]
        assert (await page.file("whatsapp", whatsapp[0]))[0] == PHOTO
        await page.act("telegram", "say", person=MARIE, text="four")  # which waits for what waited
        await page.act("whatsapp", "say", person=PRIYA, text="five")
        assert len(set(after.twilio.messages) - set(sids)) == 1
    updates = [json.loads(body) for path, _, body in gateway.requests if path == "/webhooks/telegram"]
    assert [(one["message"]["message_id"], one["message"]["text"]) for one in updates] == [(2, "three"), (3, "four")]
    assert len({one["update_id"] for one in updates}) == 2
