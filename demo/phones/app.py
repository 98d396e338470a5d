"""What the page needs of a messenger, so that both phones are served by the same few routes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from demo.live import Upload

Json = dict[str, Any]
Verb = Callable[[str, Json], Awaitable[None]]


class Unwanted(ValueError):
    """What the page asked for cannot be done; the words are for a person."""


@dataclass(frozen=True)
class Opened:
    """A file of a chat."""

    content: bytes
    media_type: str
    name: str


class App(Protocol):
    """An app on a phone. A verb takes who does it, and what the page said; what cannot be done raises Unwanted."""

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """By name."""

    def shown(self) -> Json:
        """The people and everything in their chats."""

    def told(self, news: Json) -> Json | None:
        """A change of the messenger as the page hears of it; None for what it does not show."""

    def listen(self, watcher: Callable[[Json], None]) -> None:
        """Tell of every change from now on."""

    async def share(self, person: str, file: Upload) -> None:
        """Send a file."""

    def file(self, name: str) -> Opened | None:
        """A file that can be seen in a chat."""


def words(said: Json, name: str = "text") -> str:
    """What was typed. Raises Unwanted."""
    text = said.get(name)
    if not isinstance(text, str) or not text.strip():
        raise Unwanted("nothing was written")
    return text
