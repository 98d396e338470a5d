"""Which place at the desk gets a case: conditions over its capsule, first match; a condition that fails does not match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import cel
import msgspec
from cel import Program

from bus.capsule import Capsule

Route = Callable[[Capsule], str]
_LOOP = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*(\w+)\s*,")
_PARTS = ("transcript", "tools", "sources")


def facts(capsule: Capsule) -> dict[str, Any]:
    """What a condition sees: the capsule's fields except the long lists."""
    known = msgspec.structs.asdict(capsule)
    plain = msgspec.to_builtins(
        {name: value for name, value in known.items() if name not in _PARTS}, builtin_types=(Decimal,)
    )
    return {str(name): value for name, value in plain.items()}


def router(routes: Iterable[tuple[str, str]], default: str) -> Route:
    """A route from (condition, place) pairs. Raises ValueError for a condition that does not parse."""
    compiled = [(cel.compile(condition), place) for condition, place in routes]

    def route(capsule: Capsule) -> str:
        values = facts(capsule)
        return next((place for program, place in compiled if _holds(program, values)), default)

    return route


def names() -> list[str]:
    """What a condition may speak of."""
    return [name for name in Capsule.__struct_fields__ if name not in _PARTS]


def unknown_names(condition: str) -> list[str]:
    """Names in the condition that no condition sees: it could never match."""
    known = {*names(), *_LOOP.findall(condition)}
    return [name for name in cel.compile(condition).variables() if name not in known]


def _holds(program: Program, values: dict[str, Any]) -> bool:
    try:
        return program.execute(values) is True
    except (RuntimeError, KeyError, TypeError, ValueError):
        return False
