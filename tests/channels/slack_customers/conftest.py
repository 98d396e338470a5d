"""A whole shop with its gateway, where customers write in the Slack workspace that the team works in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from demo import world
from demo.slack import Workspace
from demo.slack.message import Message
from demo.slack.people import BOT, CUSTOMER, DESK, GENERAL
from demo.stock import ANA
from demo.world import World
from gateway.ids import clock as real_clock
from tests.support.businesses import text_of, without_phones
from tests.support.running import OPERATOR, SECRET_KEY, Running, running

DIRECT = "D0PRIYA001"
HELP = "C0HELP0001"
Json = dict[str, Any]


@dataclass
class Place:
    """A gateway and the workspace it serves."""

    running: Running
    world: World

    @property
    def slack(self) -> Workspace:
        """The workspace."""
        return self.world.slack

    async def settle(self) -> None:
        """Wait until nothing has a way to go any more."""
        async with asyncio.timeout(20):
            await self.running.settle()
            await self.slack.settled()
            await self.running.settle()

    async def say(self, text: str, *, who: str = CUSTOMER, channel: str = DIRECT, **more: Any) -> str:
        """Write as a customer; the message's `ts`."""
        return await self.slack.post_as(who, text, channel=channel, **more)

    def heard(self, channel: str = DIRECT, after: str = "0") -> list[Message]:
        """Everything of ours that everybody there sees, after a `ts`."""
        return [one for one in self.slack.messages(channel) if one.by_app and not one.for_user and one.ts > after]

    async def hears(self, wanted: Callable[[str], bool] = bool, *, channel: str = DIRECT, after: str = "0") -> Message:
        """The first message of ours after a `ts` whose words fit; waits for it."""
        changed = asyncio.Event()
        self.slack.watchers.append(lambda _: changed.set())
        try:
            async with asyncio.timeout(15):
                while True:
                    found = [one for one in self.heard(channel, after) if wanted(words(one))]
                    if found:
                        return found[0]
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            seen = "\n".join(f"  {one.ts} {one.username or ''}: {words(one)}" for one in self.heard(channel))
            raise AssertionError(f"not heard; so far:\n{seen}") from None

    async def conversations(self) -> list[Json]:
        """All conversations that came over Slack, the oldest first."""
        found: list[Json] = (await self.running.api("conversations?channel=slack&limit=200"))["items"]
        return found[::-1]

    async def log(self) -> list[Json]:
        """The log of the only conversation."""
        (one,) = await self.conversations()
        return await self.running.log(one["id"])


def words(message: Message) -> str:
    """What a message shows."""
    return text_of(message.blocks) or message.text


@asynccontextmanager
async def opened(
    folder: Path, *, socket: bool = False, section: str = "{mode: live}", clock: Callable[[], int] = real_clock
) -> AsyncIterator[Place]:
    """One life of a gateway in the demo's shop. `section` is `channels.slack`; `socket`: over Socket Mode."""
    async with (
        surroundings(clock) as outside,
        lived(folder, outside, socket=socket, section=section, clock=clock) as place,
    ):
        yield place


@asynccontextmanager
async def surroundings(clock: Callable[[], int] = real_clock) -> AsyncIterator[World]:
    """The demo's shop and workspace, whose customer Ana is Priya in Slack."""
    outside = await world.serve(clock, world.Secrets.fresh(), retry_scale=0.01)
    async with outside:
        slack, stock = outside.slack, outside.shop.stock
        for number, one in stock.customers.items():
            stock.customers[number] = replace(one, handles=(f"slack:{CUSTOMER}",) if number == ANA else ())
        slack.rooms[HELP] = replace(slack.rooms[GENERAL], id=HELP, name="help", members=set(slack.people))
        slack.rooms[GENERAL].members.add(BOT)
        yield outside


@asynccontextmanager
async def lived(
    folder: Path,
    outside: World,
    *,
    socket: bool = False,
    section: str = "{mode: live}",
    clock: Callable[[], int] = real_clock,
) -> AsyncIterator[Place]:
    """One life of a gateway over what is there already."""
    slack = outside.slack
    variables = {**outside.environment(), "DEMO_DATA": str(folder), "GATEWAY_SECRET_KEY": SECRET_KEY}
    variables |= {"GATEWAY_OPERATOR_TOKEN": OPERATOR, "SLACK_APP_TOKEN": outside.secrets.slack_app_token}
    connect = (lambda _: None) if socket else outside.connect
    async with running(write(folder, section, socket), variables, clock=clock, connect=connect) as gateway:
        if socket:
            assert slack.courier.sockets is not None
            await slack.courier.sockets.linked.wait()
        yield Place(gateway, outside)
        await slack.settled()
        slack.courier.gateway_url = ""


def write(folder: Path, section: str, socket: bool) -> Path:
    """The demo's configuration with customers in Slack."""
    text = without_phones((Path(str(files("demo") / "gateway.yaml"))).read_text())
    start = text.index("  slack: {mode") if "  slack: {mode" in text else text.index("\ndesk:")
    end = text.index("\ndesk:")
    text = f"{text[:start].rstrip()}\n  slack: {section}\n{text[end:]}"
    agent = Path(str(files("demo") / "agent.yaml"))
    text = text.replace("spec: agent.yaml", f"spec: {agent}")
    if socket:
        text = text.replace("app_token: null", "app_token: ${SLACK_APP_TOKEN}")
    path = folder / "gateway.yaml"
    path.write_text(text)
    return path


__all__ = ["CUSTOMER", "DESK", "DIRECT", "HELP", "Place", "lived", "opened", "surroundings", "words"]
