"""Work that goes in rounds: looked for whenever somebody says that there is some, at least once a second, and ended in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bus.errors import Unavailable

SWEEP = 1.0
logger = structlog.get_logger(__name__)


async def rounds(sweep: Callable[[], Awaitable[object]], wake: asyncio.Event) -> None:
    """Sweep until cancelled. A store that cannot be read now is asked again in the next round."""
    while True:
        try:
            await sweep()
        except Unavailable as error:
            logger.warning("sweep_failed", error=str(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP):  # wait_for may swallow a cancellation: python/cpython#81839
                await wake.wait()
        wake.clear()


async def end(tasks: set[asyncio.Task[None]], patience: float) -> None:
    """Wait so many seconds for those that run, then cancel what is left, until none is. They leave the set by themselves."""
    if running := tasks.copy():
        await asyncio.wait(running, timeout=patience)
    while tasks:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
