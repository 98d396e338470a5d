"""How a customer feels and how much it presses. Few words, five languages, no learned model: those score facts as moods."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from agent.words import fold, read_lines, words

Urgency = Literal["low", "normal", "high", "urgent"]
NEUTRAL = 0.25
NEGATION_REACH = 3
Lexicon = dict[str, list[tuple[tuple[str, ...], float]]]
MOODS = ("not", "more", "less", "urgent", "soon", "unhurried")
SHOUTED = re.compile(r"\b[A-ZÁÉÍÓÚÄÖÜÑÇ]{3,}\b")


def score(text: str, language: str = "en") -> float:
    """The mood from -1 to 1; a calm statement of a problem is near 0."""
    spoken = words(text)
    weights = [weight for weight in _moods(spoken) if weight]
    bad, good = sum(w for w in weights if w < 0), sum(w for w in weights if w > 0)
    if bad:
        bad *= _loudness(text)
        good *= 0.4
    return round(max(-1.0, min(1.0, bad + 0.7 * good if good <= 1.4 else bad + 1.0)), 2)


def label(value: float) -> str:
    """negative, neutral or positive."""
    return "neutral" if abs(value) < NEUTRAL else "negative" if value < 0 else "positive"


def of(value: float) -> dict[str, Any]:
    """What the log holds: label and score."""
    return {"label": label(value), "score": value}


def urgency(text: str, mood: float, language: str = "en") -> Urgency:
    """How much it presses: the customer's own words for it, then the mood."""
    spoken = words(text)
    if _count(spoken, "unhurried"):
        return "low"
    if _count(spoken, "urgent"):
        return "urgent"
    return "high" if mood <= -0.6 or _count(spoken, "soon") else "normal"


def _moods(spoken: list[str]) -> list[float]:
    lexicon = _lexicon()
    moods = []
    at = 0
    while at < len(spoken):
        size, weight = _longest(lexicon.get("mood", []), spoken, at)
        moods.append(weight * _turned(spoken, at) if size else 0.0)
        at += max(size, 1)
    return moods


def _turned(spoken: list[str], at: int) -> float:
    """What the words before make of a mood: not, very, a bit."""
    before = spoken[max(0, at - NEGATION_REACH) : at]
    factor = 1.0
    if _count(before, "not"):
        factor *= -0.6
    if _count(before[-2:], "more"):
        factor *= 1.3
    if _count(before[-2:], "less"):
        factor *= 0.6
    return factor


def _loudness(text: str) -> float:
    letters = [letter for letter in text if letter.isalpha()]
    shouting = len(letters) > 12 and sum(letter.isupper() for letter in letters) > 0.6 * len(letters)
    marks = min(3, text.count("!"))
    return (1.35 if shouting else 1.1 if SHOUTED.search(text) else 1.0) + 0.1 * marks


def _count(spoken: list[str], kind: str) -> int:
    return sum(1 for at in range(len(spoken)) if _longest(_lexicon()[kind], spoken, at)[0])


def _longest(entries: list[tuple[tuple[str, ...], float]], spoken: list[str], at: int) -> tuple[int, float]:
    fitting = [(len(entry), weight) for entry, weight in entries if _fits(entry, spoken[at : at + len(entry)])]
    return max(fitting, key=lambda found: (found[0], abs(found[1])), default=(0, 0.0))


def _fits(entry: tuple[str, ...], spoken: list[str]) -> bool:
    if len(entry) != len(spoken):
        return False
    return all(s.startswith(e[:-1]) if e.endswith("*") else s == e for e, s in zip(entry, spoken, strict=True))


@cache
def _lexicon() -> Lexicon:
    found: Lexicon = {"mood": []}
    for line in read_lines("sentiment.txt"):
        head, _, rest = line.partition(":")
        kind, weight = (head, 1.0) if head in MOODS else ("mood", float(head))
        found.setdefault(kind, []).extend((entry, weight) for entry in _entries(rest))
    return found


def _entries(column: str) -> list[tuple[str, ...]]:
    written = (fold(entry).replace("*", "9star") for entry in column.split(","))
    entries = (tuple(word.replace("9star", "*") for word in words(entry)) for entry in written)
    return [entry for entry in entries if entry]
