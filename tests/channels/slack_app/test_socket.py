"""Socket Mode: the same events and presses without a way in, acknowledged once they are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bus.channel import Sending
from bus.message import Address, CaseCard, Outbound
from channels.files.courier import Courier
from channels.slack.app import App
from channels.slack.desk import Desk
from demo.slack.people import DESK, SARA
from demo.world import World
from tests.channels.slack_app.conftest import Clock, Recorder, desk_settings, slack_settings
from tests.channels.slack_app.samples import capsule


@pytest.fixture
async def linked(world: World, clock: Clock, intake: Recorder, courier: Courier) -> AsyncIterator[Desk]:
    app = App(slack_settings(world, app_token=world.secrets.slack_app_token), intake=intake, clock=clock)
    desk = Desk(desk_settings(), app, tenant="default", files=courier, clock=clock)
    await app.open()
    assert world.slack.courier.sockets is not None
    await world.slack.courier.sockets.linked.wait()
    yield desk
    await app.close()


async def opened(desk: Desk) -> str:
    to = Address("default", "desk", "slack", DESK, "case:c1")
    return await desk.send(Sending(Outbound("card:c1", "say", to, CaseCard(capsule())), "att_1"))


async def test_events_and_presses_come_over_the_socket(linked: Desk, world: World, intake: Recorder) -> None:
    root = await opened(linked)
    await world.slack.post_as(SARA, "Hello", thread_ts=root)
    assert (await world.slack.press(SARA, root, "claim")).answers == [200]
    await world.slack.settled()
    assert [(one.kind, one.text) for one in intake.inbounds] == [("message", "Hello"), ("press", "c1")]


async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    linked: Desk, world: World, intake: Recorder
) -> None:
    root = await opened(linked)
    await world.slack.settled()
    assert world.slack.courier.sockets is not None
    world.slack.courier.sockets.patience = 0.2
    intake.down = True
    await world.slack.post_as(SARA, "Hello", thread_ts=root)
    assert world.slack.courier.deliveries[-1].answers == ["timeout"] * 4
    intake.down = False
    await world.slack.post_as(SARA, "Again", thread_ts=root)
    assert [one.text for one in intake.inbounds] == ["Again"]


async def test_it_closes_before_it_has_ever_connected(world: World, clock: Clock, intake: Recorder) -> None:
    app = App(slack_settings(world, app_token="xapp-wrong"), intake=intake, clock=clock)
    await app.open()
    await app.close()
