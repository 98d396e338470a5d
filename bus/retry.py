"""Error and attempt → what to do next. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from bus.errors import Permanent, Retryable, Uncertain

LONGEST = 60_000


class Decision(msgspec.Struct, frozen=True):
    """What becomes of a post: `again` in `after` ms, `look` it up first, or `fail` with a reason."""

    what: Literal["again", "look", "fail"]
    after: int = 0
    reason: str = ""


def backoff(attempts: int) -> int:
    """Milliseconds before the next try: 0.5 s doubled each time, at most a minute."""
    return min(500 << min(max(attempts - 1, 0), 20), LONGEST)


def wait(error: Exception, attempts: int) -> int:
    """Milliseconds as the far end asked for them, else our own backoff."""
    told = error.after if isinstance(error, Retryable) else None
    return int(told * 1000) if told else backoff(attempts)


def decide(error: Exception, attempts: int, *, keep: bool = False) -> Decision:
    """`keep`: a desk's root, which is tried until it is too old, since without it nobody would see the case."""
    if isinstance(error, Retryable):
        return Decision("again", wait(error, attempts), str(error))
    if isinstance(error, Uncertain):
        return Decision("look", reason=str(error))
    if isinstance(error, Permanent):
        return Decision("again", LONGEST, error.reason) if keep else Decision("fail", reason=error.reason)
    return Decision("look", reason=f"{type(error).__name__}: {error}")
