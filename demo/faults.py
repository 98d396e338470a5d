"""Switches that make a stand-in fail the way real providers fail."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


@dataclass
class Hold:
    """Stops an answer at a known point: wait for `reached`, then set `released`."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        self.reached.set()
        await self.released.wait()


@dataclass
class Faults:
    """All off at first. Counters count down; the others hold until they are set back."""

    down: bool = False  # every request: 503
    delay: float = 0.0  # seconds between taking effect and answering
    hold: Hold | None = None  # answers wait here after taking effect
    drop_next_answer: int = 0  # so many calls take effect, then the connection closes without an answer
    status_next: list[int] = field(default_factory=list)  # the next calls get these statuses and have no effect
    retry_after: int = 1  # seconds, sent with a 429 or 503 from `status_next`
    only: str = ""  # what is counted concerns the calls that have this in their path

    async def pause(self) -> None:
        """What an effect waits for before its answer goes out."""
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.hold is not None:
            await self.hold.wait()

    def refusal(self, path: str = "") -> web.Response | None:
        if self.down:
            return refused(503, self.retry_after)
        refusing = self.status_next and self.only in path
        return refused(self.status_next.pop(0), self.retry_after) if refusing else None

    def drops(self, path: str = "") -> bool:
        dropping = self.drop_next_answer > 0 and self.only in path
        self.drop_next_answer -= dropping
        return dropping


def refused(status: int, retry_after: int) -> web.Response:
    error = "ratelimited" if status == 429 else "service_unavailable" if status == 503 else "internal_error"
    headers = {"Retry-After": str(retry_after)} if status in (429, 503) else {}
    return web.json_response({"ok": False, "error": error}, status=status, headers=headers)


def middleware(faults: Faults) -> Middleware:
    @web.middleware
    async def failing(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = faults.refusal(request.path)
        answer = await handler(request) if refusal is None else refusal
        if faults.drops(request.path) and request.transport is not None:
            request.transport.close()
        return answer

    return failing
