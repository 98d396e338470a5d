"""A whole gateway with WhatsApp: from the customer's phone to the agent or the team, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.slack.people import DESK, SARA
from demo.twilio import Account
from gateway.ids import clock as real_clock
from tests.proofs.stage import Stage, lived, surroundings
from tests.support.clock import Clock
from tests.support.whatsapp import REOPEN, add_section, connect, twilio

ANA = "+34600111222"


@dataclass
class Line:
    """A gateway, a Twilio account, and what both write to."""

    stage: Stage
    account: Account

    async def settle(self) -> None:
        """Nothing has a way to go any more."""
        await self.stage.settle()
        await self.account.settled()
        await self.stage.settle()

    async def conversation(self, channel: str = "whatsapp") -> str:
        """The only conversation's id."""
        (item,) = (await self.stage.running.api(f"conversations?channel={channel}"))["items"]
        return str(item["id"])

    async def kinds(self) -> list[str]:
        """What the log of the only conversation tells, in order."""
        return [line["kind"] for line in await self.stage.running.log(await self.conversation())]


@asynccontextmanager
async def opened(folder: Path, clock: Callable[[], int] = real_clock) -> AsyncIterator[Line]:
    async with surroundings(folder, clock) as (outside, config), twilio(clock) as account:
        add_section(config)
        async with lived(outside, config, clock, TWILIO_API=account.url) as stage:
            connect(account, stage.url)
            yield Line(stage, account)
            await account.settled()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with opened(tmp_path) as made:
        yield made


async def test_a_question_is_answered_on_the_phone_it_came_from(line: Line) -> None:
    ana = line.account.phone(ANA, "Ana Ruiz")
    await ana.say("where is my order X-12?")
    assert await ana.sees(lambda text: "X-12" in text) == "Order X-12 is paid."
    await line.settle()
    delivery = line.account.courier.deliveries[0]
    assert delivery.answers == [200]
    assert delivery.body.endswith("<Response/>")
    kinds = await line.kinds()
    assert kinds.count("customer_said") == 1
    assert kinds.count("agent_said") == 1
    assert kinds.count("delivered") == 1
    assert line.account.typing == [next(iter(line.account.messages))]


async def test_a_person_answers_from_the_thread_under_their_name(line: Line) -> None:
    ana = line.account.phone(ANA, "Ana Ruiz")
    await ana.say("I want to talk to a human")
    await line.settle()
    (card,) = [one for one in line.stage.slack.messages(DESK) if one.by_app and not one.is_reply]
    heard = len(ana.heard)
    await line.stage.slack.post_as(SARA, "I am *here*, Ana.", thread_ts=card.ts)
    assert await ana.sees(lambda text: "here" in text, after=heard) == "Sara Lindqvist: I am ∗here∗, Ana."
    await line.settle()
    (said,) = [one for one in line.stage.slack.messages(DESK) if one.text == "I am *here*, Ana."]
    assert "white_check_mark" in said.reactions


async def test_the_desk_sees_until_when_it_may_write_and_reopens_with_one_click(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as line:
        ana = line.account.phone(ANA, "Ana Ruiz")
        await ana.say("I want to talk to a human")
        await line.settle()
        (card,) = [one for one in line.stage.slack.messages(DESK) if one.by_app and not one.is_reply]
        assert "Reply until" in str(card.blocks)
        await line.stage.slack.press(SARA, card.ts, "reopen")
        await line.settle()
        clock.advance(24 * 3600 + 1)
        heard = len(ana.heard)
        await line.stage.slack.post_as(SARA, "Here is your answer.", thread_ts=card.ts)
        await line.settle()
        (said,) = [one for one in line.stage.slack.messages(DESK) if one.text == "Here is your answer."]
        assert "warning" in said.reactions
        assert "window_closed" in str(await line.stage.running.log(await line.conversation()))
        assert len(ana.heard) == heard
        await line.stage.slack.press(SARA, card.ts, "reopen")
        await line.settle()
        assert [message.template for message in ana.heard[heard:]] == [REOPEN]
        await ana.say("yes?")
        await line.stage.slack.post_as(SARA, "It is on its way.", thread_ts=card.ts)
        assert await ana.sees(lambda text: "way" in text) == "Sara Lindqvist: It is on its way."
        await line.settle()
