"""Where files are kept: a folder, or a bucket that speaks S3. A file is whole or it is not there."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from bus.errors import Unavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

CHUNK = 1 << 18


class Storage(Protocol):
    """Names are ours: hexadecimal digits and dots."""

    async def keep(self, name: str, content: Path) -> None:
        """Take over a whole file; the one at `content` may be gone afterwards. Raises Unavailable."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        """The content in pieces. Raises KeyError when there is none, Unavailable."""

    async def remove(self, name: str) -> None:
        """Forget it; nothing happens when there is none. Raises Unavailable."""


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, name: str, content: Path) -> None:
        """See Storage."""
        await asyncio.to_thread(self._keep, self._place(name), content)

    @staticmethod
    def _keep(place: Path, content: Path) -> None:
        part = place.with_name(f"{place.name}.part")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(content, part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.chmod(0o600)
            part.replace(place)
        except OSError as error:
            raise Unavailable(f"the file cannot be kept: {error.strerror}") from error

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See Storage."""
        try:
            with await asyncio.to_thread(self._place(name).open, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk
        except FileNotFoundError as error:
            raise KeyError(name) from error
        except OSError as error:
            raise Unavailable(f"the file cannot be read: {error.strerror}") from error

    async def remove(self, name: str) -> None:
        """See Storage."""
        try:
            await asyncio.to_thread(self._place(name).unlink, missing_ok=True)
        except OSError as error:
            raise Unavailable(f"the file cannot be removed: {error.strerror}") from error

    async def copy(self, to: Storage) -> int:
        """Every file that is described, its content first, as the shelf keeps them; how many. What comes meanwhile may be among them."""
        described = await asyncio.to_thread(lambda: sorted(self._path.glob("??/*.json")))
        for place in described:
            content = place.with_suffix("")
            await to.keep(content.name, content)
            await to.keep(place.name, place)
        return len(described)

    def _place(self, name: str) -> Path:
        return self._path / name[:2] / name


class Bucket:
    """`s3://bucket/prefix`, with credentials and endpoint where boto3 finds them (AWS_… in the environment, AWS_ENDPOINT_URL_S3)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._client: BaseClient | None = None

    async def keep(self, name: str, content: Path) -> None:
        """See Storage."""
        await self._call("upload_file", str(content), self._bucket, self._key(name))

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See Storage."""
        found = await self._call("get_object", Bucket=self._bucket, Key=self._key(name))
        with found["Body"] as content:
            while chunk := await asyncio.to_thread(content.read, CHUNK):
                yield chunk

    async def remove(self, name: str) -> None:
        """See Storage."""
        await self._call("delete_object", Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    async def _call(self, method: str, /, *arguments: Any, **more: Any) -> Any:
        """A method of the client, in a thread. Raises KeyError for what is not there, Unavailable for everything else."""
        return await asyncio.to_thread(self._called, method, *arguments, **more)

    def _called(self, method: str, /, *arguments: Any, **more: Any) -> Any:
        import boto3
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client = self._client or boto3.client("s3")
            return getattr(self._client, method)(*arguments, **more)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
                raise KeyError(more.get("Key", "")) from error
            raise Unavailable(f"the bucket refused: {error.response.get('Error', {}).get('Code', '')}") from error
        except (BotoCoreError, Boto3Error, OSError) as error:
            raise Unavailable(f"the bucket cannot be reached: {type(error).__name__}") from error


def storage(place: str) -> Folder | Bucket:
    """A storage by its place: a folder's path, or s3://bucket/prefix."""
    return Bucket(place) if place.startswith("s3://") else Folder(Path(place))
