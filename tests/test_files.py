"""Files go both ways: what a customer shares appears in the thread, what a colleague shares reaches the customer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from demo.slack import Workspace
from demo.slack.message import Message
from demo.slack.people import DESK, SARA
from demo.telegram import ANA
from tests.proofs.stage import staged
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
        shown = await customer.sees(lambda item: "label.pdf" in item["text"])
        assert (shown["from"], shown["tree"][0]["c"][1]["t"]) == ("system", "a")
        address = shown["tree"][0]["c"][1]["href"]
        assert address.startswith(f"{PUBLIC}/files/")
        async with stage.running.http.get(address.replace(PUBLIC, stage.url)) as answer:
            assert (answer.status, await answer.read()) == (200, LABEL)
            assert answer.headers["Content-Disposition"].startswith("attachment")
        await stage.settle()
        assert not [item for item in customer.messages.values() if "page.pdf" in item["text"]]
        whispers = [one.text for one in stage.slack.messages(DESK) if one.for_user == SARA]
        assert any("page.pdf was not sent" in text for text in whispers)
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


async def shared_by_sara(slack: Workspace) -> None:
    """A return label in the case's thread, without words."""
    label, card = slack.files.keep("label.pdf", "application/pdf", LABEL, slack.ids), case(slack)
    await slack.post_as(SARA, "", thread_ts=card.ts, channel=card.channel, files=(label,))
