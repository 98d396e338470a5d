"""What is measured: the gateway and the raw echo, each a process of its own on the second core."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from bench.process import free_port, pin
from bench.speed import site
from bench.speed.load import Exchange
from bench.speed.site import SECRET
from bench.speed.slack import Slack
from bench.speed.wire import Client, Events, serve

AT_ONCE = 32
WITHIN = 60.0
Text = Callable[[int, int], str]
"""(customer, serial number of the message) → what is written."""
T = TypeVar("T")


class Outside(NamedTuple):
    """Where the stand-ins are; both stand in the generator's process."""

    tool: str
    slack: str


class Fakes:
    """A lean Slack and a lean tool server."""

    def __init__(self) -> None:
        self.slack = Slack()
        self._tool: asyncio.Server | None = None

    async def open(self) -> Outside:
        """Listen."""
        await self.slack.open()
        self._tool, url = await serve(lambda _head, _body: b'{"order":"X-1","status":"paid"}')
        return Outside(url, self.slack.url)

    def close(self) -> None:
        """Stop listening."""
        self.slack.close()
        if self._tool is not None:
            self._tool.close()


class System:
    """A server that is started, asked and ended."""

    end = signal.SIGTERM

    def __init__(self, *command: str, folder: Path, port: int) -> None:
        self.port = port
        self._command = (sys.executable, "-m", *command)
        self._log = folder / "stderr.log"
        self._process: asyncio.subprocess.Process | None = None
        self._streams: list[Events] = []

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    async def spawn(self) -> None:
        """Start the process and return at once."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
                preexec_fn=lambda: pin(1),
            )

    async def start(self) -> None:
        """Start, and wait until it serves."""
        await self.spawn()
        client = Client(self.port)
        await answered(lambda: client.get("/web/nothing"))
        client.close()

    async def stop(self) -> None:
        """Hang up and end it."""
        for stream in self._streams:
            stream.close()
        self._streams.clear()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(self.end)
            await self._process.wait()

    async def visitors(self, people: int) -> list[str]:
        """Bearers of new customers."""
        raise NotImplementedError

    async def relayed(self, people: int) -> Exchange:
        """Customers whose words go to Slack."""
        raise NotImplementedError

    async def answered(self, people: int, text: Text) -> Exchange:
        """Customers who are answered on a stream of their own."""
        bearers = await self.visitors(people)
        exchange = Exchange(self.port, bearers, text)
        self._streams += await listen(self.port, bearers, exchange.ended)
        return exchange


class Raw(System):
    """The echo that everything is compared with."""

    end = signal.SIGKILL

    def __init__(self, folder: Path, outside: Outside, *, tool: bool) -> None:
        port = free_port()
        asked = [outside.tool] if tool else []
        super().__init__("bench.speed.raw", str(port), outside.slack, *asked, folder=folder, port=port)

    async def visitors(self, people: int) -> list[str]:
        """See System."""
        return [f"raw{number}" for number in range(people)]

    async def relayed(self, people: int) -> Exchange:
        """See System: those without a stream."""
        return Exchange(self.port, await self.visitors(people), site.relayed)


class Gateway(System):
    """`gateway run` with web, desk and the offline model."""

    def __init__(self, folder: Path, outside: Outside, slack: Slack) -> None:
        port = free_port()
        config = site.write(folder, port, outside.slack, outside.tool)
        super().__init__("gateway", "run", "--config", str(config), folder=folder, port=port)
        self._slack = slack

    async def visitors(self, people: int) -> list[str]:
        """See System."""
        return [bearer for bearer, _ in await self._sessions(people)]

    async def _sessions(self, people: int) -> list[tuple[str, str]]:
        """(bearer, conversation) of new visitors."""
        client = Client(self.port)
        found: list[tuple[str, str]] = []
        while len(found) < people:
            share = min(AT_ONCE, people - len(found))
            answers = await asyncio.gather(*(client.post("/web/sessions", b"{}") for _ in range(share)))
            opened = [json.loads(answer.body) for answer in answers]
            found += [(item["session"], item["conversation"]) for item in opened]
        client.close()
        return found

    async def relayed(self, people: int) -> Exchange:
        """See System: a member of the team has taken them over."""
        opened = await self._sessions(people)
        client = Client(self.port)
        for bearer, _ in opened:
            asked = b'{"id":"person","text":"I want to talk to a human"}'
            await client.post("/web/messages", asked, f"Authorization: Bearer {bearer}\r\n")
        wanted = {conversation for _, conversation in opened}
        await until(lambda: self._opened(wanted))
        for number, conversation in enumerate(sorted(wanted)):
            await self._slack.answer_in(client, conversation, f"1800000000.{number:06d}")
        await until(lambda: self._taken(client, wanted))
        await self._slack.quiet()
        client.close()
        return Exchange(self.port, [bearer for bearer, _ in opened], site.relayed)

    async def _opened(self, wanted: set[str]) -> bool:
        """Every case stands at the desk."""
        return wanted <= self._slack.roots.keys()

    async def _taken(self, client: Client, wanted: set[str]) -> bool:
        """Every conversation is a person's."""
        path, owned = "/api/v1/conversations?owner=staff&limit=100", set[str]()
        while path:
            page = json.loads((await client.get(path, f"Authorization: Bearer {SECRET}\r\n")).body)
            owned |= {item["id"] for item in page["items"] if item["owner_name"]}
            path = f"/api/v1/conversations?owner=staff&limit=100&after={page['next']}" if page["next"] else ""
        return wanted <= owned


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds. Raises TimeoutError."""
    async with asyncio.timeout(WITHIN):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.1)


async def answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until somebody listens there. Raises TimeoutError."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                return await ask()
            except OSError:
                await asyncio.sleep(0.002)


async def listen(port: int, bearers: list[str], ended: Callable[[int], None]) -> list[Events]:
    """A stream per customer, all begun; words of the agent are told to `ended`."""
    begun = [asyncio.Event() for _ in bearers]

    def ear(person: int) -> Callable[[bytes], None]:
        def heard(event: bytes) -> None:
            begun[person].set()
            if b'"from":"agent"' in event:
                ended(person)

        return heard

    streams = []
    for person, bearer in enumerate(bearers):
        streams.append(await Events.open(port, "/web/events", f"Authorization: Bearer {bearer}\r\n", ear(person)))
    async with asyncio.timeout(WITHIN):
        await asyncio.gather(*(event.wait() for event in begun))
    return streams
