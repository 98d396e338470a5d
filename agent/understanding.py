"""What a message means, before any tool is picked: requests with their intents, mood, language, urgency, values."""

from __future__ import annotations

from typing import Any

import msgspec

from agent import clauses, intents, sentiment
from agent import language as languages
from agent.models.port import Message, Model, ModelFailed, Read, Reading, Request
from agent.requests import ANSWERING, Before, Requests
from agent.spec import Spec
from bus.entries import Understood

__all__ = ["Before", "checked", "read", "read_built_in", "reading", "warm"]
BUILT_IN = "built-in"
LONGEST_TEXT = 4_000
"""Characters that are read: more than any channel but e-mail lets a customer write at once."""
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
    return checked(spec, text, answer, built_in, before) if answer else built_in


def warm(spec: Spec) -> None:
    """Loads tables and the detector's model (0.2 s) and indexes the spec, so that no customer waits for it."""
    languages.warm()
    intents.index(spec)


def reading(spec: Spec, text: str, lines: tuple[Message, ...] = ()) -> Reading:
    """What a model is asked."""
    examples = {name: tuple(intent.examples) for name, intent in spec.intents.items()}
    patterns = {name: entity.pattern or "" for name, entity in spec.entities.items()}
    return Reading(text, lines, examples, patterns, tuple(spec.languages))


def read_built_in(spec: Spec, text: str, before: Before = NOTHING_BEFORE) -> Understood:
    """The deterministic reading."""
    text = text[:LONGEST_TEXT]
    language = languages.detect(text, spec.languages, before.language, before.locale)
    reader = Requests(spec, text, language, before)
    requests = reader.read()
    mood = sentiment.score(text, language)
    main = requests[0] if requests else _small_talk(text, language)
    return Understood(
        intent=main.intent,
        sentiment=sentiment.of(mood),
        language=language,
        urgency=sentiment.urgency(text, mood, language),
        entities=dict(reader.values(text)),
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


def checked(spec: Spec, text: str, answer: Read, built_in: Understood, before: Before = NOTHING_BEFORE) -> Understood:
    """A model's reading as far as it holds: declared intents, offered languages, values that were written and fit their pattern."""
    language = answer.language if answer.language in spec.languages else built_in.language
    reader = Requests(spec, text, language, before)
    requests = [_checked(reader, request) for request in answer.requests if request.intent in ("", *spec.intents)]
    if answer.requests and not requests:
        return msgspec.structs.replace(built_in, usage=answer.usage, cost=answer.cost)
    main = requests[0] if requests else _small_talk(text, language)
    return msgspec.structs.replace(
        built_in,
        intent=main.intent,
        sentiment=sentiment.of(max(-1.0, min(1.0, answer.sentiment))),
        language=language,
        urgency=answer.urgency,
        category=spec.category(main.intent),
        confidence=min((request.confidence for request in requests), default=main.confidence),
        requests=tuple(msgspec.to_builtins(request) for request in requests),
        model=answer.model,
        usage=answer.usage,
        cost=answer.cost,
    )


def _checked(reader: Requests, request: Request) -> Request:
    """The request with the values that its words hold, else those of the model that stand in the message."""
    written, own = reader.values(reader.text), reader.values(request.text)
    meant = {
        name: [value for value in _listed(values) if _stands(reader, name, value, written)]
        for name, values in request.entities.items()
    }
    values = {name: own.get(name) or meant.get(name, []) for name in reader.patterns}
    confidence = max(0.0, min(1.0, request.confidence))
    return Request(request.text, request.intent, confidence, {name: found for name, found in values.items() if found})


def _stands(reader: Requests, name: str, value: str, written: dict[str, list[str]]) -> bool:
    if reader.patterns.get(name):
        return value in written.get(name, ())
    return name in reader.patterns and value.casefold() in reader.text.casefold()


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
