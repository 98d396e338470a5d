"""Words that are written nearly alike: what was misspelt is understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

SHORTEST = 5
"""Shorter words are too much like others."""
SWAPPED = 0.9
FURTHEST = 3
"""How many letters longer or shorter a word may be."""


def closest(word: str, known: Iterable[str]) -> tuple[float, str]:
    """The known word that looks most like this one, and how much it does; (0.0, "") for a word that is no word."""
    if len(word) < SHORTEST or not word.isalpha():
        return 0.0, ""
    near = (other for other in known if abs(len(word) - len(other)) <= FURTHEST and not other.startswith("~"))
    return max(((likeness(word, other), other) for other in near), default=(0.0, ""))


@lru_cache(maxsize=20_000)
def likeness(one: str, other: str) -> float:
    """How alike two folded words look, 0 to 1: the same letters in another order, else shared trigrams (Dice)."""
    if one[:1] == other[:1] and sorted(one) == sorted(other):
        return SWAPPED
    first, second = _trigrams(one), _trigrams(other)
    return 2 * sum((first & second).values()) / (sum(first.values()) + sum(second.values()))


@lru_cache(maxsize=20_000)
def _trigrams(word: str) -> Counter[str]:
    padded = f"  {word} "
    return Counter(padded[at : at + 3] for at in range(len(padded) - 2))
