"""What a message means, before any tool is picked: requests with their intents, mood, language, urgency, values."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from agent import clauses, entities, intents, sentiment
from agent import language as languages
from agent.clauses import Clause
from agent.intents import NOTHING, Guess
from agent.models.port import Message, Model, ModelFailed, Read, Reading, Request
from agent.spec import Spec
from bus.entries import Understood

BUILT_IN = "built-in"
OWN_MATTER = 0.6
"""From here on a clause has an intent of its own."""
FOLLOWING = 0.88
ANSWERING = 0.95
LONGEST_TEXT = 8_000


class Before(NamedTuple):
    """What the conversation was about: its language, the channel's locale, the episode's last intent, the entities just asked for."""

    language: str = ""
    locale: str = ""
    intent: str = ""
    asked: tuple[str, ...] = ()


NOTHING_BEFORE = Before()


async def read(
    spec: Spec,
    text: str,
    *,
    before: Before = NOTHING_BEFORE,
    lines: tuple[Message, ...] = (),
    model: Model | None = None,
) -> Understood:
    """The message's reading: the model's where there is one and it holds against the spec, the built-in reader's otherwise."""
    built_in = read_built_in(spec, text, before)
    if model is None or not text.strip():
        return built_in
    try:
        answer = await model.understand(reading(spec, text, lines))
    except ModelFailed:
        answer = None
    return checked(spec, text, answer, built_in) if answer else built_in


def reading(spec: Spec, text: str, lines: tuple[Message, ...] = ()) -> Reading:
    """What a model is asked."""
    examples = {name: tuple(intent.examples) for name, intent in spec.intents.items()}
    patterns = {name: entity.pattern or "" for name, entity in spec.entities.items()}
    return Reading(text, lines, examples, patterns, tuple(spec.languages))


def read_built_in(spec: Spec, text: str, before: Before = NOTHING_BEFORE) -> Understood:
    """The deterministic reading."""
    text = text[:LONGEST_TEXT]
    language = languages.detect(text, spec.languages, before.language, before.locale)
    requests = _requests(spec, text, language, before)
    mood = sentiment.score(text, language)
    main = requests[0] if requests else _small_talk(text, language)
    return Understood(
        intent=main.intent,
        sentiment=sentiment.of(mood),
        language=language,
        urgency=sentiment.urgency(text, mood, language),
        entities=_values(spec, text),
        category=spec.category(main.intent),
        confidence=min((request.confidence for request in requests), default=main.confidence),
        requests=tuple(msgspec.to_builtins(request) for request in requests),
        model=BUILT_IN,
    )


def _small_talk(text: str, language: str) -> Request:
    """A message without a request: `greeting` or `thanks`, certain; a mere yes or no has no intent."""
    kinds = [clauses.social(clause.text, language) for clause in clauses.split(text, language)]
    named = next((kind for kind in ("thanks", "greeting") if kind in kinds), "")
    return Request(text, named, ANSWERING if any(kinds) else 0.0)


def _values(spec: Spec, text: str) -> dict[str, Any]:
    return dict(entities.find({name: entity.pattern for name, entity in spec.entities.items()}, text))


class Part(NamedTuple):
    """Neighbouring clauses that are about one thing."""

    clauses: tuple[Clause, ...]
    guess: Guess

    def text(self, message: str) -> str:
        """The customer's words, as written."""
        return message[self.clauses[0].start : self.clauses[-1].end]


def _requests(spec: Spec, text: str, language: str, before: Before) -> tuple[Request, ...]:
    index = intents.index(spec)
    parts: list[Part] = []
    for clause in clauses.split(text, language):
        if not clauses.social(clause.text, language):
            _take(parts, Part((clause,), index.guess(clause.text, language)), index, text, language)
    requests: list[Request] = []
    for part in parts:
        previous = requests[-1].intent if requests else before.intent
        requests.append(_request(spec, part, text, language, previous, before, alone=len(parts) == 1))
    return tuple(requests)


def _take(parts: list[Part], part: Part, index: intents.Index, text: str, language: str) -> None:
    """Adds a clause to the part before it, or as a part of its own."""
    if not parts:
        parts.append(part)
        return
    joined = Part(parts[-1].clauses + part.clauses, NOTHING)
    joined = joined._replace(guess=index.guess(joined.text(text), language))
    if _is_own(parts[-1], part, joined, language):
        parts.append(part)
    else:
        best = max((joined.guess, parts[-1].guess, part.guess), key=lambda guess: guess.confidence)
        parts[-1] = joined._replace(guess=best)


def _is_own(last: Part, part: Part, joined: Part, language: str) -> bool:
    """A second request has an intent of its own that the first does not explain, or carries the matter on to something else."""
    clause = part.clauses[0]
    if (
        part.guess.confidence >= OWN_MATTER
        and last.guess.confidence >= OWN_MATTER
        and part.guess.intent != last.guess.intent
    ):
        return joined.guess.confidence < max(part.guess.confidence, last.guess.confidence)
    return clause.link == "also" and last.guess.confidence >= OWN_MATTER and clauses.has_matter(clause.text, language)


def _request(spec: Spec, part: Part, text: str, language: str, previous: str, before: Before, alone: bool) -> Request:
    words = part.text(text)
    values = _values(spec, words)
    guess = part.guess
    if guess.confidence < OWN_MATTER and previous:
        if (
            alone
            and before.asked
            and (any(name in values for name in before.asked) or not clauses.has_matter(words, language))
        ):
            guess = Guess(previous, ANSWERING)
        elif values or clauses.is_additive(words, language) or part.clauses[0].link == "also":
            guess = Guess(previous, FOLLOWING)
    intent = guess.intent if guess.confidence >= UNKNOWN_BELOW else ""
    return Request(words, intent, guess.confidence, values)


UNKNOWN_BELOW = 0.35


def checked(spec: Spec, text: str, answer: Read, built_in: Understood) -> Understood:
    """A model's reading as far as it holds: declared intents, offered languages, values that were written and fit their pattern."""
    requests = [_checked_request(spec, text, request) for request in answer.requests]
    known = [request for request in requests if request]
    spent = {"model": answer.model, "usage": answer.usage, "cost": answer.cost}
    if not known and answer.requests:
        return msgspec.structs.replace(built_in, usage=answer.usage, cost=answer.cost)
    mood = max(-1.0, min(1.0, answer.sentiment))
    main = known[0] if known else Request(text, built_in.intent if not built_in.requests else "", built_in.confidence)
    return msgspec.structs.replace(
        built_in,
        intent=main.intent,
        sentiment=sentiment.of(mood),
        language=answer.language if answer.language in spec.languages else built_in.language,
        urgency=answer.urgency,
        category=spec.category(main.intent),
        confidence=min((request.confidence for request in known), default=main.confidence),
        requests=tuple(msgspec.to_builtins(request) for request in known),
        **spent,
    )


def _checked_request(spec: Spec, text: str, request: Request) -> Request | None:
    if request.intent and request.intent not in spec.intents:
        return None
    found = _values(spec, text)
    said = {name: _listed(value) for name, value in request.entities.items()}
    values = {name: [value for value in said.get(name, ()) if value in found[name]] for name in found}
    own = _values(spec, request.text)
    kept = {name: values[name] or own.get(name, []) for name in found}
    return msgspec.structs.replace(
        request,
        confidence=max(0.0, min(1.0, request.confidence)),
        entities={name: value for name, value in kept.items() if value},
    )


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
