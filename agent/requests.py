"""The separate things that a message asks for: clauses grouped by what they are about."""

from __future__ import annotations

import re
from typing import NamedTuple

from agent import clauses, dates, entities, intents
from agent.clauses import Clause
from agent.intents import Guess
from agent.models.port import Request
from agent.spec import Spec
from agent.terms import terms
from agent.words import fold, words

OWN = 0.6
"""From here on a clause has an intent of its own."""
CLEAR = 0.75
"""From here on two clauses with different intents are two requests."""
UNKNOWN = 0.3
"""Below this no intent is named at all."""
FOLLOWING = 0.88
ANSWERING = 0.95
POLITE = frozenset({"~want", "~check", "~show", "~possible"})
"""Ways of asking that say nothing about what is asked."""
SHORT = 10
"""Words of an answer to our own question, at most."""


class Before(NamedTuple):
    """What the conversation was about: its language, the channel's locale, the episode's last intent, the entities just asked for.

    `now` in UTC ms: the moment that dates in words are read at; 0 leaves them unread.
    """

    language: str = ""
    locale: str = ""
    intent: str = ""
    asked: tuple[str, ...] = ()
    now: int = 0


class Part(NamedTuple):
    """Neighbouring clauses that are about one thing. `bare`: nothing but a value and what it is called."""

    clauses: tuple[Clause, ...]
    guess: Guess
    bare: bool = False

    def text(self, message: str) -> str:
        """The customer's words, as written."""
        return message[self.clauses[0].start : self.clauses[-1].end]


