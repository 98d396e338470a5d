"""What only Telegram has: buttons that forget nothing, drafts, and a customer of the site who goes on there."""

from __future__ import annotations

import pytest

from bench.team import buttons
from demo.slack.people import DESK
from demo.telegram import ANA, JONAS
from demo.telegram.people import EMMA
from tests.support.telegram import SECTION, conversation_of, telegram_shop


@pytest.mark.parametrize("updates", ["webhook", "polling"])
async def test_a_button_decides_once(updates: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with telegram_shop(tmp_path, updates) as (business, telegram):
        await telegram.say(ANA, business.asks)
        offer = await telegram.hears(ANA, lambda one: bool(one.keyboard))
        label, data = next(iter(offer.buttons.items()))
        assert (ANA, "typing") in telegram.actions
        assert len(data.encode()) <= 64
        for _ in range(3):
            await telegram.press(ANA, offer, label, data=data)
        await telegram.hears(ANA, lambda one: business.receipt in one.text, after=offer.id)
        await business.running.settle()
        assert len(business.effects()) == 1
        log = await business.running.log(await conversation_of(business.running))
        assert [line["kind"] for line in log].count("customer_pressed") == 1
        assert offer.keyboard == []
        assert all(telegram.answered.values())


async def test_in_draft_nothing_reaches_the_customer_but_by_a_persons_click(tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with telegram_shop(tmp_path, "webhook", SECTION.replace("mode: live", "mode: draft")) as (business, telegram):
        await telegram.say(ANA, business.later_question)
        await business.running.settle()
        await business.slack.settled()
        assert telegram.by_bot(ANA) == []
        (draft,) = [one for one in business.slack.messages(DESK) if "approve" in buttons(one.blocks)]
        await business.slack.press(business.person, draft.ts, "approve")
        said = await telegram.hears(ANA, lambda one: business.later_answer in one.text)
        assert said.id == 2
        assert telegram.actions == []


async def test_a_signed_in_customer_goes_on_in_telegram(tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with telegram_shop(tmp_path, "webhook") as (business, telegram):
        await telegram.say(EMMA, business.asks)
        stranger = await telegram.hears(EMMA, lambda one: bool(one.text))
        assert business.offer_says[1] not in stranger.text
        body = {"identity": business.identity}
        async with business.http.post(f"{business.url}/webhooks/telegram/links", json=body) as answer:
            assert answer.status == 201
            url = (await answer.json())["url"]
        assert url.startswith(f"https://t.me/{telegram.username}?start=")
        await telegram.say(JONAS, f"/start {url.partition('=')[2]}")
        await telegram.say(JONAS, business.asks)
        offer = await telegram.hears(JONAS, lambda one: bool(one.keyboard))
        for words in business.offer_says:
            assert words in offer.text
        await business.running.settle()
