"""Only full members of our own workspace have roles, and only those the configuration gives them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bus.channel import Person
from channels.slack.connection import Connection
from channels.slack.settings import DeskSettings, SlackSettings
from channels.slack.team import Team, is_colleague
from demo.slack.people import (
    BEN,
    CUSTOMER,
    DESK_GROUP,
    GUEST,
    LEFT,
    LENA,
    OTHER_BOT,
    SARA,
    STRANGER,
    TEAM,
)
from demo.world import World
from tests.channels.slack_app.conftest import Clock, desk_settings, slack_settings

EVERYBODY = (SARA, BEN, LENA, CUSTOMER, GUEST, STRANGER, LEFT, OTHER_BOT, "U0NOBODY01", "USLACKBOT", "")


async def roles(world: World, clock: Clock, **settings: Any) -> dict[str, set[str]]:
    connection = Connection(slack_settings(world))
    team = Team(desk_settings(**settings), connection, clock)
    found = {user: set((await team.person(user)).roles) for user in EVERYBODY}
    await connection.close()
    return {user: has for user, has in found.items() if has}


async def test_roles_by_group_and_by_name(world: World, clock: Clock) -> None:
    found = await roles(
        world, clock, members={"usergroup": DESK_GROUP}, approvers={"users": [LENA, GUEST, STRANGER, LEFT]}
    )
    assert found == {SARA: {"member"}, BEN: {"member"}, LENA: {"approver"}}


async def test_members_left_out_means_everybody_of_the_workspace(world: World, clock: Clock) -> None:
    found = await roles(world, clock, members=None, approvers={"usergroup": DESK_GROUP})
    assert found == {SARA: {"member", "approver"}, BEN: {"member", "approver"}, LENA: {"member"}, CUSTOMER: {"member"}}


@pytest.mark.parametrize("approvers", [None, {"users": []}])
async def test_no_approvers_means_nobody(world: World, clock: Clock, approvers: Any) -> None:
    assert all("approver" not in has for has in (await roles(world, clock, approvers=approvers)).values())


async def test_an_empty_members_list_means_nobody(world: World, clock: Clock) -> None:
    assert SARA not in await roles(world, clock, members={"users": []})


async def test_an_unknown_group_gives_nobody_a_role(world: World, clock: Clock) -> None:
    assert await roles(world, clock, members={"usergroup": "S0GONE"}) == {}


async def test_while_slack_is_down_nobody_has_a_role(world: World, clock: Clock) -> None:
    world.slack.faults.down = True
    assert await roles(world, clock) == {}


async def test_who_was_removed_has_no_role_a_minute_later(world: World, clock: Clock) -> None:
    connection = Connection(slack_settings(world))
    team = Team(desk_settings(), connection, clock)
    assert "member" in (await team.person(SARA)).roles
    world.slack.groups[DESK_GROUP].remove(SARA)
    assert "member" in (await team.person(SARA)).roles  # kept for a minute
    clock.now += 61_000
    assert (await team.person(SARA)).roles == frozenset()
    await connection.close()


async def test_what_was_known_does_not_outlive_its_minute_when_slack_is_down(world: World, clock: Clock) -> None:
    connection = Connection(slack_settings(world))
    team = Team(desk_settings(), connection, clock)
    await team.person(SARA)
    clock.now += 61_000
    world.slack.faults.down = True
    assert await team.person(SARA) == Person(SARA, "Sara Lindqvist")
    assert team.status() == {"people_failures": 1}
    await connection.close()


async def test_a_person_is_asked_for_once_a_minute(world: World, clock: Clock) -> None:
    connection = Connection(slack_settings(world))
    team = Team(desk_settings(), connection, clock)
    first = await team.person(SARA)
    world.slack.faults.down = True
    assert await team.person(SARA) == first
    assert (first.name, first.avatar.startswith("http")) == ("Sara Lindqvist", True)
    await connection.close()


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, True),
        ({"deleted": True}, False),
        ({"is_bot": True}, False),
        ({"is_restricted": True}, False),
        ({"is_ultra_restricted": True}, False),
        ({"is_stranger": True}, False),
        ({"team_id": "T2"}, False),
        ({"team_id": ""}, False),
        ({"team_id": None}, False),
        ({"team_id": "T2", "enterprise_user": {"teams": ["T1"]}}, True),
        ({"team_id": "T2", "enterprise_user": {"teams": "T1"}}, False),
        ({"id": "USLACKBOT"}, False),
        ({"id": ""}, False),
    ],
)
def test_who_is_a_colleague(user: dict[str, Any], expected: bool) -> None:
    assert is_colleague({"id": "U1", "team_id": "T1"} | user, "T1") is expected


def test_without_our_own_team_nobody_is() -> None:
    assert not is_colleague({"id": "U1", "team_id": ""}, "")
    assert TEAM


def test_settings_refuse_what_they_do_not_know() -> None:
    for bad in ({"usergroup": "S1", "users": ["U1"]}, {}, {"group": "S1"}):
        with pytest.raises(ValidationError):
            DeskSettings.model_validate({"channel": "C1", "members": bad})
    worses: list[dict[str, Any]] = [
        {"approver": {"users": []}},
        {"routes": [{"if": "reason ==", "channel": "C2"}]},
        {"channel": ""},
    ]
    for worse in worses:
        with pytest.raises(ValidationError):
            DeskSettings.model_validate({"channel": "C1"} | worse)


def test_secrets_never_print_and_may_be_several() -> None:
    settings = SlackSettings.model_validate({"bot_token": "xoxb-1", "signing_secret": ["new", "old"], "app_token": ""})
    assert "xoxb-1" not in repr(settings)
    assert [secret.get_secret_value() for secret in settings.signing_secret] == ["new", "old"]
    assert settings.app_token is None
    bads: list[dict[str, Any]] = [
        {"bot_token": ""},
        {"signing_secret": ""},
        {"signing_secret": []},
        {"signing_secret": ["new", " "]},
    ]
    for bad in bads:
        with pytest.raises(ValidationError):
            SlackSettings.model_validate({"bot_token": "xoxb-1", "signing_secret": "s"} | bad)
