"""What a model can be shown of a file: the words of a text or a PDF, and nothing of anything else.

A PDF is a program that a stranger wrote, so it is read by a process of its own, which has little memory, little time, and no say.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import structlog

from channels.files.content import TEXT

READABLE = 200_000  # bytes of text that a model may be shown
PDF = "application/pdf"
PATIENCE = 15.0  # seconds
_at_once = asyncio.Semaphore(2)
logger = structlog.get_logger(__name__)


async def text(media_type: str, pieces: AsyncIterator[bytes]) -> str:
    """The words of a file, "" when there are none to be had. Raises what reading the pieces raises."""
    if media_type == TEXT:
        return await _beginning(pieces)
    return await _of_pdf(pieces) if media_type == PDF else ""


async def _beginning(pieces: AsyncIterator[bytes]) -> str:
    found = bytearray()
    async for piece in pieces:
        found += piece
        if len(found) >= READABLE:
            break
    return found[:READABLE].decode("utf-8", "replace")


async def _of_pdf(pieces: AsyncIterator[bytes]) -> str:
    whole = b"".join([piece async for piece in pieces])
    async with _at_once:
        command = [sys.executable, "-m", "channels.files.pdf"]
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        reader = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
        try:
            async with asyncio.timeout(PATIENCE):
                found, _ = await reader.communicate(whole)
        except TimeoutError:
            found = b""
        finally:
            with contextlib.suppress(ProcessLookupError):
                reader.kill()
            await reader.wait()
    if not found:
        logger.info("file.pdf_not_read", size=len(whole), status=reader.returncode)
    return found[:READABLE].decode("utf-8", "ignore")
