"""PUT /web/files/{id}/{name}: a file from the widget, kept before the message that shares it is written.

The id is the client's own, so that an upload can be repeated; the session's scope before it makes it nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec
from aiohttp import hdrs, web

from bus.errors import Permanent
from bus.message import Attachment
from bus.store import notes
from bus.store.sessions import Session
from channels.files.shelf import KEPT, LARGEST, Kept
from channels.port import Lent
from channels.web.wire import Refusal

PATIENCE = 30.0  # seconds without a byte
LONGEST = 600.0  # seconds for a whole file: 20 MB at 34 kB/s
STATUSES = {"file_too_large": 413, "file_not_allowed": 415}
CHUNK = 1 << 16
UNSHARED = 10
"""Files of one session that no message has shared yet."""
FORGOTTEN_AFTER = 24 * 3_600_000


class Shown(NamedTuple):
    """A file beside a customer's words, as the widget draws it."""

    name: str
    media_type: str
    size: int
    url: str


class Uploads:
    """What the sessions of one channel have uploaded. What nobody shares is forgotten after a day."""

    def __init__(self, channel: str, lent: Lent) -> None:
        self._channel = channel
        self._files = lent.files
        self._tenant = lent.tenant
        self._clock = lent.clock

    async def keep(self, request: web.Request, session: Session) -> tuple[Kept, bool]:
        """The file, and whether it is new. Raises Refusal and Unavailable."""
        known = await self._files.known(self._attachment(session, request.match_info["id"]))
        if known is not None:
            return known, False
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
            raise Refusal(415, "the file should be sent as it is, without Content-Encoding")
        if len(await self._tenant.read(notes.below, self._waiting(session))) >= UNSHARED:
            raise Refusal(429, f"{UNSHARED} files wait to be shared; share them first", Retry_After="60")
        if (request.content_length or 0) > LARGEST:
            raise Refusal(413, f"the file is larger than {LARGEST // 1_000_000} MB")
        name, media_type = request.match_info["name"], request.content_type
        attachment = self._attachment(session, request.match_info["id"], name, media_type)
        try:
            async with asyncio.timeout(LONGEST):
                kept = await self._files.take(attachment, lambda _: _body(request))
        except Permanent as error:
            raise Refusal(STATUSES.get(error.reason, 400), str(error)) from None
        except TimeoutError:
            raise _late() from None
        due = self._clock() + FORGOTTEN_AFTER
        await self._tenant.write(
            notes.put, self._waiting(session, kept.id), str(due), due + FORGOTTEN_AFTER, self._clock()
        )
        return kept, True

    async def of(self, session: Session, ids: Sequence[str]) -> tuple[Attachment, ...]:
        """The files that a message shares; from now on they are kept. Raises Refusal for one that is not this session's, Unavailable."""
        found = [await self._files.known(self._attachment(session, number)) for number in ids]
        for number, kept in zip(ids, found, strict=True):
            if kept is None:
                raise Refusal(404, f"there is no file {number}: upload it before the message that shares it")
        shared = [one for one in found if one is not None]
        for one in shared:
            self._tenant.queue(notes.drop, self._waiting(session, one.id))
        return tuple(Attachment(one.name, one.media_type, one.size, f"{KEPT}{one.id}", self._channel) for one in shared)

    async def sweep(self) -> None:
        """Forget what was not shared in time. Raises Unavailable."""
        waiting = await self._tenant.read(notes.below, f"upload:{self._channel}:")
        for name, due in waiting.items():
            if int(due) <= self._clock():
                await self._files.drop(name.rpartition(":")[2])
                self._tenant.queue(notes.drop, name)

    def _waiting(self, session: Session, kept: str = "") -> str:
        """The name of the note on a file that nobody has shared yet; without one, what they all begin with."""
        return f"upload:{self._channel}:{session.scope}:{kept}"

    def show(self, told: Sequence[dict[str, object]]) -> list[dict[str, object]]:
        """Files of the log as the widget draws them."""
        found = (msgspec.convert({**one, "channel": self._channel}, Attachment) for one in told)
        return [Shown(one.name, one.media_type, one.size, self._files.address(one))._asdict() for one in found]

    def _attachment(self, session: Session, number: str, name: str = "", media_type: str = "") -> Attachment:
        return Attachment(name, media_type, 0, f"{session.scope}/{number}", self._channel)


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    while piece := await _piece(request):
        yield piece


async def _piece(request: web.Request) -> bytes:
    """What has arrived, b"" at the end. How long a file takes is the line's business, as long as it goes on."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await request.content.read(CHUNK)
    except TimeoutError:
        raise _late() from None
    except (ConnectionError, web.RequestPayloadError) as error:
        raise Refusal(400, "the upload broke off") from error


def _late() -> Refusal:
    return Refusal(408, "the file did not arrive in time")
