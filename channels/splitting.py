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
BEYOND = 64  # characters of white space that a pause may have
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
        pauses = pause.finditer(text, int(here * LATEST), here + BEYOND)
        fitting = [found for found in pauses if 0 < found.start() <= here]
        if fitting:
            return fitting[-1].start(), fitting[-1].end()
    at = here
    while at > 0 and _is_torn(text, at):
        at -= 1
    return (at, at) if at > 0 else (here, here)


def _is_torn(text: str, at: int) -> bool:
    """True when a cut here is inside what is shown as one sign: combining marks, joined emoji, flags of two letters."""
    before, after = text[at - 1], text[at]
    if _is_of_flag(after):
        letters = next((number for number in range(at) if not _is_of_flag(text[at - 1 - number])), at)
        return letters % 2 == 1
    return (
        bool(unicodedata.combining(after))
        or after in JOINED
        or before == "\u200d"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    )


def _is_of_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"
