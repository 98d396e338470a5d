"""How sure the gateway is of a reply: composed of what supports it, never asserted by one part alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.models.port import Passage
from agent.results import Known

TOLD_BY_TOOL = 0.97
SMALL_TALK = 0.95
QUESTION = 0.92
UNSUPPORTED = 0.5
NOTHING_TO_SUPPORT = 0.7
"""Where no knowledge is configured there is none to miss: such words are sent and flagged."""
WORDS_ADD = 0.15


class Composed(NamedTuple):
    """The score, 0 to 1, and its parts."""

    score: float
    parts: dict[str, Any]


def compose(
    results: Sequence[Known],
    passages: Sequence[Passage],
    own: float | None,
    problems: Sequence[str],
    *,
    asks: bool,
    social: bool,
    knows: bool,
) -> Composed:
    """The weakest of: support by results or knowledge, the model's own score, the validator, and the distance to policy."""
    fresh = [known for known in results if known.fresh and known.by_model]
    parts: dict[str, Any] = {
        "support": _support(fresh, passages, asks=asks, social=social, knows=knows),
        "validator": 0.0 if problems else 1.0,
        "policy": _policy(fresh),
    }
    if own is not None:
        parts["model"] = round(own, 3)
    return Composed(round(min(parts.values()), 3), parts)


def _support(fresh: Sequence[Known], passages: Sequence[Passage], *, asks: bool, social: bool, knows: bool) -> float:
    support = [UNSUPPORTED if knows else NOTHING_TO_SUPPORT]
    if any(known.status in ("ok", "asked", "refused", "error") for known in fresh):
        support.append(TOLD_BY_TOOL)
    if passages:
        support.append(min(TOLD_BY_TOOL, max(passage.score for passage in passages) + WORDS_ADD))
    if asks:
        support.append(QUESTION)
    if social:
        support.append(SMALL_TALK)
    return round(max(support), 3)


def _policy(fresh: Sequence[Known]) -> float:
    """A refusal is certain; a failed call that nothing made good is not."""
    failed = [known for known in fresh if known.status == "error"]
    return 0.8 if failed else 1.0
