"""A Telegram channel at work: the stand-in, a real store, and a scripted consumer behind the real worker and outbox."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bus.accept import Intake
from bus.channel import Channel
from bus.consumer import Journal
from bus.entries import AgentSaid
from bus.message import Address, Button, Inbound, Outbound, Turn, Words, Work
from bus.outbox import Sender
from bus.seal import Seal
from bus.store import conversations, log, open_store
from bus.wake import Hub
from bus.work import Worker
from channels.port import Lent
from channels.telegram import Settings, build
from channels.telegram.channel import TelegramChannel
from demo.telegram import Messenger
from demo.telegram.courier import Webhook
from tests.support.businesses import serving
from tests.support.clock import Clock
from tests.support.files import courier
from tests.support.telegram import ALLOWED, SECRET, TOKEN, messenger

BOT = TOKEN.partition(":")[0]


def settings(**more: Any) -> Settings:
    """The section as an operator would write it."""
    return Settings.model_validate({"token": TOKEN, "webhook_secret": SECRET, **more})


class Answering:
    """A consumer that says what it is told to: a function of what came in. `took` is all of it, in order."""

    def __init__(self) -> None:
        self.took: list[Inbound] = []
        self.says: Callable[[list[Inbound]], str] = lambda rows: " / ".join(row.text for row in rows)
        self.buttons: tuple[Button, ...] = ()

    async def take(self, work: Work, journal: Journal) -> Turn:
        rows = [row.inbound for row in work.rows if row.inbound.kind not in ("memo", "delivery")]
        self.took += rows
        text = self.says(rows) if rows else ""
        if not text:
            return Turn()
        offered = tuple({"id": button.id, "label": button.label} for button in self.buttons)
        words = Words(text, "agent", buttons=self.buttons)
        to = work.conversation.address
        return Turn(
            entries=(AgentSaid(text=text, buttons=offered, by="agent"),),
            outbounds=(Outbound(f"say:{work.conversation.id}:{work.turn}", "say", to, words, cause=-1),),
        )


class World:
    """Everything between Telegram's servers and the disk."""

    def __init__(self, folder: Path, telegram: Messenger, clock: Clock, **more: Any) -> None:
        self.telegram = telegram
        self.clock = clock
        self.hub = Hub()
        self.store = open_store(f"sqlite:///{folder / 'gateway.db'}")
        self.tenant = self.store.tenant("default")
        self.agent = Answering()
        numbers = itertools.count(1)
        new_id = lambda prefix: f"{prefix}_{next(numbers)}"  # noqa: E731
        channels: dict[str, Channel] = {}
        self.worker = Worker(
            self.tenant, {"agent": self.agent, "relay": self.agent}, owner="p1", clock=clock, new_id=new_id, hub=self.hub, pull=set(),
            send=lambda post: self.sender.post(post),  # noqa: PLW0108 - made below
        )  # fmt: skip
        self.sender = Sender(self.tenant, channels, clock=clock, new_id=new_id, done=self.worker.nudge)
        self.intake = Intake(self.tenant, self.worker, channels, clock=clock, new_id=new_id)
        self.seal = Seal(["a secret key of at least thirty-two bytes"])
        lent = Lent(
            self.tenant,
            lambda: self.intake,
            self.hub,
            clock,
            new_id,
            self.seal,
            lambda: "https://support.example",
            courier(folder),
        )
        self.channel: TelegramChannel = build("telegram", settings(api_base=telegram.url, **more), lent)
        channels["telegram"] = self.channel
        self.url = ""
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    def chat(self, peer: int | str) -> Address:
        """Where a customer is reached."""
        return Address("default", "telegram", BOT, str(peer))

    async def settle(self) -> None:
        """Everything that came in is answered, and everything that is due is sent."""
        while True:
            await self.worker.idle()
            await self.sender.idle()
            if not await self.worker.sweep() and not await self.sender.sweep():
                return

    async def conversation(self, peer: int | str) -> str:
        """The conversation of a chat."""
        found = await self.tenant.read(conversations.route, self.chat(peer))
        assert found is not None
        return found[0]

    async def lines(self, conversation: str) -> list[Any]:
        """The log's entries."""
        return [line.entry for line in await self.tenant.read(log.after, conversation, 0, 500)]

    async def post(self, body: bytes, secret: bytes | None = SECRET.encode()) -> int:
        """One webhook call, byte for byte, on a connection of its own; its status."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        shown = b"" if secret is None else b"X-Telegram-Bot-Api-Secret-Token: " + secret + b"\r\n"
        writer.write(
            b"POST /webhooks/telegram HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + shown + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )  # fmt: skip
        try:
            await writer.drain()
            status = await reader.readline()
            return int(status.split()[1])
        finally:
            writer.close()


@asynccontextmanager
async def opened(folder: Path, **more: Any) -> AsyncIterator[World]:
    """A world whose bot has its webhook set, unless it polls."""
    clock = Clock()
    async with messenger(clock) as telegram:
        world = World(folder, telegram, clock, **more)
        app = web.Application()
        app.add_routes(world.channel.routes())
        async with serving(app) as world.url:
            if world.channel.settings.updates == "webhook":
                telegram.courier.webhook = Webhook(f"{world.url}/webhooks/telegram", SECRET, ALLOWED)
            await world.channel.open()
            try:
                yield world
            finally:
                telegram.courier.webhook.url = ""
                await world.http.close()
                await world.worker.stop(1)
                await world.sender.stop()
                await world.channel.close()
                await world.store.close()
