"""Files go both ways: what a customer shares appears in the thread, what a colleague shares reaches the customer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Unavailable
from channels.files.shelf import Kept, Shelf
from demo.slack import Workspace
from demo.slack.message import Message
from demo.slack.people import DESK, SARA
from demo.telegram import ANA
from tests.proofs.stage import staged
from tests.support.businesses import Business
from tests.support.phones import words_shown
from tests.support.telegram import telegram_shop
from tests.support.transports import SHARING, TRANSPORTS
from tests.support.whatsapp import PUBLIC as WHATSAPP
from tests.support.whatsapp import shop_on_whatsapp

PUBLIC = "https://support.example.com"
LABEL = b"%PDF-1.7\nthe return label"


async def test_a_label_from_the_desk_is_a_download_on_the_page(tmp_path: Path) -> None:
    async with staged(tmp_path, GATEWAY__PUBLIC_URL=PUBLIC) as stage:
        customer = await stage.visitor()
        card = await stage.opened(customer)
        label, page = (
            stage.slack.files.keep("label.pdf", "application/pdf", LABEL, stage.slack.ids),
            stage.slack.files.keep("page.pdf", "application/pdf", b"<html><script>alert(1)</script>", stage.slack.ids),
        )
        await stage.slack.post_as(SARA, "Here is your label.", thread_ts=card.ts, files=(label, page))
        shown = await customer.sees(lambda item: bool(item.get("files")))
        assert (shown["from"], shown["name"], shown["text"]) == ("staff", "Sara Lindqvist", "Here is your label.")
        (file,) = shown["files"]
        assert (file["name"], file["media_type"]) == ("label.pdf", "application/pdf")
        address = file["url"]
        assert address.startswith(f"{PUBLIC}/files/")
        async with stage.running.http.get(address.replace(PUBLIC, stage.url)) as answer:
            assert (answer.status, await answer.read()) == (200, LABEL)
            assert answer.headers["Content-Disposition"].startswith("attachment")
        await stage.settle()
        whispers = [one.text for one in stage.slack.messages(DESK) if one.for_user == SARA]
        assert any("page.pdf was not sent" in text for text in whispers)

        # What is deleted in the thread is gone from the page, and leads nowhere.
        (said,) = [one for one in stage.slack.messages(DESK) if one.user == SARA]
        await stage.slack.delete_as(SARA, said.ts)
        gone = await customer.sees(lambda item: item["replaces"] == shown["seq"])
        assert (gone["text"], gone.get("files")) == ("", None)
        async with stage.running.http.get(address.replace(PUBLIC, stage.url)) as answer:
            assert answer.status == 404
        await customer.leave()


PHOTO = b"\x89PNG\r\n\x1a\n" + b"\1" * 5_000


async def shared_at_the_desk(slack: Workspace, count: int) -> list[bytes]:
    """The files that our app has shared, once there are so many."""
    async with asyncio.timeout(15):
        while True:
            posts = [one for room in slack.rooms for one in slack.messages(room) if one.by_app and one.files]
            found = [slack.files.known[file["id"]].content for one in posts for file in one.files]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


def case(slack: Workspace) -> Message:
    """The one card, in whichever of the desk's channels it is."""
    (card,) = (one for room in slack.rooms for one in slack.messages(room) if one.by_app and not one.is_reply)
    return card


@pytest.mark.parametrize("transport", SHARING)
async def test_a_photo_with_words_appears_in_the_thread(transport: str, tmp_path: Path) -> None:
    async with TRANSPORTS[transport](tmp_path) as (business, phone):
        await phone.share(PHOTO, "image/png", "The box arrived broken, I want to talk to a human")
        assert await shared_at_the_desk(business.slack, 1) == [PHOTO]
        await phone.sees(business.handover)
        assert "The box arrived broken" in await business.card()


async def test_what_is_no_picture_is_not_shown_as_one_and_a_label_goes_to_whatsapp(tmp_path: Path) -> None:
    async with shop_on_whatsapp(tmp_path) as (business, account):
        ana = account.phone("+34600111222", "Ana Ruiz")
        await ana.share(PHOTO, "image/png", "The box arrived broken, I want to talk to a human")
        await ana.share(b"<html><script>", "image/png", "And this")
        await ana.share(PHOTO + b"2", "image/png", "And another")
        assert await shared_at_the_desk(business.slack, 2) == [PHOTO, PHOTO + b"2"]

        # Sara's label goes the other way: WhatsApp fetches it from our origin.
        await shared_by_sara(business.slack)
        await business.running.settle()
        await account.settled()
        (address,) = next(one.shown for one in reversed(ana.heard) if one.shown)
        async with business.http.get(address.replace(WHATSAPP, business.url)) as answer:
            assert (answer.status, await answer.read()) == (200, LABEL)


