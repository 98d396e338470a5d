"""A customer at the web widget, as a program: the same three routes, over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import aiohttp

Json = dict[str, Any]


class Visitor:
    """Signs in, says things, and reads the stream. `messages` holds what the customer sees, by seq."""

    def __init__(self, http: aiohttp.ClientSession, origin: str) -> None:
        self._http = http
        self.origin = origin
        self.session = ""
        self.conversation = ""
        self.messages: dict[int, Json] = {}
        self.events: list[tuple[str, Json]] = []
        self.watchers: list[Callable[[], None]] = []
        self._numbers = itertools.count(1)
        self._news = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The bearer of this session."""
        return {"Authorization": f"Bearer {self.session}"}

    async def arrive(self, identity: str = "") -> Visitor:
        """Open a session (signed in when the site's identity is given) and listen."""
        body = {"identity": identity} if identity else {}
        async with self._http.post(f"{self.origin}/web/sessions", json=body) as answer:
            assert answer.status == 201, await answer.text()
            opened = await answer.json()
        self.session, self.conversation = opened["session"], opened["conversation"]
        self._reading = asyncio.create_task(self._listen())
        return self

    async def leave(self) -> None:
        """Close the tab."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def post(self, body: Json) -> int:
        """One POST to /web/messages; the status."""
        async with self._http.post(f"{self.origin}/web/messages", json=body, headers=self.headers) as answer:
            return answer.status

    async def share(self, name: str, content: bytes, media_type: str, text: str) -> str:
        """Write a message beside a file; its id."""
        number = f"m{next(self._numbers)}"
        headers = {**self.headers, "Content-Type": media_type}
        async with self._http.put(f"{self.origin}/web/files/{number}/{name}", data=content, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
        assert await self.post({"id": number, "text": text, "files": [number]}) == 202
        return number

    async def say(self, text: str) -> str:
        """Write a message; its id."""
        number = f"m-{next(self._numbers)}"
        assert await self.post({"id": number, "text": text}) == 202
        return number

    async def press(self, message: str, button: str) -> None:
        """Press a button below a message."""
        assert (
            await self.post({"id": f"p-{next(self._numbers)}", "press": {"message": message, "button": button}}) == 202
        )

    async def sees(self, wanted: Callable[[Json], bool], *, after: int = 0, within: float = 15.0) -> Json:
        """The first message after seq `after` that fits; waits for it."""

        def found() -> Json | None:
            return next((item for seq, item in sorted(self.messages.items()) if seq > after and wanted(item)), None)

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: found() is not None), within)
            except TimeoutError:
                said = "\n".join(f"  {item['seq']} {item['from']}: {item['text']}" for item in self.messages.values())
                raise AssertionError(f"not seen within {within} s; seen so far:\n{said}") from None
        item = found()
        assert item is not None
        return item

    async def hears(self, speaker: str, *, after: int = 0, within: float = 15.0) -> Json:
        """The next message of this speaker (customer, agent, staff, system)."""
        return await self.sees(lambda item: item["from"] == speaker, after=after, within=within)

    async def _listen(self) -> None:
        while True:
            last = str(max(self.messages, default=0))
            headers = {**self.headers, "Last-Event-ID": last}
            with suppress(aiohttp.ClientError):
                async with self._http.get(f"{self.origin}/web/events", headers=headers, timeout=NO_LIMIT) as answer:
                    async for event, data in events(answer):
                        await self._take(event, data)
            await asyncio.sleep(0.05)

    async def _take(self, event: str, data: Json) -> None:
        async with self._news:
            self.events.append((event, data))
            if event == "message":
                assert data["seq"] not in self.messages, "a message was repeated"
                self.messages[data["seq"]] = data
            self._news.notify_all()
        for watcher in self.watchers:
            watcher()


NO_LIMIT = aiohttp.ClientTimeout(total=None)


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Json]]:
    """(event, data) of a stream, comments left out."""
    event, data = "message", ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield event, json.loads(data)
            event, data = "message", ""