class Requests:
    """Reads the requests of one message."""

    def __init__(self, spec: Spec, text: str, language: str, before: Before) -> None:
        self.spec, self.text, self.language, self.before = spec, text, language, before
        self.index = intents.index(spec)
        self.patterns = {name: entity.pattern for name, entity in spec.entities.items()}
        self.names = _names(spec, language)
        self.nouns = {name: self._noun(name) for name in self.patterns}

    def read(self) -> tuple[Request, ...]:
        """The requests in order; none for small talk."""
        parts: list[Part] = []
        for clause in clauses.split(self.text, self.language):
            if not clauses.social(clause.text, self.language):
                self._take(parts, self._part((clause,)))
        wanted = [part for part in parts if not clauses.declines(part.text(self.text), self.language)] or parts
        requests: list[Request] = []
        for part in wanted:
            previous = requests[-1].intent if requests else self.before.intent
            requests.append(self._request(part, previous, alone=len(wanted) == 1))
        return tuple(requests)

    def values(self, text: str) -> dict[str, list[str]]:
        """The entities' values in a text; a date in words is one where the entity's pattern is that of an ISO date."""
        found = entities.find(self.patterns, text)
        if self.before.now:
            today = dates.today(self.before.now, self.spec.time_zone)
            found = {**entities.dated(self.patterns, text, self.language, today), **found}
        return found

    def _part(self, several: tuple[Clause, ...]) -> Part:
        said = self.text[several[0].start : several[-1].end]
        bare = self._is_bare(several, dates.without(self._without_values(said), self.language))
        guess = self._guess(self._without_values(said))
        return Part(
            several, guess if guess.confidence >= OWN else self._guess(self._without_values(said, named=True)), bare
        )

    def _guess(self, text: str) -> Guess:
        return self.index.guess(dates.without(text, self.language, named=self.index.hears("date")), self.language)

    def _without_values(self, text: str, *, named: bool = False) -> str:
        """The words without the entities' values; `named`: with what they are called in their place, where an intent speaks of it."""
        for name, values in entities.find(self.patterns, text).items():
            noun = self.nouns[name] if named and fold(self.nouns[name]) not in fold(text) else ""
            for value in values:
                text = re.sub(re.escape(value), f" {noun} ", text, flags=re.IGNORECASE)
        return text

    def _noun(self, name: str) -> str:
        """What an entity is called, as far as any intent speaks of it: `order_id` is an order."""
        keys = ((word, term.matter) for word in name.split("_") for term in terms(word, "en"))
        return " ".join(word for word, matter in keys if any(self.index.hears(key) for key in matter))

    def _is_bare(self, several: tuple[Clause, ...], plain: str) -> bool:
        """True for "Order #A-48291" or "it was on May 14": no word that is more than the value's own name."""
        if plain == fold(self.text[several[0].start : several[-1].end]):
            return False
        said = (term for term in terms(plain, self.language) if not term.small)
        return all(term.keys.keys() <= POLITE or term.matter.keys() & self.names for term in said)

    def _take(self, parts: list[Part], part: Part) -> None:
        """Adds a clause to the part before it, or as a part of its own."""
        if not parts:
            parts.append(part)
            return
        joined = self._part(parts[-1].clauses + part.clauses)
        if self._is_own(parts[-1], part, joined):
            parts.append(part)
            return
        told = [joined.guess, *(either.guess for either in (parts[-1], part) if not either.bare)]
        best = max(told, key=lambda guess: guess.confidence)
        parts[-1] = Part(joined.clauses, best, parts[-1].bare and part.bare)

    def _is_own(self, last: Part, part: Part, joined: Part) -> bool:
        """True when a clause asks for something else than what came before it."""
        clause = part.clauses[0]
        if part.bare or last.bare:
            return False
        if self._is_next_question(last, part):
            return True
        clear = last.guess.confidence >= OWN
        if part.guess.confidence >= OWN:
            if part.guess.intent == last.guess.intent:
                return clear and clause.link == "also"
            return clear and not self._is_context(last, part, joined)
        return clear and clause.link == "also" and clauses.has_matter(clause.text, self.language)

    def _is_context(self, last: Part, part: Part, joined: Part) -> bool:
        """True when two clauses tell one story: the first only says what happened when, or neither is clear without the other."""
        ours = joined.guess.intent == part.guess.intent
        if ours and clauses.tells(last.text(self.text), self.language) and joined.guess.confidence >= OWN:
            return True
        weaker = min(last.guess.confidence, part.guess.confidence)
        return weaker < CLEAR and joined.guess.confidence >= max(last.guess.confidence, part.guess.confidence)

    def _is_next_question(self, last: Part, part: Part) -> bool:
        """Two questions that stand alone want two answers, unless the tools of one intent answer both."""
        one, other = last.text(self.text), part.text(self.text)
        if clauses.points_back(other, self.language) or not clauses.has_matter(other, self.language):
            return False
        tool = self._has_tool(part.guess.intent) or self._has_tool(last.guess.intent)
        if "?" in one and "?" in other and part.clauses[0].link in ("sentence", "also"):
            return part.guess.intent != last.guess.intent or part.guess.confidence < OWN or not tool
        if tool:
            clear = last.guess.confidence >= CLEAR and part.guess.confidence < OWN
            return clear and clauses.wants_to_know(other, self.language)
        return clauses.asks(one, self.language) and clauses.asks(other, self.language)

    def _has_tool(self, intent: str) -> bool:
        return any(intent in tool.intents for tool in self.spec.tools.values())

    def _request(self, part: Part, previous: str, *, alone: bool) -> Request:
        said = part.text(self.text)
        values = self.values(said)
        guess = part.guess
        unclear = guess.confidence < OWN or part.bare or (bool(values) and self._says_little(said))
        if previous in self.spec.intents and (unclear or guess.intent == previous):
            guess = self._inherited(part, guess, previous, said, values=bool(values), alone=alone)
        intent = guess.intent if guess.confidence >= UNKNOWN else ""
        return Request(said, intent, guess.confidence, values)

    def _says_little(self, said: str) -> bool:
        """True for "what about A-22222": without the value there is hardly anything."""
        plain = dates.without(self._without_values(said), self.language)
        return clauses.is_additive(said, self.language) and self.index.guess(plain, self.language).confidence < OWN

    def _inherited(self, part: Part, guess: Guess, previous: str, said: str, *, values: bool, alone: bool) -> Guess:
        """What was asked before goes on: our question is answered, or the same is asked about something else."""
        if alone and self.before.asked and (values or part.bare or len(words(said)) <= SHORT):
            return Guess(previous, max(ANSWERING, guess.confidence))
        if values or part.bare or part.clauses[0].link == "also" or clauses.is_additive(said, self.language):
            return Guess(previous, max(FOLLOWING, guess.confidence if guess.intent == previous else 0.0))
        return guess


def _names(spec: Spec, language: str) -> set[str]:
    """What the spec's entities are called: their names and the nouns of the questions that ask for them."""
    found: set[str] = set()
    for name, entity in spec.entities.items():
        asked = spec.text(entity.ask, language) if entity.ask else ""
        for text, spoken in ((name.replace("_", " "), "en"), (asked, language), (NUMBERS, language)):
            found |= {key for term in terms(text, spoken) if not term.small for key in term.matter}
    return found


NUMBERS = "number id reference ref code número nummer numéro referencia código referenz kennung"
