"""Not faster than a platform wants it, whatever it counts: a whole account, a group, a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bus.channel import Rate

MANY = 10_000
Counted = tuple[str, str]
"""(channel, the name of what counts together there)."""


class Pace:
    """Counts what is let through. `clock` in ms. What has waited long enough is forgotten."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._full_at: dict[Counted, float] = {}
        self._held_until: dict[Counted, float] = {}

    def delay(self, channel: str, rates: Mapping[str, Rate]) -> int:
        """Milliseconds to wait; 0: go now, and it is counted wherever it counts. The virtual scheduling of ITU-T I.371."""
        now = self._clock()
        counted = {(channel, name): rate for name, rate in rates.items()}
        full_at = {
            one: max(self._full_at.get(one, 0.0), now) + rate.period / rate.amount for one, rate in counted.items()
        }
        free_at = [max(full_at[one] - rate.period, self._held_until.get(one, 0.0)) for one, rate in counted.items()]
        wait = max(free_at, default=0.0) - now
        if wait > 0:
            return int(wait) + 1
        self._forget(now)
        self._full_at |= full_at
        return 0

    def hold(self, channel: str, rates: Mapping[str, Rate], wait: float) -> None:
        """The platform asks for so many ms: the narrowest of what counts waits, and all that goes there."""
        for name in [*rates][-1:]:
            self._held_until[channel, name] = self._clock() + wait

    def _forget(self, now: int) -> None:
        if len(self._full_at) >= MANY:
            self._full_at = {counted: at for counted, at in self._full_at.items() if at > now}
            self._held_until = {counted: at for counted, at in self._held_until.items() if at > now}
