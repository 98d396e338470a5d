"""How far a passage speaks of what was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from agent.terms import Term, terms
from agent.words import stopwords, words
from agent.words.phrases import phrases

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


def asked_terms(query: str, language: str) -> list[Term]:
    """What a question is about, and how it asks."""
    return [term for term in terms(query, language) if not term.small and term.keys]


def support(asked: Iterable[Term], held: set[str], text: str, rarity: Rarity = lambda _: 1.0) -> float:
    """The share of what was asked that a passage speaks of, 0 to 1; what nothing anywhere speaks of counts in full."""
    whole = covered = 0.0
    for term in asked:
        if term.matter:
            weight = min(rarity(key) for key in term.matter)
            whole += weight
            covered += weight * max((strength for key, strength in term.matter.items() if key in held), default=0.0)
        elif answer := next((ANSWERS[key] for key in term.keys if key in ANSWERS), None):
            whole += ASKED_FOR
            covered += ASKED_FOR * bool(answer.search(text))
    return covered / whole if whole else 0.0


def held_keys(text: str, language: str) -> set[str]:
    """What a passage speaks of."""
    return {key for term in terms(text, language) if not term.small for key in term.matter}


def is_general(text: str, language: str) -> bool:
    """True for a question about how things are done here, not about the customer's own: "how long do refunds take?"."""
    spoken = words(text)
    if phrases("social.txt", ("own", "past"), language).places(spoken):
        return False
    ways = {key for term in terms(text, language) for key in term.keys if key.startswith("~")}
    return bool(ways & GENERAL) and not ways & PERSONAL


GENERAL = frozenset({"~when", "~how", "~howmuch", "~possible", "~have", "~which", "~why", "~explain"})
PERSONAL = frozenset({"~where", "~status", "~notyet", "~problem"})


def has_matter(text: str, language: str) -> bool:
    """True when the words are about anything at all."""
    small = stopwords(language)
    return any(
        not term.small and not _only_asks(term) and not set(term.text.split()) <= small
        for term in terms(text, language)
    )


def _only_asks(term: Term) -> bool:
    return any(key.startswith("~") and strength == 1.0 for key, strength in term.keys.items())
