"""«There is something new»: hints between the parts of one process. Losing one costs a second, never a message."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec


class Changed(msgspec.Struct, frozen=True):
    """The conversation's log or state moved on."""


class Preview(msgspec.Struct, frozen=True):
    """Words of turn `turn` as they come; `offset` in characters."""

    turn: int
    offset: int
    text: str


class Discard(msgspec.Struct, frozen=True):
    """The preview of this turn is taken back."""

    turn: int


class Typing(msgspec.Struct, frozen=True):
    """The agent has begun to work on an answer."""


class Rested(msgspec.Struct, frozen=True):
    """The agent's work on an answer has ended, however it ended."""


Hint = Changed | Preview | Discard | Typing | Rested


class Subscription:
    """One reader's hints. A reader who is too slow loses previews, never `Changed` nor `Discard`."""

    def __init__(self, limit: int = 64) -> None:
        self._hints: list[Hint] = []
        self._limit = limit
        self._event = asyncio.Event()

    def put(self, hint: Hint) -> None:
        """Add a hint without waiting."""
        if len(self._hints) >= self._limit and isinstance(hint, (Preview, Typing)):
            hint = Changed()
        if isinstance(hint, Preview) or hint not in self._hints:
            self._hints.append(hint)
            self._event.set()

    async def take(self) -> list[Hint]:
        """Everything since the last call; waits for at least one."""
        await self._event.wait()
        self._event.clear()
        hints, self._hints = self._hints, []
        return hints


class Hub:
    """Who listens to which conversation, in this process."""

    def __init__(self) -> None:
        self._readers: defaultdict[str, set[Subscription]] = defaultdict(set)

    def publish(self, conversation: str, hint: Hint) -> None:
        """Tell whoever listens."""
        for reader in self._readers.get(conversation, ()):
            reader.put(hint)

    def listened(self, conversation: str) -> bool:
        """True when somebody would hear a preview."""
        return conversation in self._readers

    @contextmanager
    def subscribe(self, conversation: str) -> Iterator[Subscription]:
        """Hints of one conversation while the block runs."""
        reader = Subscription()
        self._readers[conversation].add(reader)
        try:
            yield reader
        finally:
            self._readers[conversation].discard(reader)
            if not self._readers[conversation]:
                del self._readers[conversation]
