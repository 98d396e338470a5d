"""Files that people share and the app uploads."""

from collections.abc import Callable
from dataclasses import dataclass, field

from demo.slack.message import Json


@dataclass(frozen=True)
class File:
    """`awaited`: bytes of an upload that was announced and has not come."""

    id: str
    name: str
    mimetype: str
    content: bytes = b""
    awaited: int = 0


@dataclass
class Files:
    """By id. Contents are served at `url_private_download` to who shows the bot token, a sign-in page to others."""

    known: dict[str, File] = field(default_factory=dict)

    def keep(self, name: str, mimetype: str, content: bytes, ids: Callable[[str], str], *, awaited: int = 0) -> File:
        file = File(ids("F"), name, mimetype, content, awaited)
        self.known[file.id] = file
        return file

    def fill(self, file_id: str, content: bytes) -> bool:
        """Take the bytes of an upload; False when these were not announced, or have come."""
        file = self.known.get(file_id)
        if file is None or not file.awaited or file.awaited != len(content):
            return False
        self.known[file_id] = File(file.id, file.name, file.mimetype, content)
        return True

    def told(self, file: File, url: str) -> Json:
        """The file object of messages."""
        private = f"{url}/files-pri/{file.id}/{file.name}"
        return {
            "id": file.id, "name": file.name, "title": file.name, "mimetype": file.mimetype,
            "filetype": file.name.rpartition(".")[2], "size": len(file.content), "mode": "hosted",
            "is_external": False, "url_private": private, "url_private_download": private,
        }  # fmt: skip
