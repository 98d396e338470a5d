"""How far a passage speaks of what was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from agent.terms import Term, terms
from agent.words import light, words
from agent.words.phrases import phrases

LIGHT = 0.3
ASKED_FOR = 0.3
"""What a way of asking counts beside a matter: "how long" finds the passage that names days, "refund" finds the refunds."""
ANSWERS = {
    "~when": re.compile(
        r"\d+(?:\s?[-–]\s?\d+)?\s?(?:\w+\s)?(?:minut|hour|day|week|month|year|hora|dia|día|semana|mes|año|ano|stunde|tag|woche|monat|jahr|heure|jour"
        r"|semaine|mois|an)|\d{1,2}[:.h]\d{2}|\d\s?(?:am|pm|uhr)\b|\d{1,2}\s?h\b",
        re.IGNORECASE,
    ),
    "~howmuch": re.compile(
        r"[$€£¥]|\d\s?(?:eur|usd|gbp|euro|dollar|%|percent|kg|gb)|free|gratis|kostenlos|gratuit", re.IGNORECASE
    ),
}
"""What an answer to a way of asking looks like."""
Rarity = Callable[[str], float]


class Asked(NamedTuple):
    """One thing a question is about, and what it counts for; or, without keys, what an answer to it looks like."""

    keys: dict[str, float]
    weight: float
    answer: re.Pattern[str] | None = None


def asked(query: str, language: str) -> list[Asked]:
    """What a question is about, and how it asks."""
    return [question for term in terms(query, language) for question in _asked(term, language)]


def _asked(term: Term, language: str) -> list[Asked]:
    if term.asks:
        answer = next((ANSWERS[key] for key in term.keys if key in ANSWERS), None)
        return [Asked({}, ASKED_FOR, answer)] if answer else []
    if term.small or not term.matter:
        return []
    return [Asked(term.matter, LIGHT if set(term.text.split()) <= light(language) else 1.0)]


def parted(query: str, language: str) -> list[list[Asked]]:
    """The questions of a query that holds several: a new one begins where it is asked anew. The whole comes first."""
    parts: list[list[Asked]] = [[]]
    for term in terms(query, language):
        if term.asks and any(question.keys for question in parts[-1]):
            parts.append([])
        parts[-1] += _asked(term, language)
    whole = [question for part in parts for question in part]
    return [whole, *(part for part in parts if any(question.weight == 1.0 and question.keys for question in part))]


def support(questions: Iterable[Asked], held: set[str], text: str, rarity: Rarity = lambda _: 1.0) -> float:
    """The share of what was asked that a passage speaks of, 0 to 1; what nothing anywhere speaks of counts in full."""
    whole = covered = 0.0
    for question in questions:
        weight = question.weight * min(map(rarity, question.keys), default=1.0)
        whole += weight
        covered += weight * _spoken_of(question, held, text)
    return covered / whole if whole else 0.0


def _spoken_of(question: Asked, held: set[str], text: str) -> float:
    if question.answer:
        return float(bool(question.answer.search(text)))
    return max((strength * strength for key, strength in question.keys.items() if key in held), default=0.0)


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


def held_in_order(text: str, language: str) -> list[str]:
    """What a passage speaks of, as often as it does."""
    return [key for term in terms(text, language) if not term.small for key in term.matter]


def held_keys(text: str, language: str) -> set[str]:
    """What a passage speaks of."""
    return set(held_in_order(text, language))


def is_general(text: str, language: str) -> bool:
    """True for a question about how things are done here, not about the customer's own: "how long do refunds take?"."""
    spoken = words(text)
    if phrases("social.txt", ("own", "past"), language).places(spoken):
        return False
    ways = {key for term in terms(text, language) for key in term.keys if key.startswith("~")}
    return bool(ways & GENERAL) and not ways & PERSONAL


GENERAL = frozenset({"~when", "~how", "~howmuch", "~possible", "~have", "~which", "~why", "~explain"})
PERSONAL = frozenset({"~where", "~status", "~notyet", "~problem"})
