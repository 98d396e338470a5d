"""Files in Slack: read with the app's token, shared in three steps.

https://docs.slack.dev/messaging/working-with-files – https://docs.slack.dev/reference/methods/files.completeUploadExternal
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from bus.errors import Permanent
from bus.message import Attachment
from channels.files.fetching import Fetcher
from channels.files.shelf import Kept
from channels.slack.connection import Connection, Json

GONE = frozenset({"file_not_found", "file_deleted"})
HOSTS = frozenset({"files.slack.com", "slack-files.com"})


class Files:
    """Of the one app."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fetcher: Fetcher | None = None

    async def read(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The content of a file that somebody shared; `source` is its id. Raises Permanent and Retryable."""
        told = (await self._connection.read("files.info", file=attachment.source)).get("file")
        url = str(told.get("url_private_download") or "") if isinstance(told, dict) else ""
        if not url:
            raise Permanent("file_not_readable", "Slack names no address of the file")
        self._fetcher = self._fetcher or Fetcher(HOSTS, self._connection.settings.api_base)
        token = self._connection.settings.bot_token.get_secret_value()
        async for piece in self._fetcher.read(url, {"Authorization": f"Bearer {token}"}):
            yield piece

    async def share(self, path: Path, kept: Kept, channel: str, thread: str) -> str:
        """Upload a file and share it; its id. Raises what Connection.call raises: until the last step nothing is seen of it."""
        place = await self._connection.read("files.getUploadURLExternal", filename=kept.name, length=kept.size)
        await self._connection.upload(str(place.get("upload_url", "")), path)
        where: Json = {"channel_id": channel, **({"thread_ts": thread} if thread else {})}
        file = str(place.get("file_id", ""))
        await self._connection.call("files.completeUploadExternal", files=[{"id": file, "title": kept.name}], **where)
        return file

    async def remove(self, file: str) -> None:
        """Take back a file that we shared; one that is gone stays gone. https://docs.slack.dev/reference/methods/files.delete"""
        try:
            await self._connection.call("files.delete", file=file)
        except Permanent as error:
            if error.reason not in GONE:
                raise

    async def close(self) -> None:
        """End what was opened."""
        if self._fetcher is not None:
            await self._fetcher.close()
