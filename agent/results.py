"""What the tools of this episode have answered, and which answer a condition may stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from agent.spec import Spec
from bus.canonical import normal
from bus.entries import Recorded, ToolAnswered

MAX_AGE = 15 * 60_000


class Known(msgspec.Struct, frozen=True):
    """A recorded answer. `at` in UTC ms; `fresh` when it came in this turn; `by_model`: asked for by the model, not by the gateway.

    `made`: a writing call that went out in this turn.
    """

    tool: str
    args: dict[str, Any]
    status: str
    result: Any
    at: int
    fresh: bool = False
    because: str = ""
    by_model: bool = False
    made: bool = False


def recorded(lines: Iterable[Recorded]) -> list[Known]:
    """The answers in these lines, oldest first."""
    answers = ((line.at, line.entry) for line in lines if isinstance(line.entry, ToolAnswered))
    return [Known(entry.tool, entry.args, entry.status, entry.result, at) for at, entry in answers]


def newest(
    results: Sequence[Known], spec: Spec, tool: str, args: Mapping[str, Any], now: int, max_age: int | None = None
) -> Known | None:
    """The newest ok result of `tool`, young enough, whose arguments equal `args` on every shared name."""
    ages = [age for age in (spec.tools[tool].max_age if tool in spec.tools else None, max_age) if age is not None]
    oldest = now - min(ages, default=MAX_AGE)
    fitting = (
        known
        for known in reversed(results)
        if known.tool == tool
        and known.status == "ok"
        and (known.fresh or known.at >= oldest)
        and agree(known.args, args)
    )
    return next(fitting, None)


def agree(these: Mapping[str, Any], those: Mapping[str, Any]) -> bool:
    """True when no name that both have differs."""
    return all(normal(these[name]) == normal(those[name]) for name in these if name in those)


def profile(results: Sequence[Known], context: Sequence[str]) -> dict[str, Any]:
    """The customer's profile: the fields that the context tools have answered, the spec's later ones over its earlier ones."""
    found: dict[str, Any] = {}
    for name in context:
        answers = [known.result for known in results if known.tool == name and known.status == "ok"]
        found |= answers[-1] if answers and isinstance(answers[-1], dict) else {}
    return found
