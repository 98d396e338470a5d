"""Files by an id nobody guesses: brought once from their platform, kept, and given to whoever knows the id."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec
from aiohttp import web

from bus.errors import Permanent, Unavailable
from bus.message import Attachment
from channels.files import content
from channels.files.reading import Reader
from channels.files.storage import Storage

LARGEST = 20_000_000
"""Bytes. Telegram gives bots no more: https://core.telegram.org/bots/api#getfile"""
PURPOSE = b"support-gateway/files/v1"
KEPT = "kept:"
"""An attachment whose source begins so names what is here by its id, whatever the keys are by now."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=31536000, immutable",
    "Referrer-Policy": "no-referrer",
}
Source = Callable[[Attachment], AsyncIterator[bytes]]


class Kept(msgspec.Struct, frozen=True):
    """A file that is ours now. `size` in bytes; `media_type` is what it is, not what it was said to be."""

    id: str
    name: str
    media_type: str
    size: int


class Shelf:
    """`keys` make ids unguessable, the first one new ids; `public_url` is where customers and platforms find them."""

    def __init__(self, storage: Storage, keys: Sequence[str], public_url: str, *, largest: int = LARGEST) -> None:
        self._storage = storage
        self._largest = largest
        self._reader = Reader()
        self._locks: dict[str, asyncio.Lock] = {}
        self._bringing: Counter[str] = Counter()
        self.reconfigure(keys, public_url)

    def reconfigure(self, keys: Sequence[str], public_url: str) -> None:
        """From now on, these. What was kept under a key that is still among them is found under it."""
        self._keys = [key.encode() for key in keys]
        self._url = public_url.rstrip("/")

    def id_of(self, channel: str, attachment: Attachment) -> str:
        """The same for the same file of the same channel, whoever asks how often."""
        return self._ids(channel, attachment)[0]

    def _ids(self, channel: str, attachment: Attachment) -> list[str]:
        if attachment.source.startswith(KEPT):
            return [attachment.source.removeprefix(KEPT)]
        named = PURPOSE + f"{channel}\0{attachment.source}".encode()
        return [hmac.new(key, named, hashlib.sha256).hexdigest()[:40] for key in self._keys]

    async def find(self, channel: str, attachment: Attachment) -> Kept | None:
        """The file if it is here, None when it is not. Raises Unavailable."""
        for name in self._ids(channel, attachment):
            if (kept := await self.about(name)) is not None:
                return kept
        return None

    def link(self, kept: Kept) -> str:
        """Its address."""
        return f"{self._url}/files/{kept.id}/{quote(kept.name)}"

    async def bring(self, channel: str, attachment: Attachment, source: Source) -> Kept:
        """Fetch it from its platform, unless it is here. Raises Permanent (too large, of no kind we take, gone), Retryable, Unavailable."""
        name = self.id_of(channel, attachment)
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._bringing[name] += 1
        try:
            async with lock:
                return await self.find(channel, attachment) or await self._fetch(name, attachment, source)
        finally:
            self._bringing[name] -= 1
            if not self._bringing[name]:
                del self._bringing[name], self._locks[name]

    async def _fetch(self, name: str, attachment: Attachment, source: Source) -> Kept:
        if attachment.size > self._largest:
            raise Permanent("file_too_large", f"more than {self._largest // 1_000_000} MB")
        try:
            with tempfile.TemporaryDirectory(prefix="gateway-file-") as folder:
                return await self._keep(name, attachment, source, Path(folder) / "content")
        except OSError as error:
            raise Unavailable(f"the file cannot be kept: {error.strerror}") from error

    async def _keep(self, name: str, attachment: Attachment, source: Source, whole: Path) -> Kept:
        size = await self._write(whole, source(attachment))
        kind = await asyncio.to_thread(content.media_type, whole)
        if not kind:
            raise Permanent("file_not_allowed", "this kind of file is not taken")
        kept = Kept(name, content.safe_name(attachment.name, kind), kind, size)
        await self._storage.keep(name, whole)
        await asyncio.to_thread(whole.write_bytes, msgspec.json.encode(kept))
        await self._storage.keep(f"{name}.json", whole)  # last: what is described is there
        return kept

    async def _write(self, whole: Path, pieces: AsyncIterator[bytes]) -> int:
        size = 0
        with whole.open("wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > self._largest:
                    raise Permanent("file_too_large", f"more than {self._largest // 1_000_000} MB")
                await asyncio.to_thread(file.write, piece)
        return size

    async def about(self, name: str) -> Kept | None:
        """What is known of a file, None when it is not here."""
        try:
            told = b"".join([piece async for piece in self._storage.read(f"{name}.json")])
        except KeyError:
            return None
        return msgspec.json.decode(told, type=Kept)

    def read(self, kept: Kept) -> AsyncIterator[bytes]:
        """The content in pieces. Raises KeyError, Unavailable."""
        return self._storage.read(kept.id)

    @asynccontextmanager
    async def local(self, kept: Kept) -> AsyncIterator[Path]:
        """The whole file at a path of this machine while the block runs, for clients that want one."""
        with tempfile.TemporaryDirectory(prefix="gateway-file-") as folder:
            path = Path(folder) / kept.name
            with path.open("wb") as file:
                async for piece in self._pieces(kept):
                    await asyncio.to_thread(file.write, piece)
            yield path

    async def _pieces(self, kept: Kept) -> AsyncIterator[bytes]:
        """The content of a file that is expected. Raises Permanent when it is gone, Unavailable."""
        try:
            async for piece in self.read(kept):
                yield piece
        except KeyError:
            raise Permanent("file_gone", f"{kept.name} is not here any more") from None

    async def text(self, kept: Kept) -> str:
        """What a model can be shown of it, "" when that is nothing."""
        return await self._reader.text(kept.media_type, self._pieces(kept))

    async def forget(self, channel: str, attachment: Attachment) -> None:
        """Remove it: nobody finds it any more, and then it is gone."""
        for name in self._ids(channel, attachment):
            await self.drop(name)

    async def drop(self, name: str) -> None:
        """The same by its id. Raises Unavailable."""
        await self._storage.remove(f"{name}.json")
        await self._storage.remove(name)

    def routes(self) -> list[web.AbstractRouteDef]:
        """`/files/{id}/{name}`: whoever knows the address may read it, as a download and never as a page."""
        return [web.get("/files/{id:[0-9a-f]{40}}/{name}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            kept = await self.about(request.match_info["id"])
            if kept is None:
                return web.Response(status=404)
            headers = {
                **HEADERS, "Content-Type": kept.media_type, "Content-Length": str(kept.size),
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(kept.name)}",
            }  # fmt: skip
            response = web.StreamResponse(headers=headers)
            await response.prepare(request)
            async for piece in self.read(kept):
                await response.write(piece)
        except KeyError:
            return web.Response(status=404)
        except Unavailable:
            return web.Response(status=503, headers={"Retry-After": "5"})
        return response
