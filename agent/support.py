"""How far a passage speaks of what was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from agent.chunks import BELOW
from agent.terms import Term, terms
from agent.words import fold, light, words
from agent.words.phrases import phrases

LIGHT = 0.3
ASKED_FOR = 0.3
"""What a way of asking counts beside a matter: "how long" finds the passage that names days, "refund" finds the refunds."""
ANSWERS = {
    "~when": re.compile(
        r"\b(?:minut\w*|hours?|days?|weeks?|months?|years?|horas?|dias?|semanas?|mes|meses|anos?|stunden?|tagen?|tage?s?|wochen?|monate?n?"
        r"|jahre?n?|heures?|jours?|semaines?|mois|ans?)\b|\d{1,2}[:.h]\d{2}|\d\s?(?:am|pm|uhr|h)\b"
    ),
    "~howmuch": re.compile(
        r"[$€£¥]|\d\s?(?:eur|usd|gbp|dollar|%|percent|kg|gb)|\b(?:free|gratis|gratuit\w*|kostenlos\w*|included)\b"
    ),
}
"""What an answer to a way of asking looks like, folded."""
Rarity = Callable[[str], float]
Held = Mapping[str, float]
"""What a passage speaks of, and how much of it that is: a heading further out is about its neighbours as well."""
OUTER = 0.5


class Asked(NamedTuple):
    """One thing a question is about, and what it counts for. With an `answer`: a way of asking, and what an answer to it looks like."""

    keys: dict[str, float]
    weight: float
    answer: re.Pattern[str] | None = None


def asked(query: str, language: str) -> list[Asked]:
    """What a question is about, and how it asks."""
    return [question for term in terms(query, language) for question in _asked(term, language)]


def _asked(term: Term, language: str) -> list[Asked]:
    if term.asks:
        way = next((key for key in term.keys if key in ANSWERS), "")
        return [Asked({way: 1.0}, ASKED_FOR, ANSWERS[way])] if way else []
    if term.small or not term.matter:
        return []
    return [Asked(term.matter, LIGHT if set(term.text.split()) <= light(language) else 1.0)]


def parted(query: str, language: str) -> list[list[Asked]]:
    """The questions of a query that holds several: a new one begins where it is asked anew. The whole comes first."""
    parts: list[list[Asked]] = [[]]
    for term in terms(query, language):
        if term.asks and any(question.answer is None for question in parts[-1]):
            parts.append([])
        parts[-1] += _asked(term, language)
    whole = [question for part in parts for question in part]
    return [whole, *(part for part in parts if any(question.weight == 1.0 for question in part))]


def support(questions: Iterable[Asked], held: Held, text: str, rarity: Rarity = lambda _: 1.0) -> float:
    """The share of what was asked that a passage speaks of, 0 to 1; what nothing anywhere speaks of counts in full."""
    whole = covered = 0.0
    for question in questions:
        weight = question.weight * (min(map(rarity, question.keys)) if question.answer is None else 1.0)
        whole += weight
        covered += weight * _spoken_of(question, held, text)
    return covered / whole if whole else 0.0


def _spoken_of(question: Asked, held: Held, text: str) -> float:
    if question.answer and question.answer.search(fold(text)):
        return 1.0
    return max((strength * strength * held.get(key, 0.0) for key, strength in question.keys.items()), default=0.0)


def likeness(query: str, heading: str, language: str) -> float:
    """How much a heading asks what a query asks, 0 to 1: matters and ways of asking that both hold, of all they hold."""
    asks, heads = (_said(text, language) for text in (query, heading))
    both = len(asks & heads)
    return 2 * both / (len(asks) + len(heads)) if both else 0.0


def _said(text: str, language: str) -> set[str]:
    return {
        max(term.keys, key=lambda key: (term.keys[key], key))
        for term in terms(text, language)
        if term.keys and not term.small
    }


def headed(heading: str, language: str) -> list[str]:
    """What a heading speaks of, and how it asks."""
    return [key for term in terms(heading, language) if not term.small for key in term.keys]


def spoken(text: str, language: str) -> list[str]:
    """What a text speaks of, as often as it does."""
    return [key for term in terms(text, language) if not term.small for key in term.matter]


def held(heading: str, text: str, language: str) -> dict[str, float]:
    """What a passage speaks of. Its own heading is the last of those that are joined by ` › `."""
    outer, _, own = heading.rpartition(BELOW)
    return dict.fromkeys(spoken(outer, language), OUTER) | dict.fromkeys(
        [*headed(own, language), *spoken(text, language)], 1.0
    )


def is_general(text: str, language: str) -> bool:
    """True for a question about how things are done here, not about the customer's own: "how long do refunds take?"."""
    spoken = words(text)
    if phrases("social.txt", ("own", "past"), language).places(spoken):
        return False
    ways = {key for term in terms(text, language) for key in term.keys if key.startswith("~")}
    return bool(ways & GENERAL) and not ways & PERSONAL


GENERAL = frozenset({"~when", "~how", "~howmuch", "~possible", "~have", "~which", "~why", "~explain"})
PERSONAL = frozenset({"~where", "~status", "~notyet", "~problem"})
