"""The 24 hours after a customer's last word in which anything may be written to them; then only an approved template may.

https://www.twilio.com/docs/whatsapp/key-concepts#customer-service-windows
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from bus.message import Address
from bus.store import Tenant, conversations, log
from bus.store.engine import Transaction
from channels.whatsapp.settings import WINDOW

REMEMBERED = 50_000


class Windows:
    """When each person was last heard, and by which message: in memory for those heard since the start, else from the log."""

    def __init__(self, tenant: Tenant, clock: Callable[[], int]) -> None:
        self._tenant = tenant
        self._clock = clock
        self._heard: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def hear(self, peer: str, at: int, sid: str) -> None:
        """They wrote this message."""
        if at >= self._heard.get(peer, (0, ""))[0]:
            self._heard[peer] = (at, sid)
            self._heard.move_to_end(peer)
        while len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)

    def newest(self, peer: str) -> str:
        """The SID of what they wrote last, "" when that was before the start."""
        return self._heard.get(peer, (0, ""))[1]

    async def heard_at(self, to: Address) -> int:
        """When they last wrote, UTC ms; 0 for never."""
        logged = await self._tenant.read(_heard_at, to)
        return max(self._heard.get(to.peer, (0, ""))[0], logged)

    async def is_open(self, to: Address) -> bool:
        """May anything be written to them now?"""
        return self._clock() - await self.heard_at(to) < WINDOW


def _heard_at(tx: Transaction, to: Address) -> int:
    found = conversations.route(tx, to)
    return log.heard_at(tx, found[0]) if found else 0
