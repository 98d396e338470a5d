"""Not faster than a platform wants it: so many a second from one account, and a while between two messages to one address."""

from __future__ import annotations

from collections.abc import Callable

from bus.channel import Limits

BURST = 1_000  # ms that an account which was silent may be ahead of its pace
MANY = 10_000


class Pace:
    """Counts what is let through. `clock` in ms. Addresses that have waited long enough are forgotten."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._accounts: dict[str, float] = {}
        self._addresses: dict[str, float] = {}

    def delay(self, channel: str, address: str, limits: Limits) -> int:
        """Milliseconds to wait; 0: go now, and it is counted. The virtual scheduling of ITU-T I.371, per account and per address."""
        now = self._clock()
        account = max(self._accounts.get(channel, 0.0), now - BURST)
        wait = max(account - now if limits.per_second else 0.0, self._addresses.get(address, 0.0) - now)
        if wait > 0:
            return int(wait) + 1
        if limits.per_second:
            self._accounts[channel] = account + 1000 / limits.per_second
        if limits.apart:
            self._forget(now)
            self._addresses[address] = now + limits.apart
        return 0

    def _forget(self, now: int) -> None:
        if len(self._addresses) >= MANY:
            self._addresses = {address: until for address, until in self._addresses.items() if until > now}
