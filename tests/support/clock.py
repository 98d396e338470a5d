"""Time for tests: one that moves when it is told to, and the real one put forward."""

from __future__ import annotations

from gateway.ids import clock as real_clock

NOW = 1_790_000_000_000


class Clock:
    """UTC ms. Time that moves when it is told to."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """So much later."""
        self.now += int(seconds * 1000)


class Ahead:
    """The real time, and `ahead` ms then some."""

    ahead = 0

    def __call__(self) -> int:
        return real_clock() + self.ahead
