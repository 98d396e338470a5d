"""Arguments for a declared tool, from what the customer wrote and what was looked up. Nothing is invented: what is unknown is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from agent.models.port import Facts, Request, ToolOffer
from agent.words import words


class Filled(NamedTuple):
    """Arguments of one call, and the required ones that nobody knows."""

    args: dict[str, Any]
    missing: tuple[str, ...] = ()


def fill(offer: ToolOffer, request: Request, facts: Facts) -> Iterator[Filled]:
    """One call for each value where a request names several ("A-11111 and A-22222")."""
    properties: dict[str, Any] = offer.parameters.get("properties", {})
    required = tuple(offer.parameters.get("required", ()))
    options = {name: _options(name, schema, request, facts) for name, schema in properties.items()}
    missing = tuple(name for name in required if not options.get(name))
    known = {name: values for name, values in options.items() if values}
    for values in itertools.product(*known.values()):
        yield Filled(dict(zip(known, values, strict=True)), missing)


def _options(name: str, schema: dict[str, Any], request: Request, facts: Facts) -> list[Any]:
    written = _listed(request.entities.get(name))
    if written:
        return written
    if name in facts.known:
        return _listed(facts.known[name])[-1:]
    if "enum" in schema:
        return _chosen(schema["enum"], request.text)
    if "const" in schema:
        return [schema["const"]]
    return [schema["default"]] if "default" in schema else []


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _chosen(options: list[Any], text: str) -> list[Any]:
    """The one option that the customer named."""
    said = words(text)
    named = [option for option in options if isinstance(option, str) and set(words(option)) <= set(said)]
    return named if len(named) == 1 else []
