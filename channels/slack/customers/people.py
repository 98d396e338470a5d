"""Who writes to us: the name, and whether they are of this workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from bus.errors import GatewayError, Permanent, Unavailable
from channels.slack.connection import Connection
from channels.slack.endpoint import SLACK_WAITS
from channels.slack.team import is_colleague, name_of

FRESH = 600_000
CROWD = 10_000


class Member(msgspec.Struct, frozen=True):
    """`ours` False: a guest, somebody of another company, a bot, or nobody that Slack knows. `human` False: not to be spoken to."""

    name: str = ""
    ours: bool = False
    human: bool = False


class People:
    """Asked of Slack and kept for ten minutes. `clock` in ms."""

    def __init__(self, connection: Connection, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._clock = clock
        self._known: dict[str, tuple[int, Member]] = {}

    async def member(self, user: str) -> Member:
        """Raises Unavailable while Slack does not say: the event is told again."""
        at, known = self._known.get(user, (0, None))
        if known is not None and abs(self._clock() - at) < FRESH:
            return known
        try:
            member = await asyncio.wait_for(self._look_up(user), SLACK_WAITS)
        except Permanent:
            return Member()
        except (GatewayError, TimeoutError) as error:
            if known is not None:
                return known
            raise Unavailable("Slack does not say who this is") from error
        if len(self._known) >= CROWD:
            self._known.clear()
        self._known[user] = (self._clock(), member)
        return member

    async def _look_up(self, user: str) -> Member:
        us = await self._connection.identity()
        told = (await self._connection.read("users.info", user=user)).get("user")
        profile = told if isinstance(told, dict) else {}
        return Member(name_of(profile), is_colleague(profile, us.team), bool(profile) and not profile.get("is_bot"))
