"""Which of the spec's intents a few words are about: by shared words, shared meanings, and letters where a word is misspelt."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from agent import language as languages
from agent.spec import Spec
from agent.terms import Term, terms
from agent.words import fold, words
from agent.words.spelling import closest

ASKING = 0.45
SMALL = 0.08
UNHEARD = 0.6
TYPO = 0.55
NAME = 0.35
ENOUGH = 2.0
"""So much evidence is all that is needed."""
LONG_RUN = 4
MATTER = 0.6
"""So much of it must be more than a way of asking."""
FEATURES = ("fit", "second", "evidence", "recall", "letters", "run", "habit", "matter", "foreign")
WEIGHTS = (1.1, 1.4, 2.12, 2.88, 2.53, 1.82, 2.0, 0.76, 0.58)
NONE = 5.23
STRANGE = -1.69
SHARPNESS = 1.2


class Guess(NamedTuple):
    """An intent and how clear the words are about it, 0 to 1. `runner_up` is the next best one."""

    intent: str
    confidence: float
    runner_up: str = ""
    runner_up_confidence: float = 0.0


NOTHING = Guess("", 0.0)
Keys = dict[str, float]


class Fit(NamedTuple):
    """How far two sentences agree: both ways together, the example's share, letters, words in a row."""

    both: float
    recall: float
    letters: float
    run: float


class Example(NamedTuple):
    """One example sentence of an intent, with what it is compared by."""

    intent: str
    language: str
    terms: tuple[Term, ...]
    keys: Keys
    spoken: tuple[str, ...]
    letters: Counter[str]


class Index:
    """The spec's intents, ready to be compared with. Made once per version of a spec."""

    def __init__(self, intents: dict[str, list[str]], spoken: list[str]) -> None:
        self.intents = list(intents)
        self.examples = [
            _example(name, text, languages.detect(text, spoken)) for name, texts in intents.items() for text in texts
        ]
        self.examples += [_example(name, name.replace("_", " "), "en") for name in intents]
        self.spread = Counter(key for name in self.intents for key in _union(self._of(name)))
        self.profiles = {name: _union(self._of(name)) for name in self.intents}
        self.spoken = {
            name: {example.language for example in self.examples if example.intent == name} for name in self.intents
        }
        self.habits = {name: self._habit(name) for name in self.intents}
        self.places: dict[str, list[int]] = {}
        for at, example in enumerate(self.examples):
            for key in example.keys:
                self.places.setdefault(key, []).append(at)
        self.weights = [[self.weight(term) for term in example.terms] for example in self.examples]

    def _of(self, intent: str) -> list[Keys]:
        return [example.keys for example in self.examples if example.intent == intent]

    def _habit(self, intent: str) -> Keys:
        """How large a share of the intent's examples has a key."""
        own = self._of(intent)
        return {key: min(1.0, (sum(key in keys for keys in own) + 0.5) / len(own)) for key in _union(own)}

    def rarity(self, key: str) -> float:
        """How much a key tells one intent from the others, 0 to 1."""
        total = len(self.intents)
        return math.log((total + 1) / max(self.spread[key], 0.5)) / math.log((total + 1) / 0.5)

    def weight(self, term: Term) -> float:
        """What a term counts for."""
        if term.small or not term.keys:
            return SMALL
        known = [(self.rarity(key), key) for key in term.keys if self.spread[key]]
        if not known:
            return UNHEARD * (ASKING if term.asks else 1.0)
        rarity, key = max(known)
        return max(0.15, rarity) * (ASKING if key.startswith("~") else 1.0)

    def hears(self, key: str) -> bool:
        """True when any intent speaks of it."""
        return key in self.spread

    def _heard(self, term: Term) -> bool:
        return any(self.spread[key] for key in term.keys)

    def features(self, text: str, language: str) -> tuple[dict[str, list[float]], float]:
        """Per intent that shares anything with the words what speaks for it, and how much of them no intent has ever heard."""
        spoken = [self._mend(term) for term in terms(text, language)]
        names = _names(text) if not language.startswith("de") else frozenset()
        weights = [
            self.weight(term) * (NAME if term.text in names and not self._heard(term) else 1.0) for term in spoken
        ]
        asked = _example("", text, language)._replace(terms=tuple(spoken), keys=_merged(spoken))
        fits: dict[str, list[Fit]] = {}
        for at in sorted({at for key in asked.keys for at in self.places.get(key, ())}):
            example = self.examples[at]
            fits.setdefault(example.intent, []).append(_fit(asked, weights, example, self.weights[at]))
        strange = sum(w for w, t in zip(weights, spoken, strict=True) if not self._heard(t))
        found = {
            name: [*self._evidence(name, own, asked.terms, weights), float(language not in self.spoken[name])]
            for name, own in fits.items()
        }
        return found, strange / (sum(weights) or 1.0)

    def _evidence(self, name: str, fits: list[Fit], spoken: tuple[Term, ...], weights: list[float]) -> list[float]:
        total = sum(weights) or 1.0
        best = sorted((fit.both for fit in fits), reverse=True)
        covered = sum(w * _best(t.keys, self.profiles[name]) for w, t in zip(weights, spoken, strict=True))
        matter = sum(w * _best(t.matter, self.profiles[name]) for w, t in zip(weights, spoken, strict=True))
        habit = sum(w * _best(t.keys, self.habits[name]) for w, t in zip(weights, spoken, strict=True))
        return [
            best[0],
            best[min(1, len(best) - 1)],
            min(1.0, covered / ENOUGH),
            max(fit.recall for fit in fits),
            max(fit.letters for fit in fits),
            max(fit.run for fit in fits),
            habit / total,
            min(1.0, matter / MATTER),
        ]

    def guess(self, text: str, language: str) -> Guess:
        """The best intent for a few words."""
        found, strange = self.features(text, language)
        scores = {
            name: SHARPNESS * sum(w * x for w, x in zip(WEIGHTS, row, strict=True)) for name, row in found.items()
        }
        if not scores:
            return NOTHING
        whole = math.exp(SHARPNESS * (NONE + STRANGE * strange)) + sum(map(math.exp, scores.values()))
        ranked = sorted(((math.exp(score) / whole, name) for name, score in scores.items()), reverse=True)
        second = ranked[1] if len(ranked) > 1 else (0.0, "")
        return Guess(ranked[0][1], round(ranked[0][0], 3), second[1], round(second[0], 3))

    def _mend(self, term: Term) -> Term:
        """A word that nobody knows may be a misspelt one."""
        if term.small or self._heard(term) or any(key.startswith("~") for key in term.keys):
            return term
        alike, key = closest(term.text, self.spread)
        return term._replace(keys={**term.keys, key: alike}) if alike >= TYPO else term


