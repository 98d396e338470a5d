"""The stand-in refuses what Telegram refuses, and brings updates as Telegram brings them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import MessageEntity
from aiohttp import web

from demo.telegram import ANA, JONAS, Messenger
from demo.telegram.courier import Webhook
from demo.telegram.formatting import Refused, check, formatted
from tests.support.businesses import serving
from tests.support.telegram import TOKEN, messenger


@pytest.fixture
async def telegram() -> AsyncIterator[Messenger]:
    async with messenger() as made:
        made.chat(ANA)
        yield made


@pytest.fixture
async def bot(telegram: Messenger) -> AsyncIterator[Bot]:
    made = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(telegram.url)))
    yield made
    await made.session.close()


class App:
    """A bot's webhook: answers as it is told to, and keeps what came."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, Any], str]] = []
        self.statuses: list[int] = []

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((await request.json(), request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/hook", self.take)
        return app


async def test_the_bot_knows_itself_and_nobody_else_is_it(telegram: Messenger, bot: Bot) -> None:
    assert (await bot.get_me()).username == telegram.username
    async with aiohttp.ClientSession() as http:
        for path, status in ((f"/bot{TOKEN}x/getMe", 401), ("/bot1/getMe", 404), (f"/bot{TOKEN}/getNothing", 404)):
            async with http.get(telegram.url + path) as answer:
                assert (answer.status, (await answer.json())["ok"]) == (status, False)
        for body in ({"data": {"chat_id": ANA, "text": "form"}}, {"json": {"chat_id": ANA, "text": "json"}}):
            async with http.post(f"{telegram.url}/bot{TOKEN}/sendMessage", **body) as answer:  # type: ignore[arg-type]
                assert (await answer.json())["result"]["text"] in ("form", "json")


@pytest.mark.parametrize(
    ("text", "entities", "why"),
    [
        ("x" * 4097, [], "too long"),
        ("😀" * 2049, [], "too long"),
        (" \n", [], "text is empty"),
        ("abc", [{"type": "bold", "offset": 2, "length": 2}], "ENTITY_BOUNDS_INVALID"),
        ("😀b", [{"type": "bold", "offset": 1, "length": 2}], "ENTITY_BOUNDS_INVALID"),
        ("abc", [{"type": "bold", "offset": 0, "length": 0}], "ENTITY_BOUNDS_INVALID"),
        ("abc", [{"type": "marquee", "offset": 0, "length": 1}], "unsupported type"),
        ("abc", [{"type": "text_link", "offset": 0, "length": 1, "url": "javascript:x"}], "ENTITY_URL_INVALID"),
        ("abcd", [{"type": "bold", "offset": 0, "length": 3}, {"type": "italic", "offset": 2, "length": 2}], "overlap"),
        ("abcd", [{"type": "code", "offset": 0, "length": 3}, {"type": "bold", "offset": 0, "length": 2}], "overlap"),
        ("a b", [{"type": "bold", "offset": 0, "length": 2}], "white space"),
    ],
)
def test_a_text_that_telegram_would_not_show_so(text: str, entities: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(Refused, match=why):
        check(text, entities)


@pytest.mark.parametrize("source", ["<p>x</p>", "<b>x", "x</b>", "<b><i>x</b></i>", "a < b", "<br>"])
def test_html_that_telegram_cannot_parse(source: str) -> None:
    with pytest.raises(Refused, match="can't parse entities"):
        formatted(source, None, "HTML")


def test_html_that_it_can() -> None:
    text, entities = formatted('👋 <b>x &lt; <i>y</i></b> <a href="https://a.example">z</a>', None, "HTML")
    assert text == "👋 x < y z"
    assert [(one["type"], one["offset"], one["length"]) for one in entities] == [
        ("italic", 7, 1),
        ("bold", 3, 5),
        ("text_link", 9, 1),
    ]


async def test_messages_are_sent_changed_and_deleted(telegram: Messenger, bot: Bot) -> None:
    sent = await bot.send_message(ANA, "Hi 😀", entities=[MessageEntity(type="bold", offset=0, length=2)])
    assert (sent.message_id, sent.text) == (1, "Hi 😀")
    await bot.edit_message_text("Ho", chat_id=ANA, message_id=1)
    with pytest.raises(TelegramBadRequest, match="not modified"):
        await bot.edit_message_text("Ho", chat_id=ANA, message_id=1)
    assert await bot.delete_message(ANA, 1)
    with pytest.raises(TelegramBadRequest, match="not found"):
        await bot.delete_message(ANA, 1)
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(5, "x")
    telegram.block(ANA)
    with pytest.raises(TelegramForbiddenError, match="blocked by the user"):
        await bot.send_message(ANA, "x")


@pytest.mark.parametrize(("data", "fine"), [("x" * 64, True), ("x" * 65, False), ("é" * 33, False), ("", False)])
async def test_a_buttons_data_has_at_most_64_bytes(telegram: Messenger, data: str, fine: bool) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": data}]]}
    body = {"chat_id": ANA, "text": "?", "reply_markup": keyboard}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{telegram.url}/bot{TOKEN}/sendMessage", json=body) as answer,
    ):
        assert answer.status == (200 if fine else 400)


async def test_too_many_messages_have_to_wait(telegram: Messenger, bot: Bot) -> None:
    telegram.pace = 60_000
    await bot.send_message(ANA, "one")
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(ANA, "two")
    assert 58 <= caught.value.retry_after <= 60
    telegram.chat(JONAS)
    await bot.send_message(JONAS, "somebody else")


async def test_drafts_actions_files_and_commands(telegram: Messenger, bot: Bot) -> None:
    await bot.send_chat_action(ANA, "typing")
    with pytest.raises(TelegramBadRequest, match="wrong parameter action"):
        await bot.send_chat_action(ANA, "juggling")
    await bot.send_message_draft(ANA, 1, text="Hel")
    assert (telegram.actions, telegram.drafts) == ([(ANA, "typing")], [(ANA, "Hel")])
    telegram.store("F1", b"content")
    told = await bot.get_file("F1")
    assert told.file_path is not None
    fetched = await bot.download_file(told.file_path)
    assert fetched is not None
    assert fetched.read() == b"content"
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query("1")


async def test_updates_come_by_webhook_in_order_and_again_until_they_are_taken(telegram: Messenger, bot: Bot) -> None:
    app = App()
    app.statuses = [503, 500, 200]
    async with serving(app.app()) as url:
        await bot.set_webhook(f"{url}/hook", secret_token="s3cret", allowed_updates=["message"])
        with pytest.raises(TelegramConflictError, match="webhook is active"):
            await bot.get_updates()
        first = await telegram.say(ANA, "one")
        second = await telegram.say(ANA, "two")
        await telegram.edit(first, "not asked for")
        await telegram.edit(second, "not asked for")
        assert [update["message"]["text"] for update, _ in app.came] == ["one", "one", "one", "two"]
        assert {secret for _, secret in app.came} == {"s3cret"}
        assert telegram.courier.delivered[0].answers == [503, 500, 200]
        assert (await bot.get_webhook_info()).last_error_message == "Wrong response from the webhook: 500"


async def test_an_update_expires(telegram: Messenger) -> None:
    now = [1_790_000_000_000]
    telegram.clock = telegram.courier.clock = lambda: now[0]
    app = App()
    app.statuses = [500] * 1000

    async def sleep(_: float) -> None:
        now[0] += 3_600_000
        await asyncio.sleep(0)

    telegram.courier.sleep = sleep
    async with serving(app.app()) as url:
        telegram.courier.webhook = Webhook(f"{url}/hook")
        await telegram.say(ANA, "one")
    assert telegram.courier.delivered[0].answers == [500] * 24 + ["expired"]


async def test_updates_are_fetched_until_they_are_confirmed(telegram: Messenger, bot: Bot) -> None:
    await telegram.say(ANA, "one")
    await telegram.say(JONAS, "two")
    found = await bot.get_updates()
    assert [update.message.text for update in found if update.message] == ["one", "two"]
    assert len(await bot.get_updates(offset=found[0].update_id)) == 2
    assert len(await bot.get_updates(offset=found[0].update_id + 1)) == 1
    waits = asyncio.create_task(bot.get_updates(offset=found[1].update_id + 1, timeout=20))
    async with asyncio.timeout(5):
        while telegram.polling is None:  # noqa: ASYNC110 - the stand-in tells nobody that somebody waits
            await asyncio.sleep(0.005)
    late = await bot.get_updates()
    assert late == []
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await waits
