"""Brings a file from the channel where somebody shared it to the channel that shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

from bus.channel import Channel
from bus.errors import Permanent
from bus.message import Attachment
from channels.files.shelf import Kept, Shelf, Source


@runtime_checkable
class HasFiles(Protocol):
    """A channel in which people share files."""

    def read_file(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The content of a file that was shared here. Raises Permanent and Retryable."""


class Courier:
    """`channels` is looked up at each use, since configuration may change."""

    def __init__(self, shelf: Shelf, channels: Mapping[str, Channel]) -> None:
        self._shelf = shelf
        self._channels = channels

    async def bring(self, attachment: Attachment) -> Kept:
        """The file, kept here from now on. Raises Permanent, Retryable, Unavailable."""
        channel: object = self._channels.get(attachment.channel)
        if not isinstance(channel, HasFiles):
            raise Permanent("file_not_readable", f"{attachment.channel or 'its channel'} gives no files")
        return await self._shelf.bring(attachment.channel, attachment, channel.read_file)

    async def take(self, attachment: Attachment, source: Source) -> Kept:
        """A file that somebody hands in here. Raises Permanent, Retryable, Unavailable."""
        return await self._shelf.bring(attachment.channel, attachment, source)

    async def known(self, attachment: Attachment) -> Kept | None:
        """The file if it is here. Raises Unavailable."""
        return await self._shelf.find(attachment.channel, attachment)

    async def drop(self, name: str) -> None:
        """Forget a file by its id. Raises Unavailable."""
        await self._shelf.drop(name)

    def address(self, attachment: Attachment) -> str:
        """Where a file that is here, under the name it has here, may be read."""
        kept_as = self._shelf.id_of(attachment.channel, attachment)
        return self._shelf.link(Kept(kept_as, attachment.name, attachment.media_type, attachment.size))

    async def link(self, attachment: Attachment) -> str:
        """Where whoever knows the address may read it. Raises as `bring`."""
        return self._shelf.link(await self.bring(attachment))

    def local(self, kept: Kept) -> AbstractAsyncContextManager[Path]:
        """The whole file at a path of this machine while the block runs."""
        return self._shelf.local(kept)

    async def text(self, attachment: Attachment) -> str:
        """What a model can be shown of it, "" when that is nothing. Raises as `bring`."""
        return await self._shelf.text(await self.bring(attachment))