async def test_a_label_goes_to_telegram(tmp_path: Path) -> None:
    async with telegram_shop(tmp_path, "webhook") as (business, telegram):
        await telegram.say(ANA, "I want to talk to a human")
        await business.running.settle()
        await shared_by_sara(business.slack)
        told = await telegram.hears(ANA, lambda one: "document" in one.more)
        assert (told.more["document"]["file_name"], told.more["caption"]) == ("label.pdf", "Sara Lindqvist")
        assert telegram.files[told.more["document"]["file_id"]] == LABEL


def replies(slack: Workspace) -> list[Message]:
    """What Sara has posted in the case's thread."""
    return [one for one in slack.thread(case(slack).ts, case(slack).channel) if one.user == SARA]


def whispers(slack: Workspace) -> list[str]:
    """What she alone was told."""
    return [one.text for one in slack.messages(case(slack).channel) if one.for_user == SARA]


async def until(done: Callable[[], bool]) -> None:
    """Wait for what has no event here."""
    async with asyncio.timeout(15):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def marked(business: Business, mark: str) -> None:
    """Wait until her reply bears this sign."""
    await until(lambda: mark in replies(business.slack)[-1].reactions)


def unkept(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """So many times, nothing can be kept here."""
    bring, left = Shelf.bring, iter(range(times))

    async def refused(self: Shelf, *args: Any) -> Kept:
        if next(left, None) is not None:
            raise Unavailable("the file cannot be kept: No space left on device")
        return await bring(self, *args)

    monkeypatch.setattr(Shelf, "bring", refused)


async def test_a_file_that_cannot_be_kept_here_for_a_moment_goes_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with telegram_shop(tmp_path, "webhook") as (business, telegram):
        await telegram.say(ANA, "I want to talk to a human")
        await business.running.settle()
        unkept(monkeypatch, 2)
        await shared_by_sara(business.slack)
        told = await telegram.hears(ANA, lambda one: "document" in one.more)
        assert telegram.files[told.more["document"]["file_id"]] == LABEL
        await marked(business, "white_check_mark")
        assert set(replies(business.slack)[-1].reactions) == {"white_check_mark"}


async def test_a_customers_photo_that_cannot_be_kept_for_a_moment_is_shown_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unkept(monkeypatch, 2)
    async with TRANSPORTS["telegram-webhook"](tmp_path) as (business, phone):
        await phone.share(PHOTO, "image/png", "The box arrived broken, I want to talk to a human")
        assert await shared_at_the_desk(business.slack, 1) == [PHOTO]


async def test_a_customers_photo_whose_answer_was_lost_at_the_desk_is_named_there(tmp_path: Path) -> None:
    async with TRANSPORTS["telegram-webhook"](tmp_path) as (business, phone):
        faults = business.slack.faults
        faults.only, faults.drop_next_answer = "files.completeUploadExternal", 1
        await phone.share(PHOTO, "image/png", "The box arrived broken, I want to talk to a human")
        slack = business.slack

        def told() -> str:
            return " ".join(words_shown(one) for room in slack.rooms for one in slack.messages(room))

        await until(lambda: "may be missing here: the connection broke" in told())


async def test_a_deleted_reply_takes_its_words_and_files_back_from_telegram(tmp_path: Path) -> None:
    async with telegram_shop(tmp_path, "webhook") as (business, telegram):
        await telegram.say(ANA, "I want to talk to a human")
        await business.running.settle()
        slack, card = business.slack, case(business.slack)
        files = tuple(slack.files.keep(f"{name}.pdf", "application/pdf", LABEL, slack.ids) for name in "ab")
        await slack.post_as(SARA, "Here they are", thread_ts=card.ts, channel=card.channel, files=files)
        await marked(business, "white_check_mark")
        before = len(telegram.by_bot(ANA))
        await slack.delete_as(SARA, replies(slack)[-1].ts, channel=card.channel)
        await until(lambda: len(telegram.by_bot(ANA)) == before - 3)
        assert not [one for one in telegram.by_bot(ANA) if "document" in one.more or "Here they are" in one.text]
        assert whispers(slack) == []


async def test_whatsapp_takes_nothing_back_and_the_author_is_told(tmp_path: Path) -> None:
    async with shop_on_whatsapp(tmp_path) as (business, account):
        await account.phone("+34600111222", "Ana Ruiz").say("I want to talk to a human")
        await business.running.settle()
        await shared_by_sara(business.slack)
        await marked(business, "white_check_mark")
        card = case(business.slack)
        await business.slack.delete_as(SARA, replies(business.slack)[-1].ts, channel=card.channel)
        await business.running.settle()
        assert [text for text in whispers(business.slack) if "customer keeps what you deleted" in text]


async def shared_by_sara(slack: Workspace) -> None:
    """A return label in the case's thread, without words."""
    label, card = slack.files.keep("label.pdf", "application/pdf", LABEL, slack.ids), case(slack)
    await slack.post_as(SARA, "", thread_ts=card.ts, channel=card.channel, files=(label,))
