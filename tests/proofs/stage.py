"""A whole gateway in this process, with the proofs' tool server and a Slack with people in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.books import Line, read, waiting
from bench.outside import BOT_TOKEN, SECRET, Orders, Outside, write_configuration
from bench.team import buttons, workspace
from demo.slack import Workspace
from demo.slack.message import Message
from demo.slack.people import DESK, SARA
from gateway.ids import clock as real_clock
from tests.support.running import OPERATOR, Running, running
from tests.support.visitor import Visitor

Json = dict[str, Any]


@dataclass
class Stage:
    """What a test looks at."""

    running: Running
    outside: Outside
    slack: Workspace
    config: Path

    @property
    def orders(self) -> Orders:
        """The tool server."""
        return self.outside.orders

    @property
    def url(self) -> str:
        """The gateway's origin."""
        return self.running.url

    def lines(self, customer: Visitor) -> list[Line]:
        """The whole log of a customer's conversation."""
        return read(self.store, customer.conversation).get(customer.conversation, [])

    @property
    def store(self) -> Path:
        """The database."""
        return self.config.parent / "data" / "gateway.db"

    async def settle(self, within: float = 20.0) -> None:
        """Wait until nothing has a way to go any more."""
        async with asyncio.timeout(within):
            while True:
                await self.running.settle()
                await self.slack.settled()
                if not waiting(self.store):
                    return

    async def press(self, who: str, card: Message, button: str, within: float = 20.0) -> None:
        """Press a button as soon as the card shows it."""
        async with asyncio.timeout(within):
            while button not in buttons(self.slack.message(DESK, card.ts).blocks):  # noqa: ASYNC110 - cards have no event here
                await asyncio.sleep(0.01)
        await self.slack.press(who, card.ts, button)

    async def visitor(self) -> Visitor:
        """A customer who has arrived."""
        return await Visitor(self.running.http, self.url).arrive()

    async def card(self, customer: Visitor) -> Message:
        """The card of this customer's case."""
        await self.settle()
        return next(
            one for one in self.slack.messages(DESK) if buttons(one.blocks).get("claim") == customer.conversation
        )

    async def approval(self, customer: Visitor) -> Message:
        """The newest open approval of this customer."""
        await self.settle()
        asked = {line.body["action"] for line in self.lines(customer) if line.kind == "approval_asked"}
        return [one for one in self.slack.messages(DESK) if buttons(one.blocks).get("approve") in asked][-1]

    async def approvals(self, count: int) -> tuple[list[Visitor], list[Message]]:
        """So many customers whose refund waits for a person, and the cards that ask for it."""
        visitors = [await self.visitor() for _ in range(count)]
        for number, visitor in enumerate(visitors):
            await visitor.say(f"please refund my order X-{number}")
        await self.settle(within=300)
        cards = [message for message in self.slack.messages(DESK) if "approve" in buttons(message.blocks)]
        assert len(cards) == count
        return visitors, cards

    async def opened(self, customer: Visitor) -> Message:
        """A case of this customer that a person closed again: its thread is there, and the agent has the conversation."""
        await customer.say("I want to talk to a human")
        await customer.hears("agent")
        card = await self.card(customer)
        await self.slack.press(SARA, card.ts, "return")
        await self.settle()
        return card


@asynccontextmanager
async def staged(
    folder: Path, *, clock: Callable[[], int] = real_clock, spec: Callable[[str], str] = str, **variables: str
) -> AsyncIterator[Stage]:
    """Serve until the block ends. `spec` may change the text of `agent.yaml`; `variables` overrule the configuration."""
    async with surroundings(folder, clock) as (outside, config):
        change(config, spec)
        async with lived(outside, config, clock, **variables) as stage:
            yield stage


@asynccontextmanager
async def surroundings(folder: Path, clock: Callable[[], int] = real_clock) -> AsyncIterator[tuple[Outside, Path]]:
    """What stands outside, and the configuration of a gateway in it."""
    async with Outside(folder, workspace(clock, bot_token=BOT_TOKEN, secret=SECRET)) as outside:
        config = write_configuration(folder, outside, 0)
        config.write_text(config.read_text().replace(f"operator_token: {SECRET}", f"operator_token: {OPERATOR}"))
        yield outside, config


def change(config: Path, spec: Callable[[str], str]) -> None:
    """Change the text of `agent.yaml`."""
    agent = config.parent / "agent.yaml"
    agent.write_text(spec(agent.read_text()))


@asynccontextmanager
async def lived(
    outside: Outside, config: Path, clock: Callable[[], int] = real_clock, **variables: str
) -> AsyncIterator[Stage]:
    """One life of a gateway over what is there already."""
    slack = outside.workspace
    assert slack is not None

    def connect(url: str) -> None:
        slack.courier.gateway_url = url

    async with running(config, variables, clock=clock, connect=connect) as gateway:
        yield Stage(gateway, outside, slack, config)
        slack.courier.gateway_url = ""
        await slack.settled()
