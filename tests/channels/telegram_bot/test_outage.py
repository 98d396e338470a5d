"""What is lost and what is said twice when one side is away, or an answer does not come: nothing, and what is not known is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from demo.telegram import ANA, JONAS
from demo.telegram.courier import Webhook
from tests.channels.telegram_bot.world import World, opened
from tests.support.telegram import ALLOWED, SECRET


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
