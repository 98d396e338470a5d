"""A WhatsApp channel at work: a Twilio on loopback on one side; a real store, bus and a scripted consumer on the other."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bus.accept import Intake
from bus.canonical import decode
from bus.channel import Channel
from bus.consumer import ConsumerName, Journal
from bus.entries import AgentSaid
from bus.message import Conversation, Inbound, Outbound, Received, Turn, Words, Work
from bus.outbox import Sender
from bus.seal import Seal
from bus.store import Tenant, open_store
from bus.store.outbox import Post
from bus.store.sqlite import SqliteStore
from bus.wake import Hub
from bus.work import Worker
from channels.port import Lent
from channels.whatsapp import Settings, build
from demo.twilio import Account
from demo.twilio.signing import signature
from tests.support.clock import Clock
from tests.support.files import courier
from tests.support.golden import FOLDER
from tests.support.whatsapp import ACCOUNT_SID, NUMBER, PUBLIC, REOPEN, TOKEN, WEBHOOK, connect, twilio

MANY = int(os.environ.get("WHATSAPP_MUTATIONS", "2000"))
Json = dict[str, Any]
Says = Callable[[Work], list[Words]]


def settings(account: Account, **more: Any) -> Settings:
    """The section as an operator would write it."""
    values = {"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "number": NUMBER, "api_base": account.url}
    return Settings.model_validate(values | {"templates": {"reopen": REOPEN}, "timeout": 2} | more)


class Echo:
    """Answers each turn with what `says` makes of it; `rows` is everything it was given, by the row's id."""

    def __init__(self) -> None:
        self.says: Says = lambda _: []
        self.rows: dict[int, Received] = {}
        self.conversations: dict[str, Conversation] = {}

    async def take(self, work: Work, journal: Journal) -> Turn:
        """See bus.consumer.Consumer."""
        self.rows |= {row.id: row for row in work.rows}
        self.conversations[work.conversation.id] = work.conversation
        said = self.says(work)
        entries = tuple(
            AgentSaid(text=one.text, by="agent", buttons=tuple({"id": b.id, "label": b.label} for b in one.buttons))
            for one in said
        )
        outbounds = tuple(
            Outbound(f"w:{work.turn}:{work.conversation.id}:{place}", "say", work.conversation.address, one, cause=place - len(said))
            for place, one in enumerate(said)
        )  # fmt: skip
        return Turn(entries=entries, outbounds=outbounds)

    @property
    def texts(self) -> list[str]:
        """What customers said, in the order it was worked on."""
        return [row.inbound.text for _, row in sorted(self.rows.items()) if row.inbound.kind in ("message", "press")]


class Life:
    """One life of a gateway over a store that may have been there before."""

    def __init__(
        self, folder: Path, account: Account, clock: Clock, numbers: itertools.count[int], **more: Any
    ) -> None:
        self.account, self.clock = account, clock
        self.hub = Hub()
        self.store = open_store(f"sqlite:///{folder / 'gateway.db'}")
        self.tenant: Tenant = self.store.tenant("default")
        self.echo = Echo()
        self.channels: dict[str, Channel] = {}

        def new_id(prefix: str) -> str:
            return f"{prefix}_{next(numbers)}"

        consumers: Mapping[ConsumerName, Any] = {"agent": self.echo, "relay": self.echo}
        self.worker = Worker(
            self.tenant, consumers, owner=new_id("p"), clock=clock, new_id=new_id, hub=self.hub, pull=set(), send=self._post
        )  # fmt: skip
        self.sender = Sender(self.tenant, self.channels, clock=clock, new_id=new_id, done=self.worker.nudge)
        self.intake = Intake(self.tenant, self.worker, self.channels, clock=clock, new_id=new_id)
        self.public = PUBLIC
        lent = Lent(
            self.tenant,
            lambda: self.intake,
            self.hub,
            clock,
            new_id,
            Seal(["k" * 40]),
            lambda: self.public,
            courier(folder),
        )
        self.channel = build("whatsapp", settings(account, **more), lent)
        self.channels["whatsapp"] = self.channel
        self.url = ""
        self._http: aiohttp.ClientSession | None = None

    def _post(self, post: Post) -> None:
        self.sender.post(post)

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client."""
        assert self._http is not None
        return self._http

    async def settle(self) -> None:
        """Nothing has a way to go any more."""
        while True:
            await self.worker.idle()
            await self.sender.idle()
            await self.account.settled()
            if not await self.worker.sweep() and not await self.sender.sweep():
                return

    async def post(self, form: Mapping[str, str], path: str = "", **changes: Any) -> int:
        """A form, signed for its address unless `signed` says otherwise; the status of the answer."""
        token, url = str(changes.get("token", TOKEN)), str(changes.get("url", f"{WEBHOOK}{path}"))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"X-Twilio-Signature": changes.get("signature") or signature(token, url, form)}
        return await self.raw(urlencode(form).encode(), headers, path)

    async def raw(self, body: bytes, headers: Mapping[str, str], path: str = "") -> int:
        """A request as it is."""
        async with self.http.post(f"{self.url}/webhooks/whatsapp{path}", data=body, headers=headers) as answer:
            assert answer.status < 400 or not await answer.read()
            return answer.status

    def stored(self, kind: str = "message") -> list[Inbound]:
        """Everything of a kind in the inbox, whatever became of it."""
        rows = self._rows("SELECT body FROM inbox WHERE kind = ? AND channel = 'whatsapp' ORDER BY id", kind)
        return [decode(row[0], Inbound) for row in rows]

    def everything(self) -> int:
        """How many rows the inbox has."""
        return int(self._rows("SELECT COUNT(*) FROM inbox")[0][0])

    def states(self) -> list[tuple[str, str]]:
        """(state, reason) of each row of the outbox, in order."""
        return [(row[0], row[1]) for row in self._rows("SELECT state, reason FROM outbox ORDER BY id")]

    def _rows(self, sql: str, *values: str) -> list[Any]:
        assert isinstance(self.store, SqliteStore)
        with closing(sqlite3.connect(self.store.path)) as connection:
            return connection.execute(sql, values).fetchall()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[Life]:
        """Serve until the block ends."""
        served = web.Application()
        served.router.add_routes(self.channel.routes())
        runner = web.AppRunner(served, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        connect(self.account, self.url)
        async with aiohttp.ClientSession() as self._http:
            try:
                yield self
            finally:
                await self.account.settled()
                self.intake.close()
                await self.worker.stop(1)
                await self.sender.stop()
                await self.channel.close()
                await runner.cleanup()
                await self.store.close()


@asynccontextmanager
async def lived(folder: Path, **more: Any) -> AsyncIterator[Life]:
    """A first life, with a Twilio of its own."""
    clock = Clock()
    async with twilio(clock) as account, Life(folder, account, clock, itertools.count(1), **more).living() as life:
        yield life


def recorded(name: str) -> dict[str, str]:
    """A form as Twilio sent it, by its name in tests/golden/inbound/whatsapp."""
    (path,) = (FOLDER / "inbound" / "whatsapp").glob(f"[0-9][0-9]-{name}.payload.json")
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found
