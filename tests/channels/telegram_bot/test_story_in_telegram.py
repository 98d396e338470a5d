"""The story of tests/test_story.py, lived in Telegram: by webhook, and by polling."""

from __future__ import annotations

import pytest

from bench.team import buttons
from demo.slack.people import DESK
from demo.telegram import ANA, JONAS
from demo.telegram.people import EMMA
from tests.support.telegram import SECTION, conversation_of, telegram_shop


@pytest.mark.parametrize("updates", ["webhook", "polling"])
async def test_the_story(updates: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with telegram_shop(tmp_path, updates) as (business, telegram):
        # The customer asks; the agent looks it up under the gateway's word for this account, and asks before it pays.
        await telegram.say(ANA, business.asks)
        offer = await telegram.hears(ANA, lambda one: bool(one.keyboard))
        for words in business.offer_says:
            assert words in offer.text
        assert len(offer.buttons) == 2
        assert business.effects() == []
        assert (ANA, "typing") in telegram.actions

        # The customer says yes and asks for more; the payment happens once, and the second matter stops the agent.
        await telegram.say(ANA, business.agrees_and_asks_more)
        answer = await telegram.hears(ANA, lambda one: business.receipt in one.text, after=offer.id)
        told = await telegram.hears(ANA, lambda one: business.handover in one.text, after=offer.id)
        assert len(business.effects()) == 1

        # The team sees the case, and a person answers from the thread: the customer sees their name, and the words as they are.
        await business.running.settle()
        for words in ("Ana Ruiz", business.reason):
            assert words in await business.card()
        details = await business.thread_text()
        for words in (business.asks[:40], business.first_id, business.second_id, business.receipt_number):
            assert words in details
        await business.slack.post_as(business.person, business.reply, thread_ts=await business.root())
        said = await telegram.hears(ANA, lambda one: business.reply in one.text, after=told.id)
        assert (said.text, said.entities) == (f"{business.person_name}: {business.reply}", [])
        await business.marked(business.reply, "white_check_mark")

        # They resolve it; the customer's next message opens a new episode, and the agent answers again.
        await business.slack.press(business.person, await business.root(), "resolve")
        await business.running.settle()
        await telegram.say(ANA, business.later_question)
        again = await telegram.hears(ANA, lambda one: business.later_answer in one.text, after=said.id)
        await business.running.settle()

        log = await business.running.log(await conversation_of(business.running))
        understood = next(line for line in log if line["kind"] == "understood")
        assert (understood["intent"], understood["sentiment"]["label"]) == (business.intent, "neutral")
        assert next(line for line in log if line["kind"] == "handed_over")["reason"] == business.reason
        assert {line["episode"] for line in log} == {1, 2}
        assert [line["seq"] for line in log] == list(range(1, len(log) + 1))
        assert answer.id <= told.id < said.id < again.id
        assert len(business.effects()) == 1


@pytest.mark.parametrize("updates", ["webhook", "polling"])
async def test_a_button_decides_once(updates: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with telegram_shop(tmp_path, updates) as (business, telegram):
        await telegram.say(ANA, business.asks)
        offer = await telegram.hears(ANA, lambda one: bool(one.keyboard))
        label, data = next(iter(offer.buttons.items()))
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
