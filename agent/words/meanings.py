"""The table of meanings: which words of five languages say the same thing."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from agent.words import LANGUAGES, fold, read_lines, words

LONGEST_BEGINNING = 14
SHORTEST_PART = 5
FOREIGN_ENDING = 3


class Entry(NamedTuple):
    """One line's entry: its words (a trailing * marks a beginning) and the meaning."""

    words: tuple[str, ...]
    meaning: str


class Meaning(NamedTuple):
    """A meaning found at `start`, over `length` words. Asking is a way of asking rather than a matter."""

    name: str
    start: int
    length: int

    @property
    def asking(self) -> bool:
        """True for a way of asking: where, when, want, check …"""
        return self.name.startswith("~")


class Table:
    """One language's entries, by first word and by first beginning."""

    def __init__(self, entries: list[Entry]) -> None:
        self.whole: dict[str, list[Entry]] = {}
        self.beginnings: dict[str, list[Entry]] = {}
        for entry in entries:
            first = entry.words[0]
            table, key = (self.beginnings, first[:-1]) if first.endswith("*") else (self.whole, first)
            table.setdefault(key, []).append(entry)

    def starting(self, word: str) -> list[Entry]:
        """Entries whose first word this is."""
        found = list(self.whole.get(word, ()))
        for size in range(2, min(len(word), LONGEST_BEGINNING) + 1):
            found += self.beginnings.get(word[:size], ())
        return found

    def at(self, spoken: list[str], start: int) -> list[Meaning]:
        """Meanings that begin at a word, longest first."""
        rest = ((entry, spoken[start + 1 : start + len(entry.words)]) for entry in self.starting(spoken[start]))
        found = [
            Meaning(entry.meaning, start, len(entry.words)) for entry, tail in rest if _fits(entry.words[1:], tail)
        ]
        return sorted(set(found), key=lambda meaning: -meaning.length)

    def inside(self, word: str) -> list[str]:
        """Meanings of a compound's last or first part: `Hotelbuchung`, `Stornierungsgebühr`."""
        for cut in range(3, len(word) - SHORTEST_PART + 1):
            found = [entry.meaning for entry in self.starting(word[cut:]) if len(entry.words) == 1]
            found = [name for name in found if self._long_enough(word[cut:], name)]
            if found:
                return found
        return []

    def is_close(self, word: str, meaning: Meaning) -> bool:
        """True when an entry of this meaning is a phrase, or most of the word."""
        beginnings = [e.words[0].rstrip("*") for e in self.starting(word) if e.meaning == meaning.name]
        return meaning.length > 1 or any(
            len(b) >= SHORTEST_PART and len(word) - len(b) <= FOREIGN_ENDING for b in beginnings
        )

    def _long_enough(self, part: str, meaning: str) -> bool:
        entries = self.starting(part)
        return any(
            e.meaning == meaning and len(e.words) == 1 and len(e.words[0].rstrip("*")) >= SHORTEST_PART for e in entries
        )


def _fits(pattern: tuple[str, ...], spoken: list[str]) -> bool:
    if len(pattern) != len(spoken):
        return False
    return all(s.startswith(p[:-1]) if p.endswith("*") else s == p for p, s in zip(pattern, spoken, strict=True))


@cache
def tables() -> dict[str, Table]:
    """The table of each language."""
    entries: dict[str, list[Entry]] = {language: [] for language in LANGUAGES}
    for line in read_lines("concepts.txt"):
        name, _, rest = line.partition(":")
        for language, column in zip(LANGUAGES, rest.split(" / "), strict=True):
            entries[language] += [Entry(parts, name) for parts in _entries(column)]
    return {language: Table(found) for language, found in entries.items()}


def _entries(column: str) -> list[tuple[str, ...]]:
    written = (entry.replace("*", "9star").strip() for entry in column.split(","))
    parts = (tuple(word.replace("9star", "*") for word in words(entry)) for entry in written)
    return [entry for entry in parts if entry and any(word != "*" for word in entry)]


def speaks(word: str, language: str) -> bool:
    """True for a word that a language's column has by itself."""
    table = tables().get(language.partition("-")[0])
    return table is not None and any(len(entry.words) == 1 for entry in table.starting(word))


def meanings(spoken: list[str], language: str) -> list[Meaning]:
    """What folded words mean: the longest entries first, in the text's language, and word by word in the others."""
    own = tables().get(language.partition("-")[0])
    found: list[Meaning] = []
    at = 0
    while at < len(spoken):
        here = own.at(spoken, at) if own else []
        if language.startswith("de"):
            here += _compound(spoken[at], at)
        found += here or _elsewhere(spoken, at, language)
        at += 1
    return found


def _compound(word: str, at: int) -> list[Meaning]:
    whole = tables()["de"].inside(_umlauts(word)) if len(word) > SHORTEST_PART + 2 else []
    return [Meaning(name, at, 1) for name in whole]


def _elsewhere(spoken: list[str], at: int, language: str) -> list[Meaning]:
    """A word of another language, when it can hardly be anything else: long, and nearly the whole of an entry."""
    if len(spoken[at]) < SHORTEST_PART:
        return []
    for name, table in tables().items():
        found = table.at(spoken, at) if name != language.partition("-")[0] else []
        surely = [meaning for meaning in found if not meaning.asking and table.is_close(spoken[at], meaning)]
        if surely:
            return surely
    return []


def _umlauts(word: str) -> str:
    return fold(word.replace("ae", "a").replace("oe", "o").replace("ue", "u"))
