"""Error and attempt → what is done next, as a table."""

from __future__ import annotations

import pytest

from bus.errors import Permanent, Retryable, Uncertain
from bus.retry import LONGEST, Decision, backoff, decide, wait


def test_the_wait_doubles_to_a_minute() -> None:
    assert [backoff(attempt) for attempt in (0, 1, 2, 3, 7, 8, 1000)] == [500, 500, 1000, 2000, 32_000, 60_000, 60_000]


@pytest.mark.parametrize(
    ("error", "keep", "expected"),
    [
        (Retryable("slow down", after=12), False, Decision("again", 12_000, "slow down")),
        (Retryable("down"), False, Decision("again", 2000, "down")),
        (Retryable("down", after=0), False, Decision("again", 2000, "down")),
        (Uncertain("no answer"), False, Decision("look", 0, "no answer")),
        (TimeoutError("late"), False, Decision("look", 0, "TimeoutError: late")),
        (KeyError("ts"), True, Decision("look", 0, "KeyError: 'ts'")),
        (Permanent("blocked"), False, Decision("fail", 0, "blocked")),
        (Permanent("archived"), True, Decision("again", LONGEST, "archived")),
    ],
)
def test_each_error_has_its_answer(error: Exception, keep: bool, expected: Decision) -> None:
    assert decide(error, 3, keep=keep) == expected


def test_whoever_asks_us_to_wait_is_heard() -> None:
    assert wait(Retryable(after=1.5), 9) == 1500
    assert wait(ConnectionError(), 1) == 500
