"""Customers at the widget who write, wait for an answer, and keep their own books of what they wrote and saw."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

Json = dict[str, Any]
PATIENCE = aiohttp.ClientTimeout(total=10)
NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_read=60)
ANSWER_WITHIN = 20.0
TWICE = 0.05
BURST = 0.15
WANTS = (
    ("status", "where is my order {}", 62),
    ("cancel", "please cancel my order {}", 25),
    ("refund", "please refund my order {}", 9),
    ("person", "I want to talk to a human", 4),
)


@dataclass
class Customer:
    """One person with one conversation. `acked` are client ids in order, `asked` what each wants of which order."""

    url: str
    number: int
    dice: random.Random
    http: aiohttp.ClientSession
    session: str = ""
    conversation: str = ""
    owner: str = "agent"
    acked: list[str] = field(default_factory=list)
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    seen: dict[int, Json] = field(default_factory=dict)
    repeated: int = 0
    waited: int = 0
    times: list[float] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def headers(self) -> dict[str, str]:
        """The bearer of this session."""
        return {"Authorization": f"Bearer {self.session}"}

    async def arrive(self) -> None:
        """Open the session, as soon as somebody is there to open it."""
        while not self.session:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(f"{self.url}/web/sessions", json={}, timeout=PATIENCE) as answer:
                    if answer.status == 201:
                        opened = await answer.json()
                        self.session, self.conversation = opened["session"], opened["conversation"]
                        return
            await asyncio.sleep(self.dice.uniform(0.01, 0.1))

    async def write(self, messages: int) -> None:
        """Write this many more: mostly one at a time, sometimes several in a row, then wait for what is said to them."""
        until = len(self.acked) + messages
        while len(self.acked) < until:
            burst = self.dice.choice((2, 3)) if self.dice.random() < BURST else 1
            for _ in range(min(burst, until - len(self.acked))):
                await self._say(len(self.acked))
            await self._answered()

    async def _say(self, number: int) -> None:
        name, order = f"{self.number}-{number}", f"X-{self.number}0{number:05d}"
        (what, words, _), *_ = self.dice.choices(WANTS, [weight for *_, weight in WANTS])
        self.asked[name] = (what, order)
        await self._post({"id": name, "text": words.format(order)})
        self.acked.append(name)

    async def _post(self, body: Json) -> None:
        """Post until it is acknowledged; sometimes once more, as clients do."""
        again = self.dice.random() < TWICE
        while True:
            started = time.perf_counter()
            try:
                async with self.http.post(
                    f"{self.url}/web/messages", json=body, headers=self.headers, timeout=PATIENCE
                ) as answer:
                    if answer.status in (200, 202):
                        self.times.append((time.perf_counter() - started) * 1000)
                        if not again:
                            return
                        again = False
                        continue
                    assert answer.status in (429, 503), (answer.status, await answer.text())
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(self.dice.uniform(0.01, 0.1))

    async def _answered(self) -> None:
        """Wait until somebody has said something to the newest message, or a person has the conversation."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                while not self.is_answered:
                    self._news.clear()
                    await self._news.wait()
                return
        self.waited += 1

    @property
    def is_answered(self) -> bool:
        """True when our newest message has something below it, or a person has it."""
        newest = max((seq for seq, item in self.seen.items() if item["id"] == self.acked[-1]), default=0)
        below = any(seq > newest and item["from"] != "customer" for seq, item in self.seen.items())
        return bool(newest) and (below or self.owner == "staff")

    async def listen(self) -> None:
        """Read the stream until cancelled; after an interruption from where it broke off, as the widget does."""
        while True:
            headers = {**self.headers, "Last-Event-ID": str(max(self.seen, default=0))}
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.get(f"{self.url}/web/events", headers=headers, timeout=NO_LIMIT) as answer:
                    async for event, data in events(answer):
                        self._take(event, data)
            await asyncio.sleep(self.dice.uniform(0.05, 0.3))

    def _take(self, event: str, data: Json) -> None:
        if event == "message":
            self.repeated += data["seq"] in self.seen
            self.seen[data["seq"]] = data
        elif event == "state":
            self.owner = data["owner"]
        if event in ("message", "state"):
            self._news.set()


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Json]]:
    """(event, data) of a stream, comments left out."""
    event = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: "):
            yield event, json.loads(line[6:])


class Crowd:
    """Many customers at once."""

    def __init__(self, url: str, people: int, seed: int, http: aiohttp.ClientSession) -> None:
        self.everybody = [Customer(url, number, random.Random(f"{seed}-{number}"), http) for number in range(people)]
        self._streams: list[asyncio.Task[None]] = []

    async def write(self, messages: int) -> None:
        """Write this many messages together."""
        people = len(self.everybody)
        shares = [messages // people + (number < messages % people) for number in range(people)]
        await asyncio.gather(
            *(self._one(customer, share) for customer, share in zip(self.everybody, shares, strict=True))
        )

    async def _one(self, customer: Customer, messages: int) -> None:
        if not customer.session:
            await customer.arrive()
            self._streams.append(asyncio.create_task(customer.listen()))
        await customer.write(messages)

    async def leave(self) -> None:
        """Close every tab."""
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)
