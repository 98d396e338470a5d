"""A text as terms: words and phrases with everything they may stand for."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from agent.words import stem, stopwords, words
from agent.words.meanings import Meaning, meanings

STATE = {"~where": 0.8, "~status": 0.8, "~notyet": 0.8, "~when": 0.4}
"""Ways of asking how something stands: whoever still waits for it asks where it is."""
INSIDE = 0.5
"""What a word inside a phrase still stands for on its own."""
REMEMBERED = 1_000
"""Characters of a text whose terms are kept: a turn asks for those of its message and its passages many times over."""


class Term(NamedTuple):
    """One word or phrase; `keys` are stems and meanings, each with how surely it stands for them. Meanings of asking begin with ~."""

    text: str
    keys: dict[str, float]
    small: bool = False

    @property
    def asks(self) -> bool:
        """True when it only says how something is asked."""
        surest = {key for key, strength in self.keys.items() if strength == 1.0}
        return bool(surest) and all(key.startswith("~") for key in surest)

    @property
    def matter(self) -> dict[str, float]:
        """The keys that are more than a way of asking."""
        return {key: strength for key, strength in self.keys.items() if not key.startswith("~")}


def terms(text: str, language: str) -> tuple[Term, ...]:
    """The terms of a text in order; the words of a phrase come together. Shared: nobody changes them."""
    return _remembered(text, language) if len(text) <= REMEMBERED else _read(text, language)


@lru_cache(maxsize=512)
def _remembered(text: str, language: str) -> tuple[Term, ...]:
    return _read(text, language)


def _read(text: str, language: str) -> tuple[Term, ...]:
    spoken = words(text)
    found: dict[int, list[Meaning]] = {}
    for meaning in meanings(spoken, language):
        found.setdefault(meaning.start, []).append(meaning)
    small = stopwords(language)
    taken: list[Term] = []
    at = 0
    while at < len(spoken):
        length = max((meaning.length for meaning in found.get(at, ())), default=1)
        taken.append(_term(spoken, at, length, found, language, small))
        at += length
    return tuple(taken)


def _term(
    spoken: list[str], at: int, length: int, found: dict[int, list[Meaning]], language: str, small: frozenset[str]
) -> Term:
    here = [meaning for meaning in found.get(at, ()) if meaning.length == length]
    only_asks = bool(here) and all(meaning.asking for meaning in here)
    plain = [word for word in spoken[at : at + length] if word not in small]
    keys = {stem(word, language): INSIDE if length > 1 or only_asks else 1.0 for word in plain}
    for offset in range(length):
        for meaning in found.get(at + offset, ()):
            keys[meaning.name] = max(keys.get(meaning.name, 0.0), 1.0 if meaning in here else INSIDE)
    standing = max((STATE[key] * strength for key, strength in keys.items() if key in STATE), default=0.0)
    keys |= {"~state": standing} if standing else {}
    return Term(" ".join(spoken[at : at + length]), keys, small=not plain and at not in found)
