"""What a model can be shown of a file: the words of a text or a PDF, and nothing of anything else.

A PDF is a program that a stranger wrote, so it is read by a process of its own, which has little memory, little time, and no say.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import structlog

from channels.files.content import TEXT, text_of

READABLE = 200_000  # bytes of text that a model may be shown
PDF = "application/pdf"
PATIENCE = 8.0  # seconds
AT_ONCE = 2
logger = structlog.get_logger(__name__)


class Reader:
    """Reads files, few PDFs at once."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def text(self, media_type: str, pieces: AsyncIterator[bytes]) -> str:
        """The words of a file, "" when there are none to be had. Raises what reading the pieces raises."""
        if media_type == TEXT:
            return await _beginning(pieces)
        return await self._of_pdf(pieces) if media_type == PDF else ""

    async def _of_pdf(self, pieces: AsyncIterator[bytes]) -> str:
        """The slot comes first: whoever waits for one holds no file in memory, and waits no longer than a customer would."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._slots.acquire()
        except TimeoutError:
            logger.info("file.pdf_not_read", why="too many at once")
            return ""
        try:
            return await _in_a_process(b"".join([piece async for piece in pieces]))
        finally:
            self._slots.release()


async def _beginning(pieces: AsyncIterator[bytes]) -> str:
    found = bytearray()
    async for piece in pieces:
        found += piece
        if len(found) >= READABLE:
            break
    return text_of(bytes(found[:READABLE])) or ""


async def _in_a_process(whole: bytes) -> str:
    command = [sys.executable, "-m", "channels.files.pdf"]
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    reader = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
    found = b""
    try:
        async with asyncio.timeout(PATIENCE):
            found, _ = await reader.communicate(whole)
    except TimeoutError:
        logger.info("file.pdf_not_read", why="it takes too long", size=len(whole))
    finally:
        with contextlib.suppress(ProcessLookupError):
            reader.kill()
        await reader.wait()
    return found[:READABLE].decode("utf-8", "ignore")
