"""How Telegram's servers bring updates to a bot: one at a time per queue, again until a 2xx, and not after they expire.

https://core.telegram.org/bots/api#setwebhook; queues, pauses and expiry as in tdlib/telegram-bot-api, WebhookActor.cpp.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

Json = dict[str, Any]
MESSAGE_LASTS, PRESS_LASTS = 86_400_000, 150_000
LONGEST_PAUSE = 60.0
LONGEST_ASKED = 3600.0
SECRET = "X-Telegram-Bot-Api-Secret-Token"


@dataclass
class Update:
    """One update and what the bot answered to each attempt."""

    payload: Json
    queue: int
    expires_at: int
    answers: list[int | str] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def number(self) -> int:
        return int(self.payload["update_id"])

    @property
    def kind(self) -> str:
        return next(name for name in self.payload if name != "update_id")


@dataclass
class Webhook:
    """Where updates go; `url` "" when they wait to be fetched."""

    url: str = ""
    secret: str = field(default="", repr=False)
    allowed: list[str] = field(default_factory=list)
    last_error: str = ""
    last_error_at: int = 0


@dataclass
class Courier:
    """Brings updates to the webhook while one is set, else keeps them."""

    clock: Callable[[], int]
    retry_scale: float = 1.0
    patience: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    webhook: Webhook = field(default_factory=Webhook)
    waiting: deque[Update] = field(default_factory=deque)
    delivered: list[Update] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[Callable[[Json], None]] = field(default_factory=list)  # shown each update before it goes
    watchers: list[Callable[[], None]] = field(default_factory=list)  # told when an update comes or is done
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _http: aiohttp.ClientSession | None = None

    def add(self, update: Update) -> None:
        if self.webhook.allowed and update.kind not in self.webhook.allowed:
            update.settled.set()
            return
        for shown in self.seen:
            shown(update.payload)
        self.waiting.append(update)
        self._changed()
        self.news.set()
        self.run()

    def run(self) -> None:
        """Take up every queue in which something waits."""
        for update in self.waiting if self.webhook.url else ():
            if update.queue not in self._tasks:
                self._tasks[update.queue] = asyncio.create_task(self._queue(update.queue))

    def confirm(self, before: int) -> None:
        """getUpdates with a higher offset: these are done."""
        for update in [one for one in self.waiting if one.number < before]:
            self._done(update)

    def _done(self, update: Update) -> None:
        self.waiting.remove(update)
        self.delivered.append(update)
        update.settled.set()
        self._changed()

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher()

    def expire(self) -> None:
        """Telegram forgets what is too old."""
        for update in [one for one in self.waiting if one.expires_at <= self.clock()]:
            update.answers.append("expired")
            self._done(update)

    async def _queue(self, queue: int) -> None:
        try:
            while self.webhook.url and (update := next((one for one in self.waiting if one.queue == queue), None)):
                await self._bring(update)
        finally:
            self._tasks.pop(queue, None)

    async def _bring(self, update: Update) -> None:
        failures = 0
        while self.webhook.url:
            if update.expires_at <= self.clock():
                return self.expire()
            status, pause = await self.post(update.payload)
            update.answers.append(status)
            if isinstance(status, int) and 200 <= status < 300:
                return self._done(update)
            self.webhook.last_error = f"Wrong response from the webhook: {status}"
            self.webhook.last_error_at = self.clock() // 1000
            own = 0.0 if failures == 0 else min(2.0 ** min(failures, 6), LONGEST_PAUSE)
            failures += 1
            await self.sleep((pause or own) * self.retry_scale)
        return None

    async def post(self, payload: Json, **headers: str) -> tuple[int | str, float]:
        """(status or what went wrong, seconds that the bot asks to wait)."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.patience), cookie_jar=aiohttp.DummyCookieJar()
            )
        shown = {SECRET: self.webhook.secret} if self.webhook.secret else {}
        try:
            async with self._http.post(self.webhook.url, json=payload, headers=shown | headers) as answer:
                asked = answer.headers.get("Retry-After", "")
                return answer.status, min(float(asked), LONGEST_ASKED) if asked.isdecimal() else 0.0
        except TimeoutError:
            return "read timeout expired", 0.0
        except aiohttp.ClientError:
            return "connection refused", 0.0

    async def close(self) -> None:
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
