"""«There is something new»: hints between the parts of a process, and of several. Losing one costs a second, never a message."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from bus.message import Side


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """The conversation's log or state moved on."""


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """Words of turn `turn` as they come; `offset` in characters."""

    turn: int
    offset: int
    text: str


class Discard(msgspec.Struct, frozen=True, tag="discard"):
    """The preview of this turn is taken back."""

    turn: int


class Typing(msgspec.Struct, frozen=True, tag="typing"):
    """The agent has begun to work on an answer."""


class Rested(msgspec.Struct, frozen=True, tag="rested"):
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


class Far(Protocol):
    """The other processes. None of its methods waits; none of them fails."""

    def tell(self, conversation: str, hint: Hint) -> None:
        """Bring a hint to whoever listens there."""

    def call(self, conversation: str, side: Side) -> None:
        """Something came for a conversation that is not worked on here: whoever works on it should hear, whoever is idle may begin."""

    def listen(self, conversation: str) -> None:
        """From now on somebody here wants that conversation's hints."""

    def forget(self, conversation: str) -> None:
        """Nobody does any more."""


class Hub:
    """Who listens to which conversation, in this process; `far` are the others, where there are any."""

    def __init__(self) -> None:
        self.far: Far | None = None
        self._readers: defaultdict[str, set[Subscription]] = defaultdict(set)

    def publish(self, conversation: str, hint: Hint) -> None:
        """Tell whoever listens."""
        self.deliver(conversation, hint)
        if self.far is not None:
            self.far.tell(conversation, hint)

    def deliver(self, conversation: str, hint: Hint) -> None:
        """Tell whoever listens here."""
        for reader in self._readers.get(conversation, ()):
            reader.put(hint)

    def refresh(self) -> None:
        """Hints may have been lost: everybody here looks for themselves."""
        for conversation in list(self._readers):
            self.deliver(conversation, Changed())

    def call(self, conversation: str, side: Side) -> None:
        """See Far."""
        if self.far is not None:
            self.far.call(conversation, side)

    def listened(self, conversation: str) -> bool:
        """True when somebody would hear a preview; of other processes nobody knows."""
        return conversation in self._readers or self.far is not None

    @contextmanager
    def subscribe(self, conversation: str) -> Iterator[Subscription]:
        """Hints of one conversation while the block runs."""
        reader = Subscription()
        if conversation not in self._readers and self.far is not None:
            self.far.listen(conversation)
        self._readers[conversation].add(reader)
        try:
            yield reader
        finally:
            self._readers[conversation].discard(reader)
            if not self._readers[conversation]:
                del self._readers[conversation]
                if self.far is not None:
                    self.far.forget(conversation)
