"""What is lost and what is said twice when one side is away, or an answer does not come: nothing, and what is not known is counted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

from demo.slack.people import DESK
from demo.telegram import ANA, JONAS, Messenger
from demo.telegram.courier import Webhook
from tests.channels.telegram_bot.world import World, opened
from tests.support.businesses import Business
from tests.support.running import OPERATOR, SECRET_KEY
from tests.support.telegram import ALLOWED, SECRET, telegram_shop


async def said(world: World, person: int) -> list[str]:
    return [line.text for line in await world.lines(await world.conversation(person)) if line.kind() == "customer_said"]


async def test_after_ten_minutes_away_everything_is_there_once_and_in_order(world: World) -> None:
    there, slept = world.telegram.courier.webhook, 0.0
    world.telegram.courier.webhook = Webhook("http://127.0.0.1:1/webhooks/telegram", SECRET, ALLOWED)

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds
        world.clock.advance(seconds / world.telegram.courier.retry_scale)
        if world.clock.now - began > 600_000:
            world.telegram.courier.webhook = there
        await asyncio.sleep(0)

    began, world.telegram.courier.sleep = world.clock.now, sleep
    writing = [world.telegram.say(person, f"{number}") for number in range(10) for person in (ANA, JONAS)]
    await asyncio.gather(*writing)
    await world.settle()
    for person in (ANA, JONAS):
        assert await said(world, person) == [f"{number}" for number in range(10)]
    assert world.channel.status()["counts"] == {"accepted": 20}
    assert slept > 0


async def test_lost_answers_are_counted_and_nothing_is_said_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        async with asyncio.timeout(5):
            while "webhook" not in world.channel.status():  # noqa: ASYNC110 - the channel's own first look at Telegram
                await asyncio.sleep(0.005)
        lost = 0
        for number in range(25):
            world.telegram.faults.drop_next_answer = int(number % 5 == 0)
            lost += number % 5 == 0
            await world.telegram.say(ANA, f"question {number}")
            await world.settle()
            world.clock.advance(2)
        heard = Counter(one.text for one in world.telegram.by_bot(ANA))
        assert (len(heard), set(heard.values())) == (25, {1})
        failed = [line for line in await world.lines(await world.conversation(ANA)) if line.kind() == "delivery_failed"]
        assert ([line.reason for line in failed], lost) == (["ambiguous"] * 5, 5)


async def handed_over(business: Business, telegram: Messenger) -> str:
    """The root of a case in which a customer waits for a person."""
    await telegram.say(ANA, business.asks)
    offer = await telegram.hears(ANA, lambda one: bool(one.keyboard))
    await telegram.say(ANA, business.agrees_and_asks_more)
    await telegram.hears(ANA, lambda one: business.handover in one.text, after=offer.id)
    await business.running.settle()
    return await business.root()


async def test_a_correction_that_telegram_refuses_is_told_to_its_author(tmp_path: Path) -> None:
    async with telegram_shop(tmp_path, "webhook") as (business, telegram):
        root = await handed_over(business, telegram)
        sent = await business.slack.post_as(business.person, business.reply, thread_ts=root)
        await business.marked(business.reply, "white_check_mark")
        telegram.block(ANA)
        longer = business.reply + " Or sooner." * 500  # its second part is a message of its own
        await business.slack.edit_as(business.person, sent, longer)
        await business.marked(longer, "warning")
        await business.running.settle()
        notes = [one.text for one in business.slack.messages(DESK) if one.for_user == business.person]
        assert any(note.startswith("This did not reach the customer") for note in notes)


async def test_a_lost_answer_is_told_at_the_desk_and_counted_where_operators_look(tmp_path: Path) -> None:
    async with telegram_shop(tmp_path, "webhook") as (business, telegram):
        root = await handed_over(business, telegram)
        telegram.faults.drop_next_answer = 2  # who writes now, and what they write
        await business.slack.post_as(business.person, business.reply, thread_ts=root)
        await business.marked(business.reply, "grey_question")
        await business.running.settle()
        (note,) = [one for one in business.slack.messages(DESK) if one.for_user == business.person]
        assert note.text.startswith("Nobody knows whether the customer has read this")
        assert "❔ Nobody knows whether the customer has read this" in await business.thread_text()
        heard = [one.text for one in telegram.by_bot(ANA)]
        assert [heard.count(one) for one in heard] == [1] * len(heard)
        assert heard[-1] == f"{business.person_name}: {business.reply}"

        assert (await business.running.api("channels/telegram"))["sends"]["ambiguous"] == 2
        assert "ambiguous 2" in await asyncio.to_thread(channels_as_listed, tmp_path, business.url)


def channels_as_listed(folder: Path, url: str) -> str:
    """What `gateway channels` says beside the gateway that serves there."""
    (folder / "beside.yaml").write_text(
        f"listen: {{port: {url.rpartition(':')[2]}}}\noperator_token: {OPERATOR}\nsecret_key: {SECRET_KEY}\n"
    )
    command = [sys.executable, "-m", "gateway", "channels", "--config", str(folder / "beside.yaml")]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