def _example(intent: str, text: str, language: str) -> Example:
    found = tuple(terms(text, language))
    spoken = words(text)
    return Example(intent, language, found, _merged(found), tuple(spoken), _letters(spoken))


def _letters(spoken: list[str]) -> Counter[str]:
    joined = [f" {word} " for word in spoken if len(word) > 3]
    return Counter(word[at : at + 4] for word in joined for at in range(len(word) - 3))


def _names(text: str) -> frozenset[str]:
    """Words with a capital inside a sentence: they name something, whatever is asked about it."""
    return frozenset(fold(word) for word in re.findall(r"(?<=[\w,] )[A-Z]\w+", text))


def _merged(found: tuple[Term, ...] | list[Term]) -> Keys:
    return _union([term.keys for term in found])


def _union(several: list[Keys]) -> Keys:
    keys: Keys = {}
    for one in several:
        for key, strength in one.items():
            keys[key] = max(keys.get(key, 0.0), strength)
    return keys


def _fit(asked: Example, weights: list[float], example: Example, own: list[float]) -> Fit:
    recall = _share(example.terms, own, asked.keys)
    precision = _share(asked.terms, weights, example.keys)
    return Fit(
        math.sqrt(recall * precision),
        recall,
        _cosine(asked.letters, example.letters),
        _run(asked.spoken, example.spoken),
    )


def _run(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """The longest run of words that both have, of so many as are enough."""
    longest, ends = 0, [0] * (len(other) + 1)
    for word in one:
        ends = [0, *(ends[at] + 1 if word == their else 0 for at, their in enumerate(other))]
        longest = max(longest, *ends)
    return min(1.0, max(0, longest - 1) / LONG_RUN)


def _share(found: tuple[Term, ...], weights: list[float], keys: Keys) -> float:
    return sum(w * _best(term.keys, keys) for w, term in zip(weights, found, strict=True)) / (sum(weights) or 1.0)


def _best(keys: Keys, others: Keys) -> float:
    return max((min(strength, others[key]) for key, strength in keys.items() if key in others), default=0.0)


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    if not one or not other:
        return 0.0
    shared = sum(count * other[part] for part, count in one.items() if part in other)
    return shared / math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))


@lru_cache(maxsize=32)
def _index(_digest: str, intents: tuple[tuple[str, tuple[str, ...]], ...], spoken: tuple[str, ...]) -> Index:
    return Index({name: list(examples) for name, examples in intents}, list(spoken))


def index(spec: Spec) -> Index:
    """The index of a spec's intents."""
    return _index(
        spec.digest,
        tuple((name, tuple(intent.examples)) for name, intent in spec.intents.items()),
        tuple(spec.languages),
    )
