"""How much one caller may ask for."""

from __future__ import annotations

CROWD = 10_000


class Rate:
    """At most `amount` at once and `amount` per `period` milliseconds, for each key (generic cell rate algorithm)."""

    def __init__(self, period: int) -> None:
        self._period = period
        self._full_at: dict[str, float] = {}

    def wait(self, key: str, amount: int, now: int) -> float:
        """0 when this one is allowed (and counted), else the seconds until it would be."""
        one = self._period / amount
        at = max(self._full_at.get(key, 0), now)
        if at + one - now > self._period:
            return (at + one - now - self._period) / 1000
        if len(self._full_at) >= CROWD:
            self._full_at = {other: until for other, until in self._full_at.items() if until > now}
        self._full_at[key] = at + one
        return 0
