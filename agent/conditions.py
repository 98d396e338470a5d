"""CEL conditions over recorded values. Whatever cannot be evaluated for certain is `Undecidable`; callers take the stricter answer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import cel

LARGEST = 2**63 - 1


class Undecidable(Exception):
    """The condition has no certain answer."""


@lru_cache(maxsize=4096)
def compiled(condition: str) -> tuple[cel.Program, frozenset[str]]:
    """The program and the names it uses. Raises ValueError for text that is not CEL."""
    program = cel.compile(condition)
    return program, frozenset(program.variables())


def names(condition: str | None) -> frozenset[str]:
    """The names a condition uses."""
    return compiled(condition)[1] if condition is not None else frozenset()


def holds(condition: str, variables: Mapping[str, Any]) -> bool:
    """True or False. Raises Undecidable: unknown name, missing field, wrong type, a number that a double cannot hold."""
    program, used = compiled(condition)
    try:
        answer = program.execute({name: _exact(variables[name]) for name in used if name in variables})
    except (ValueError, TypeError, RuntimeError, KeyError, IndexError, OverflowError, ArithmeticError) as error:
        raise Undecidable(f"{condition}: {_brief(error)}") from error
    if not isinstance(answer, bool):
        raise Undecidable(f"{condition}: not a yes or no")
    return answer


def _exact(value: Any) -> Any:
    """The value as CEL takes it. Money stays exact: a Decimal becomes a double only if the double says the same number."""
    if isinstance(value, dict):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, Decimal | float):
        return _exact_double(value if isinstance(value, Decimal) else Decimal(str(value)))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        raise ValueError("a whole number beyond 64 bits")
    return value


def _exact_double(value: Decimal) -> float:
    double = float(value)
    if not value.is_finite() or Decimal(repr(double)) != value:
        raise ValueError("a number that a double cannot hold")
    return double


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:160]
