"""How a customer feels and how much it presses: words of five languages, with what stands before them.

No learned model: those score "it says delivered but never arrived" as a mood, and irony as delight.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from agent.words import words
from agent.words.phrases import phrases

Urgency = Literal["low", "normal", "high", "urgent"]
FILE = "sentiment.txt"
NEUTRAL = 0.25
"""Moods nearer to 0 than this are called neutral."""
FRUSTRATED = -0.6
WEIGHTS = ("-1.0", "-0.8", "-0.5", "-0.35", "-0.15", "0.15", "0.35", "0.55", "0.9")
REACH = 3
"""How many words after a "not" are meant by it."""
MOST_POSITIVE_BESIDE_NEGATIVE = 0.15
ASKED_ABOUT = 0.4
"""A kind word in a question asks, it does not praise."""
SHOUTED = re.compile(r"\b[^\W\d_]{3,}\b")


def score(text: str, language: str = "en") -> float:
    """The mood from -1 to 1; a calm statement of a problem is near 0."""
    spoken = words(text)
    moods = _moods(spoken, language)
    bad = -_together([-mood for mood in moods if mood < 0])
    good = _together([mood * (ASKED_ABOUT if "?" in text else 1.0) for mood in moods if mood > 0])
    if bad <= -NEUTRAL:
        return round(max(-1.0, bad * _loudness(text) + min(good, MOST_POSITIVE_BESIDE_NEGATIVE)), 2)
    return round(bad + good, 2)


def _together(moods: list[float]) -> float:
    """Several words say more than one, and never more than everything."""
    return 1.0 - math.prod(1.0 - min(1.0, mood) for mood in moods)


def label(value: float) -> str:
    """negative, neutral or positive."""
    return "neutral" if abs(value) < NEUTRAL else "negative" if value < 0 else "positive"


def of(value: float) -> dict[str, Any]:
    """What the log holds: label and score."""
    return {"label": label(value), "score": value}


def urgency(text: str, mood: float, language: str = "en") -> Urgency:
    """How much it presses: the customer's own words for it, then the mood."""
    spoken = words(text)
    if _has("unhurried", spoken, language):
        return "low"
    if _has("urgent", spoken, language):
        return "urgent"
    return "high" if mood <= FRUSTRATED or _has("soon", spoken, language) else "normal"


def _has(kind: str, spoken: list[str], language: str) -> bool:
    return bool(phrases(FILE, (kind,), language).places(spoken))


def _moods(spoken: list[str], language: str) -> list[float]:
    table = phrases(FILE, WEIGHTS, language)
    found: list[float] = []
    at = 0
    while at < len(spoken):
        size, weight = table.at(spoken, at)
        if size:
            found.append(weight * _turned(spoken[max(0, at - REACH) : at], language))
        at += max(size, 1)
    return found


def _turned(before: list[str], language: str) -> float:
    """What the words before make of a mood: not, very, a bit."""
    factor = -0.45 if _has("not", before, language) else 1.0
    if _has("more", before[-2:], language):
        factor *= 1.15
    if _has("less", before, language):
        factor *= 0.6
    return factor


def _loudness(text: str) -> float:
    """Capitals and exclamation marks make a bad mood worse, never a calm one bad."""
    spoken = SHOUTED.findall(text)
    shouted = [word for word in spoken if word.isupper()]
    whole = len(spoken) > 3 and len(shouted) > 0.6 * len(spoken)
    return (1.35 if whole else 1.1 if shouted else 1.0) + 0.1 * min(3, text.count("!"))
