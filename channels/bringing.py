"""A file is brought here before the platform that shows it is called: what goes wrong until then has happened nowhere else.

It is tried again until it is too old, and nobody is told that the platform might have acted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from bus.errors import Permanent, Retryable, Unavailable
from bus.message import Attachment
from channels.files.courier import Courier
from channels.files.shelf import Kept

PATIENCE = 120.0  # seconds; the outbox waits for this and for the call after it


@asynccontextmanager
async def at_hand(files: Courier, attachment: Attachment) -> AsyncIterator[tuple[Kept, Path]]:
    """The file at a path of this machine while the block runs. Until it begins: Permanent or Retryable, nothing else."""
    async with AsyncExitStack() as stack:
        with _nothing_has_happened():
            async with asyncio.timeout(PATIENCE):
                kept = await files.bring(attachment)
                path = await stack.enter_async_context(files.local(kept))
        yield kept, path


async def address_of(files: Courier, attachment: Attachment) -> str:
    """Where a platform may fetch it. Raises Permanent or Retryable."""
    with _nothing_has_happened():
        async with asyncio.timeout(PATIENCE):
            return await files.link(attachment)


@contextmanager
def _nothing_has_happened() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise Permanent("file_gone", "the file is not here any more") from error
    except (Unavailable, OSError) as error:
        raise Retryable(f"the file is not at hand: {str(error) or type(error).__name__}") from error
