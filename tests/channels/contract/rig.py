"""One channel of any kind at work: its platform on one side; a real store, bus and a scripted consumer on the other."""

from __future__ import annotations

import io
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bus.accept import Intake
from bus.canonical import decode
from bus.channel import Channel
from bus.consumer import ConsumerName, Journal
from bus.entries import AgentSaid
from bus.message import Button, Customer, Inbound, Outbound, Side, Turn, Words, Work
from bus.outbox import Sender
from bus.seal import Seal
from bus.store import open_store
from bus.store.arrivals import Accepted
from bus.store.outbox import Post
from bus.store.sqlite import SqliteStore
from bus.wake import Hub
from bus.work import Worker
from channels.port import Kind, Lent
from channels.slack.app import App
from tests.channels.contract.platform import Call, Platform
from tests.support.businesses import serving
from tests.support.clock import Clock
from tests.support.files import courier

PUBLIC = "https://support.test"


class Answering:
    """Says what it is told to: a function of one thing that came in. `took` is all of it, in the order it was worked on."""

    def __init__(self) -> None:
        self._took: dict[int, Inbound] = {}
        self.says: Callable[[Inbound], list[str]] = lambda _: []
        self.buttons: tuple[Button, ...] = ()

    @property
    def took(self) -> list[Inbound]:
        """A turn that began anew takes the same again."""
        return [*self._took.values()]

    async def take(self, work: Work, journal: Journal) -> Turn:
        """See bus.consumer.Consumer."""
        new = {row.id: row.inbound for row in work.rows if row.inbound.kind not in ("memo", "delivery")}
        self._took |= new
        rows = [*new.values()]
        texts = [text for row in rows for text in self.says(row)]
        offered = tuple({"id": button.id, "label": button.label} for button in self.buttons)
        outbounds = tuple(
            Outbound(f"say:{work.conversation.id}:{work.turn}:{place}", "say", work.conversation.address,
                     Words(text, "agent", buttons=self.buttons), cause=place - len(texts))
            for place, text in enumerate(texts)
        )  # fmt: skip
        return Turn(tuple(AgentSaid(text=text, by="agent", buttons=offered) for text in texts), outbounds)


