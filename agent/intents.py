"""Which of the spec's intents a few words are about: by shared stems, shared meanings, and letters where a word is misspelt."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from agent import language as languages
from agent.spec import Spec
from agent.words import fold, stem, stopwords, words
from agent.words.meanings import Meaning, meanings

ASKING = 0.45
SMALL = 0.08
UNHEARD = 0.55
TYPO = 0.55


class Term(NamedTuple):
    """One word or phrase of a text; `keys` are its stem and its meanings, each with how surely it stands for them."""

    text: str
    keys: dict[str, float]
    small: bool = False


class Guess(NamedTuple):
    """An intent and how clear the words are about it, 0 to 1. `runner_up` is the next best one."""

    intent: str
    confidence: float
    runner_up: str = ""
    runner_up_confidence: float = 0.0


NOTHING = Guess("", 0.0)


def terms(text: str, language: str) -> list[Term]:
    """The words of a text with what they may stand for; the words of a phrase come together."""
    spoken = words(text)
    found: dict[int, list[Meaning]] = {}
    for meaning in meanings(spoken, language):
        found.setdefault(meaning.start, []).append(meaning)
    small = stopwords(language)
    taken: list[Term] = []
    at = 0
    while at < len(spoken):
        here = found.get(at, [])
        length = max((meaning.length for meaning in here), default=1)
        taken.append(_term(spoken[at : at + length], here, found, at, language, small))
        at += length
    return taken


def _term(
    spoken: list[str],
    here: list[Meaning],
    found: dict[int, list[Meaning]],
    at: int,
    language: str,
    small: frozenset[str],
) -> Term:
    keys: dict[str, float] = {}
    longest = len(spoken)
    for offset in range(1, longest):
        for inner in found.get(at + offset, ()):
            keys[inner.name] = max(keys.get(inner.name, 0.0), 0.5)
    for meaning in here:
        keys[meaning.name] = 1.0 if meaning.length == longest else 0.5
    plain = [word for word in spoken if word not in small]
    for word in plain:
        keys[stem(word, language)] = 1.0 if len(spoken) == 1 else 0.5
    return Term(" ".join(spoken), keys, small=not plain and not here)


class Example(NamedTuple):
    """One example sentence of an intent."""

    intent: str
    terms: tuple[Term, ...]


class Index:
    """The spec's intents, ready to be compared with. Made once per version of a spec."""

    def __init__(self, intents: dict[str, list[str]], spoken: list[str]) -> None:
        self.intents = list(intents)
        self.examples = [
            Example(name, tuple(terms(text, _language(text, spoken))))
            for name, texts in intents.items()
            for text in texts
        ]
        self.examples += [Example(name, tuple(terms(name.replace("_", " "), "en"))) for name in intents]
        self.spread = Counter(key for name in self.intents for key in self._keys_of(name))
        self.profiles = {name: self._profile(name) for name in self.intents}

    def _keys_of(self, intent: str) -> set[str]:
        return {
            key for example in self.examples if example.intent == intent for term in example.terms for key in term.keys
        }

    def _profile(self, intent: str) -> dict[str, float]:
        profile: dict[str, float] = {}
        for example in self.examples:
            if example.intent == intent:
                for term in example.terms:
                    for key, strength in term.keys.items():
                        profile[key] = max(profile.get(key, 0.0), strength)
        return profile

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
            return UNHEARD * (ASKING if all(key.startswith("~") for key in term.keys) else 1.0)
        rarity, key = max(known)
        return max(0.15, rarity) * (ASKING if key.startswith("~") else 1.0)

    def guess(self, text: str, language: str) -> Guess:
        """The best intent for a few words."""
        spoken = [self._mend(term) for term in terms(text, language)]
        scored = sorted(((self._score(spoken, name), name) for name in self.intents), reverse=True)
        if not scored or scored[0][0] <= 0:
            return NOTHING
        best, second = scored[0], scored[1] if len(scored) > 1 else (0.0, "")
        return Guess(best[1], _confidence(best[0], second[0]), second[1], _confidence(second[0], best[0]))

    def _mend(self, term: Term) -> Term:
        """A word that nobody knows may be a misspelt one."""
        if (
            term.small
            or any(self.spread[key] for key in term.keys)
            or any(key in MEANT for key in term.keys)
            or len(term.text) < 5
        ):
            return term
        close = max(
            ((likeness(term.text, key), key) for key in self.spread if not key.startswith("~")), default=(0.0, "")
        )
        return term._replace(keys={**term.keys, close[1]: close[0]}) if close[0] >= TYPO else term

    def _score(self, spoken: list[Term], intent: str) -> float:
        weights = [self.weight(term) for term in spoken]
        total = sum(weights) or 1.0
        profile = self.profiles[intent]
        covered = sum(w * _best(term.keys, profile) for w, term in zip(weights, spoken, strict=True))
        keys: dict[str, float] = {}
        for term in spoken:
            for key, strength in term.keys.items():
                keys[key] = max(keys.get(key, 0.0), strength)
        fit = max(self._fit(example, keys, spoken, weights) for example in self.examples if example.intent == intent)
        return 0.5 * fit + 0.3 * min(1.0, covered / 1.2) + 0.2 * covered / total

    def _fit(self, example: Example, keys: dict[str, float], spoken: list[Term], weights: list[float]) -> float:
        mine: dict[str, float] = {}
        for term in example.terms:
            mine.update(term.keys)
        whole = sum(self.weight(term) for term in example.terms) or 1.0
        recall = sum(self.weight(term) * _best(term.keys, keys) for term in example.terms) / whole
        precision = sum(w * _best(t.keys, mine) for w, t in zip(weights, spoken, strict=True)) / (sum(weights) or 1.0)
        return math.sqrt(recall * precision) if recall and precision else 0.0


MEANT: frozenset[str] = frozenset()


def _best(keys: dict[str, float], others: dict[str, float]) -> float:
    return max((min(strength, others[key]) for key, strength in keys.items() if key in others), default=0.0)


def _confidence(best: float, second: float) -> float:
    """How clear it is: much of the words explained, and little of them by the next intent."""
    clear = 1 / (1 + math.exp(-9 * (best - 0.36)))
    margin = (best - second) / best if best > 0 else 0.0
    return round(max(0.0, min(0.99, clear * (0.72 + 0.9 * min(margin, 0.3)))), 3)


@lru_cache(maxsize=4000)
def likeness(one: str, other: str) -> float:
    """How alike two words look: shared trigrams (Dice)."""
    if abs(len(one) - len(other)) > 3:
        return 0.0
    first, second = _trigrams(one), _trigrams(other)
    shared = sum((first & second).values())
    return 2 * shared / (sum(first.values()) + sum(second.values()))


def _trigrams(word: str) -> Counter[str]:
    padded = f"  {fold(word)} "
    return Counter(padded[at : at + 3] for at in range(len(padded) - 2))


def _language(text: str, spoken: list[str]) -> str:
    return languages.detect(text, spoken)


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
