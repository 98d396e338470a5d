"""A web channel at work: real HTTP, a real store, and a scripted consumer behind the real worker."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import OctKey

from bus.accept import Intake
from bus.channel import Channel
from bus.consumer import ConsumerName, Journal
from bus.entries import AgentSaid, Entry
from bus.message import Turn, Work
from bus.outbox import Sender
from bus.seal import Seal
from bus.store import Store, Tenant, open_store
from bus.store.outbox import Post
from bus.wake import Discard, Hub
from bus.work import Worker
from channels.files.courier import Courier
from channels.files.shelf import Shelf
from channels.files.storage import Folder
from channels.port import Lent
from channels.web import Settings
from channels.web.channel import WebChannel
from tests.bus.scripts import Script, Scripted
from tests.support.clock import Clock

SHOP = "https://shop.example"
GATEWAY = "https://support.example"
SECRET = "the-shop-signs-with-this-very-long-secret"
Json = dict[str, Any]


def settings(**more: Any) -> Settings:
    """The section as the shop would write it."""
    return Settings.model_validate({"allowed_origins": [SHOP], "identity_secret": SECRET, **more})


def said(*entries: Entry) -> Script:
    """A consumer that always answers with these lines."""

    async def take(work: Work, journal: Journal) -> Turn:
        return Turn(entries=entries)

    return take


async def echo(work: Work, journal: Journal) -> Turn:
    """Says back what the customer said, once for the whole turn."""
    words = " / ".join(row.inbound.text for row in work.rows)
    return Turn(entries=(AgentSaid(text=f"You said: {words}", by="agent"),))


class World:
    """Everything between a browser's socket and the disk."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.clock = Clock()
        self.written = itertools.count(1)
        self.hub = Hub()
        self.store: Store = open_store(f"sqlite:///{folder / 'gateway.db'}")
        self.tenant: Tenant = self.store.tenant("default")
        self.seal = Seal(["a secret key of at least thirty-two bytes"])
        numbers = itertools.count(1)
        new_id = lambda prefix: f"{prefix}_{next(numbers)}"  # noqa: E731
        self.channels: dict[str, Channel] = {}
        self.shelf = Shelf(Folder(folder / "files"), ["the key of the tests"], GATEWAY)
        self.consumer = Scripted(echo)
        consumers: Mapping[ConsumerName, Any] = {"agent": self.consumer, "relay": self.consumer}
        self.worker = Worker(
            self.tenant,
            consumers,
            owner="p1",
            clock=self.clock,
            new_id=new_id,
            hub=self.hub,
            pull={"web", "second"},
            send=self._post,
        )
        self.sender = Sender(self.tenant, self.channels, clock=self.clock, new_id=new_id, done=self.worker.nudge)
        self.intake = Intake(self.tenant, self.worker, self.channels, clock=self.clock, new_id=new_id)
        self.web = self.add("web", settings(**more), new_id)
        self.second = self.add("second", settings(identity_secret="another site with a secret of its own"), new_id)

    def _post(self, post: Post) -> None:
        self.sender.post(post)

    def add(self, name: str, section: Settings, new_id: Callable[[str], str]) -> WebChannel:
        """Another instance."""
        lent = Lent(
            tenant=self.tenant, intake=lambda: self.intake, hub=self.hub, clock=self.clock, new_id=new_id, seal=self.seal,
            public_url=lambda: GATEWAY, files=Courier(self.shelf, self.channels),
        )  # fmt: skip
        channel = WebChannel(name, section, lent)
        self.channels[name] = channel
        return channel

    async def __aenter__(self) -> Self:
        app = web.Application()
        for channel in (self.web, self.second):
            app.add_routes(channel.routes())
        self.server = TestServer(app)
        await self.server.start_server()
        self.http = aiohttp.ClientSession(base_url=self.server.make_url("/"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        for channel in (self.web, self.second):
            await channel.close()
        await self.server.close()
        await self.worker.stop(1)
        await self.sender.stop()
        await self.store.close()

    async def visit(self, identity: str | None = None, token: str = "", **headers: str) -> Visit:
        """A new session, which must be granted."""
        status, body = await self.sessions({"identity": identity} if identity else {}, token, **headers)
        assert status == 201, body
        return Visit(self, body)

    async def sessions(self, body: Any, token: str = "", **headers: str) -> tuple[int, Json]:
        """POST /web/sessions."""
        return await self.post("/web/sessions", body, token, **headers)

    async def post(self, path: str, body: Any, token: str = "", **headers: str) -> tuple[int, Json]:
        """POST some JSON: the status, and the body where it is JSON."""
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.post(path, json=body, headers=headers) as answer:
            return answer.status, json.loads(await answer.text() or "{}")

    async def settle(self) -> None:
        """Everything that came in is answered."""
        await self.worker.idle()

    def identity(self, sub: Any = "ana", *, secret: str = SECRET, alg: str = "HS256", **claims: Any) -> str:
        """The shop's word for one of its customers; a claim of None is left out."""
        whole = {"sub": sub, "exp": self.clock.now // 1000 + 3600, **claims}
        known = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode({"alg": alg}, known, OctKey.import_key(secret), algorithms=[alg])


class Visit:
    """A session, as the page that has it sees it."""

    def __init__(self, world: World, opened: Json) -> None:
        self.world = world
        self.token: str = opened["session"]
        self.conversation: str = opened["conversation"]
        self.expires_at: int = opened["expires_at"]

    async def send(self, body: Any) -> tuple[int, Json]:
        """POST /web/messages."""
        return await self.world.post("/web/messages", body, self.token)

    async def say(self, text: str) -> str:
        """Write, and have the answer; the message's id."""
        number = f"n{next(self.world.written)}"
        assert await self.send({"id": number, "text": text}) == (202, {"id": number})
        await self.world.settle()
        return number

    @contextlib.asynccontextmanager
    async def listen(self, last: int | str | None = None, **headers: str) -> AsyncIterator[Listener]:
        """An open stream."""
        headers |= {"Authorization": f"Bearer {self.token}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        async with self.world.http.get("/web/events", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield Listener(answer)

    async def history(self, last: int | str | None = 0) -> list[Json]:
        """What a stream that is opened now shows at once."""
        async with self.listen(last) as stream:
            return await stream.messages_until_quiet(self.world, self.conversation)


class Listener:
    """Reads server-sent events as the widget does."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.ids: list[int] = []

    async def block(self) -> list[str]:
        """The next event's or comment's lines. Raises EOFError at the end."""
        lines: list[str] = []
        while line := (await self.answer.content.readline()).decode():
            if line == "\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise EOFError

    async def event(self) -> tuple[str, Json]:
        """The next event, skipping comments."""
        while True:
            async with asyncio.timeout(10):
                fields = dict(line.split(": ", 1) for line in await self.block() if not line.startswith(":"))
            if "event" in fields:
                if "id" in fields:
                    self.ids.append(int(fields["id"]))
                return fields["event"], json.loads(fields["data"])

    async def next(self, name: str) -> Json:
        """The next event of a kind, skipping others."""
        while True:
            found, data = await self.event()
            if found == name:
                return data

    async def message(self, who: str) -> Json:
        """The next message of a speaker."""
        while True:
            data = await self.next("message")
            if data["from"] == who:
                return data

    async def messages_until_quiet(self, world: World, conversation: str) -> list[Json]:
        """Every message until a mark that is sent after them comes through."""
        mark = Discard(10**9)
        world.hub.publish(conversation, mark)
        found: list[Json] = []
        while True:
            name, data = await self.event()
            if name == "discard" and data["turn"] == mark.turn:
                return found
            if name == "message":
                found.append(data)

    async def end(self) -> None:
        """Returns when the server has closed the stream."""
        async with asyncio.timeout(10):
            with contextlib.suppress(EOFError, aiohttp.ClientPayloadError):
                while True:
                    await self.block()
