"""«Typing …» at a platform, and the words as they come, for as long as the agent is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bus.errors import GatewayError
from bus.wake import Discard, Hint, Hub, Preview, Rested

AT_MOST = 120.0
logger = structlog.get_logger(__name__)
Show = Callable[[str], Awaitable[None]]


class Thinking:
    """`every`: seconds after which the platform forgets. One at a time per conversation; a failure costs the sign, never the turn."""

    def __init__(self, hub: Hub, every: float) -> None:
        self._hub = hub
        self._every = every
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, conversation: str, show: Show) -> None:
        """Call `show` with the words so far ("" while there are none), again and again until the agent rests."""
        if conversation not in self._tasks:
            task = asyncio.create_task(self._run(conversation, show), name=f"thinking {conversation}")
            self._tasks[conversation] = task
            task.add_done_callback(lambda _: self._tasks.pop(conversation, None))

    async def close(self) -> None:
        """Stop showing anything."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, conversation: str, show: Show) -> None:
        words: list[str] = []
        try:
            with self._hub.subscribe(conversation) as hints:
                async with asyncio.timeout(AT_MOST):
                    while True:
                        await show("".join(words))
                        if not await self._hear(hints.take(), words):
                            return
        except TimeoutError:
            return
        except GatewayError as error:
            logger.info("thinking.not_shown", conversation=conversation, error=str(error))

    async def _hear(self, taking: Awaitable[list[Hint]], words: list[str]) -> bool:
        """Take over the hints that come before the platform forgets; False once the agent rests."""
        try:
            async with asyncio.timeout(self._every):
                hints = await taking
        except TimeoutError:
            return True
        for hint in hints:
            if isinstance(hint, Rested):
                return False
            if isinstance(hint, Discard):
                words.clear()
            elif isinstance(hint, Preview):
                words[hint.offset :] = hint.text
        return True
