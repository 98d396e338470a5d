"""The story of `tests/test_story.py`, lived on WhatsApp: the same decisions and the same handoff, on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from demo.slack.people import SARA
from demo.twilio import Account
from tests.support.businesses import Business, shop, without_phones
from tests.support.visitor import Visitor
from tests.support.whatsapp import PUBLIC, SECTION, connect, twilio

ANA = "+34600111222"
DECISIONS = {
    "understood",
    "tool_asked",
    "tool_answered",
    "decided",
    "confirmation_asked",
    "confirmation_given",
    "handed_over",
}


@asynccontextmanager
async def shop_on_whatsapp(folder: Path) -> AsyncIterator[tuple[Business, Account]]:
    """The demo's shop with one channel more."""
    demo = Path(str(files("demo")))
    text = without_phones((demo / "gateway.yaml").read_text())
    text = text.replace("public_url: ${DEMO_ORIGIN:-http://127.0.0.1:8080}", f"public_url: {PUBLIC}")
    text = text.replace("spec: agent.yaml", f"spec: {demo / 'agent.yaml'}").replace(
        "\nchannels:\n", f"\nchannels:{SECTION}"
    )
    config = folder / "gateway.yaml"
    config.write_text(text)
    async with twilio() as account:
        told = lambda url: connect(account, url)  # noqa: E731
        async with shop(
            folder, config=config, connect=told, TWILIO_API=account.url, TWILIO_STORE=account.store_url
        ) as business:
            yield business, account
            await account.settled()


async def test_the_story_on_whatsapp(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with shop_on_whatsapp(tmp_path) as (business, account):
        ana = account.phone(ANA, "Ana Ruiz")

        # She asks; the agent looks it up for the number it hears from, and asks before it pays.
        await ana.say(business.asks)
        offer = await ana.sees(lambda text: "Shall I go ahead?" in text)
        for words in business.offer_says:
            assert words in offer
        assert offer.endswith("1. Yes\n2. No")
        assert business.effects() == []

        # She says yes and asks for more; the payment happens once, and the second matter stops the agent.
        await ana.say(business.agrees_and_asks_more)
        await ana.sees(lambda text: business.receipt in text)
        await ana.sees(lambda text: business.handover in text)
        assert len(business.effects()) == 1

        # Sara sees the case in Slack, and answers from the thread; her name stands before her words.
        await business.running.settle()
        assert business.reason in await business.card()
        assert business.receipt_number in await business.thread_text()
        await business.slack.post_as(SARA, business.reply, thread_ts=await business.root())
        assert await ana.sees(lambda text: business.reply in text) == f"Sara Lindqvist: {business.reply}"
        await business.marked(business.reply, "white_check_mark")

        # She resolves it; the next message is the agent's again.
        await business.slack.press(SARA, await business.root(), "resolve")
        await business.running.settle()
        heard = len(ana.heard)
        await ana.say(business.later_question)
        await ana.sees(lambda text: business.later_answer in text, after=heard)
        await account.settled()
        await business.running.settle()
        (item,) = (await business.running.api("conversations?channel=whatsapp"))["items"]
        log = await business.running.log(item["id"])
        assert {line["episode"] for line in log} == {1, 2}
        assert [line["reason"] for line in log if line["kind"] == "handed_over"] == [business.reason]
        assert len(business.effects()) == 1
        on_whatsapp = [line["kind"] for line in log if line["kind"] in DECISIONS]
    assert on_whatsapp == await decisions_on_the_web(tmp_path_factory.mktemp("web"))


async def decisions_on_the_web(folder: Path) -> list[str]:
    """What is decided, in order, when the same is said at the widget."""
    async with shop(folder) as business:
        ana = await Visitor(business.http, business.url).arrive(business.identity)
        await ana.say(business.asks)
        offer = await ana.hears("agent")
        await ana.say(business.agrees_and_asks_more)
        told = await ana.sees(lambda item: business.handover in item["text"], after=offer["seq"])
        await business.running.settle()
        await business.slack.post_as(SARA, business.reply, thread_ts=await business.root())
        said = await ana.hears("staff", after=told["seq"])
        await business.slack.press(SARA, await business.root(), "resolve")
        await business.running.settle()
        await ana.say(business.later_question)
        await ana.hears("agent", after=said["seq"])
        await ana.leave()
        log = await business.running.log(ana.conversation)
        return [line["kind"] for line in log if line["kind"] in DECISIONS]


async def test_a_number_is_a_yes_to_the_question(tmp_path: Path) -> None:
    async with shop_on_whatsapp(tmp_path) as (business, account):
        ana = account.phone(ANA, "Ana Ruiz")
        await ana.say(business.asks)
        await ana.sees(lambda text: "1. Yes" in text)
        await ana.say("1")
        await ana.sees(lambda text: business.receipt in text)
        assert len(business.effects()) == 1
