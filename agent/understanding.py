"""What a message means, before any tool is picked: requests with their intents, mood, language, urgency, values."""

from __future__ import annotations

from typing import Any

import msgspec

from agent import clauses, entities, sentiment
from agent import language as languages
from agent.models.port import Message, Model, ModelFailed, Read, Reading, Request
from agent.requests import ANSWERING, Before, Requests
from agent.spec import Spec
from bus.entries import Understood

BUILT_IN = "built-in"
LONGEST_TEXT = 8_000
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
    requests = Requests(spec, text, language, before).read()
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
