"""Lists of phrases in five languages: found in folded words, longest first."""

from __future__ import annotations

from functools import cache

from agent.words import LANGUAGES, read_lines, words

Phrase = tuple[str, ...]


class Phrases:
    """Phrases with a value each; `word*` is a beginning."""

    def __init__(self) -> None:
        self.whole: dict[str, list[tuple[Phrase, float]]] = {}
        self.beginnings: dict[str, list[tuple[Phrase, float]]] = {}

    def add(self, phrase: Phrase, value: float) -> None:
        """Adds one."""
        first = phrase[0]
        table, key = (self.beginnings, first[:-1]) if first.endswith("*") else (self.whole, first)
        table.setdefault(key, []).append((phrase, value))

    def at(self, spoken: list[str], start: int) -> tuple[int, float]:
        """How many words the longest phrase at a place has, and its value; (0, 0.0) without one."""
        word = spoken[start]
        entries = list(self.whole.get(word, ()))
        for size in range(2, len(word) + 1):
            entries += self.beginnings.get(word[:size], ())
        fitting = [
            (len(phrase), value) for phrase, value in entries if fits(phrase, spoken[start : start + len(phrase)])
        ]
        return max(fitting, key=lambda found: (found[0], abs(found[1])), default=(0, 0.0))

    def places(self, spoken: list[str]) -> list[tuple[int, int]]:
        """Where phrases stand: (start, length), not overlapping."""
        found, at = [], 0
        while at < len(spoken):
            size, _ = self.at(spoken, at)
            if size:
                found.append((at, size))
            at += max(size, 1)
        return found


def fits(phrase: Phrase, spoken: list[str]) -> bool:
    """True when the words are the phrase's."""
    if len(phrase) != len(spoken):
        return False
    return all(s.startswith(p[:-1]) if p.endswith("*") else s == p for p, s in zip(phrase, spoken, strict=True))


def parse(column: str) -> list[Phrase]:
    """The phrases of one comma-divided column."""
    written = (entry.replace("*", "9star") for entry in column.split(","))
    phrases = (tuple(word.replace("9star", "*") for word in words(entry)) for entry in written)
    return [phrase for phrase in phrases if phrase and phrase != ("*",)]


@cache
def _columns(name: str) -> dict[str, list[tuple[str, list[Phrase]]]]:
    """A file's lines as key → [(language, phrases)]."""
    found: dict[str, list[tuple[str, list[Phrase]]]] = {}
    for line in read_lines(name):
        key, _, rest = line.partition(":")
        columns = [parse(column) for column in rest.split(" / ")]
        found.setdefault(key.strip(), []).extend(zip(LANGUAGES, columns, strict=True))
    return found


@cache
def phrases(name: str, keys: tuple[str, ...], language: str) -> Phrases:
    """Phrases of some lines of a file in one language (all five for a language without a column). A key that is a number is the value."""
    known = language.partition("-")[0]
    table = Phrases()
    for key in keys:
        for column, entries in _columns(name).get(key, ()):
            if column == known or known not in LANGUAGES:
                for phrase in entries:
                    table.add(phrase, _value(key))
    return table


def _value(key: str) -> float:
    try:
        return float(key)
    except ValueError:
        return 1.0