class Door:
    """The intake of the moment, for whoever keeps hold of one."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    async def accept(
        self, inbound: Inbound, *, side: Side, raw: bytes = b"", customer: Customer | None = None
    ) -> Accepted:
        """See bus.accept.Intake."""
        return await self._rig.intake.accept(inbound, side=side, raw=raw, customer=customer)


class Rig:
    """Everything between a platform's servers and the disk."""

    def __init__(self, folder: Path, platform: Platform, **more: Any) -> None:
        self.folder = folder
        self.more = more
        self.platform = platform
        self.clock = Clock()
        self.hub = Hub()
        self.seal = Seal(["a secret key of at least thirty-two bytes"])
        self.store = open_store(f"sqlite:///{folder / 'gateway.db'}")
        self.tenant = self.store.tenant("default")
        self.agent = Answering()
        self.channels: dict[str, Channel] = {}
        self.app: App | None = None
        self.url = ""
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._numbers = itertools.count(1)
        consumers: Mapping[ConsumerName, Any] = {"agent": self.agent, "relay": self.agent}
        self.worker = Worker(
            self.tenant, consumers, owner="p1", clock=self.clock, new_id=self.new_id, hub=self.hub, pull={"web"}, send=self._send
        )  # fmt: skip
        self.sender = Sender(self.tenant, self.channels, clock=self.clock, new_id=self.new_id, done=self.worker.nudge)
        self.intake = self._intake()

    def _send(self, post: Post) -> None:
        self.sender.post(post)

    def new_id(self, prefix: str) -> str:
        """An id that is the same in every run."""
        return f"{prefix}_{next(self._numbers)}"

    def _intake(self) -> Intake:
        return Intake(self.tenant, self.worker, self.channels, clock=self.clock, new_id=self.new_id)

    def lose_the_store(self) -> None:
        """Nothing can be recorded from now on."""
        self.intake.close()

    def mend_the_store(self) -> None:
        """It can be again."""
        self.intake = self._intake()

    def lent(self) -> Lent:
        """What the channel may use."""
        return Lent(
            self.tenant, lambda: self.intake, self.hub, self.clock, self.new_id, self.seal, lambda: PUBLIC, courier(self.folder), self.app
        )  # fmt: skip

    async def post(self, call: Call) -> int:
        """The status of the answer."""
        url = f"{self.url}{call.path}"
        async with self.http.post(url, data=io.BytesIO(call.body), headers=call.headers) as answer:
            await answer.read()
            return answer.status

    async def settle(self) -> None:
        """Nothing has a way to go any more."""
        while True:
            await self.worker.idle()
            await self.sender.idle()
            await self.platform.settled()
            if not await self.worker.sweep() and not await self.sender.sweep():
                return

    async def wait(self, seconds: int, step: int = 5) -> None:
        """Let time go by in steps, with all that comes due on the way."""
        for _ in range(0, seconds, step):
            self.clock.advance(step)
            await self.settle()

    async def asked(self, person: int, number: int = 1, *, says: list[str]) -> Inbound:
        """A person has written, and is being answered with this."""
        self.agent.says = lambda _: says
        call = await self.platform.says(person, number, f"question {number}")
        assert await self.post(call) in (200, 202)
        await self.settle()
        return self.stored()[-1]

    @property
    def channel(self) -> Channel:
        """The one there is."""
        (found,) = self.channels.values()
        return found

    def stored(self) -> list[Inbound]:
        """What people did, as it is in the inbox."""
        rows = self._rows("SELECT body FROM inbox WHERE kind NOT IN ('delivery', 'memo') ORDER BY id")
        return [decode(row[0], Inbound) for row in rows]

    def newest(self) -> Inbound | None:
        """What came in last, of whatever kind."""
        rows = self._rows("SELECT body FROM inbox ORDER BY id DESC LIMIT 1")
        return decode(rows[0][0], Inbound) if rows else None

    def everything(self) -> int:
        """How many rows the inbox has."""
        return int(self._rows("SELECT COUNT(*) FROM inbox")[0][0])

    def heard(self) -> list[str]:
        """What people said, as their conversations' logs have it."""
        rows = self._rows("SELECT body FROM entry WHERE kind = 'customer_said' ORDER BY at, seq")
        return [json.loads(row[0])["text"] for row in rows]

    def lines(self) -> int:
        """How many lines the only log has."""
        return int(self._rows("SELECT MAX(seq) FROM entry")[0][0])

    def states(self) -> list[tuple[str, str]]:
        """(state, reason) of each row of the outbox, in order; what was sent and what was reported as delivered are one."""
        rows = self._rows("SELECT state, reason FROM outbox ORDER BY id")
        return [("delivered" if row[0] == "sent" else row[0], row[1]) for row in rows]

    def _rows(self, sql: str) -> list[Any]:
        assert isinstance(self.store, SqliteStore)
        with closing(sqlite3.connect(self.store.path)) as connection:
            return connection.execute(sql).fetchall()

    @asynccontextmanager
    async def living(self, kind: Kind) -> AsyncIterator[Rig]:
        """Serve until the block ends."""
        try:
            async with self.platform.standing(self):
                await self._live(kind)
                served = web.Application()
                routes = [*self.channel.routes(), *(self.app.routes() if self.app else ())]
                served.router.add_routes(routes)
                async with serving(served) as self.url:
                    await self._open()
                    try:
                        yield self
                    finally:
                        await self._end()
        finally:
            await self.http.close()
            await self.store.close()

    async def _live(self, kind: Kind) -> None:
        name = self.platform.name
        self.channels[name] = kind.build(
            name, kind.Settings.model_validate({**self.platform.section(), **self.more}), self.lent()
        )

    async def _open(self) -> None:
        if self.app is not None:
            await self.app.open()
        await self.channel.open()
        await self.platform.begin(self)

    async def _end(self) -> None:
        await self.platform.settled()
        self.intake.close()
        await self.worker.stop(1)
        await self.sender.stop()
        await self.channel.close()
        if self.app is not None:
            await self.app.close()
