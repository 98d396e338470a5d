"""One long text as several messages: cut where a reader would pause, in order, with nothing lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

PAUSES = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\s*\n\s*"),
    re.compile(r"(?<=[.!?…。！？])\s+"),
    re.compile(r"\s+"),
)
LATEST = 0.5  # of the room: an earlier pause would make a stub
JOINED = frozenset("\u200d\ufe0e\ufe0f")


def utf16(text: str) -> int:
    """Length in UTF-16 units, as Telegram and browsers count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def pieces(text: str, room: int, length: Callable[[str], int] = len) -> list[str]:
    """The text in pieces of at most `room`, measured by `length`; white space at the cuts is all that is missing."""
    found: list[str] = []
    rest = text.strip()
    while rest and length(rest) > room:
        here = _fitting(rest, room, length)
        at, onward = _pause(rest, here)
        found.append(rest[:at])
        rest = rest[onward:]
    return [*found, rest] if rest else found


def _fitting(text: str, room: int, length: Callable[[str], int]) -> int:
    """The most characters that fit."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(text[:middle]) <= room else (low, middle - 1)
    return low


def _pause(text: str, here: int) -> tuple[int, int]:
    """(end of this piece, begin of the next) at the best pause that fits."""
    for pause in PAUSES:
        fitting = [
            found for found in pause.finditer(text) if here * LATEST <= found.start() <= here and found.start() > 0
        ]
        if fitting:
            return fitting[-1].start(), fitting[-1].end()
    at = here
    while at > 1 and _belongs_together(text[at - 1], text[at]):
        at -= 1
    return (at, at) if at > 1 else (here, here)


def _belongs_together(before: str, after: str) -> bool:
    """True inside what is shown as one sign: combining marks, joined emoji, flags."""
    return (
        bool(unicodedata.combining(after)) or after in JOINED or before == "\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")
    )  # fmt: skip
