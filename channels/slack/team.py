"""Who may do what at the desk. Anything that cannot be found out gives no roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from bus.channel import Person
from bus.errors import GatewayError
from channels.slack.connection import Connection, Json
from channels.slack.settings import DeskSettings, Group

FRESH = 60_000
logger = structlog.get_logger(__name__)


class Team:
    """Names and roles, asked of Slack and kept for a minute. `clock` in ms."""

    def __init__(self, settings: DeskSettings, connection: Connection, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._connection = connection
        self._clock = clock
        self._people: dict[str, tuple[int, Person]] = {}
        self._groups: dict[str, tuple[int, frozenset[str]]] = {}
        self._failures = 0

    def reconfigure(self, settings: DeskSettings) -> None:
        """From now on, these people."""
        self._settings = settings
        self._people.clear()
        self._groups.clear()

    def status(self) -> dict[str, Any]:
        """What operators see."""
        return {"people_failures": self._failures}

    async def person(self, user: str) -> Person:
        """Never fails: who cannot be looked up has no roles."""
        at, known = self._people.get(user, (0, None))
        if known is not None and abs(self._clock() - at) < FRESH:
            return known
        asked = self._clock()
        try:
            person = await self._look_up(user)
        except GatewayError as error:
            self._failures += 1
            logger.warning("slack.person_unknown", user=user, error=str(error))
            return Person(user, known.name if known else user)
        self._people[user] = (asked, person)
        return person

    async def _look_up(self, user: str) -> Person:
        us = await self._connection.identity()
        told = (await self._connection.read("users.info", user=user)).get("user")
        profile = told if isinstance(told, dict) else {}
        roles = await self._roles(user) if is_colleague(profile, us.team) else frozenset()
        return Person(user, name_of(profile) or user, _picture(profile), roles)

    async def _roles(self, user: str) -> frozenset[str]:
        members, approvers = self._settings.members, self._settings.approvers
        member = members is None or await self._belongs(user, members)
        approver = approvers is not None and await self._belongs(user, approvers)
        return frozenset(role for role, has in (("member", member), ("approver", approver)) if has)

    async def _belongs(self, user: str, group: Group) -> bool:
        return user in (group.users or ()) if group.usergroup is None else user in await self._users(group.usergroup)

    async def _users(self, usergroup: str) -> frozenset[str]:
        at, known = self._groups.get(usergroup, (0, frozenset()))
        if usergroup in self._groups and abs(self._clock() - at) < FRESH:
            return known
        asked = self._clock()
        users = (await self._connection.read("usergroups.users.list", usergroup=usergroup)).get("users")
        self._groups[usergroup] = (asked, frozenset(map(str, users if isinstance(users, list) else ())))
        return self._groups[usergroup][1]


def is_colleague(user: Json, team: str) -> bool:
    """A full member of our own workspace: no bot, guest, stranger from another company, or somebody who left."""
    if any(user.get(flag) for flag in ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")):
        return False
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, dict) else None
    at_home = user.get("team_id", team) == team or (isinstance(teams, list) and team in teams)
    return bool(team and user.get("id")) and user.get("id") != "USLACKBOT" and at_home


def name_of(user: Json) -> str:
    """The name that people know them by, "" for none."""
    profile = user.get("profile")
    inner = profile.get("real_name") if isinstance(profile, dict) else ""
    return str(user.get("real_name") or inner or user.get("name") or "")


def _picture(user: Json) -> str:
    profile = user.get("profile")
    return str(profile.get("image_192") or "") if isinstance(profile, dict) else ""
