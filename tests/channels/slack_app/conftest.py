"""The desk, wired to the stand-in: the real SDK on one side, signed requests on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bus.errors import Unavailable
from bus.message import Customer, Inbound, Side
from channels.files.courier import Courier
from channels.slack.app import App
from channels.slack.desk import Desk
from channels.slack.settings import DeskSettings, SlackSettings
from demo.slack.people import BILLING, DESK, DESK_GROUP, LENA
from demo.world import Secrets, World, serve
from tests.support import files

NOW = 1_779_271_200_000


@dataclass
class Clock:
    """Milliseconds: one more whenever somebody looks."""

    now: int = NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


@dataclass(frozen=True)
class Answer:
    """What the intake says."""

    new: bool


@dataclass
class Recorder:
    """Stands for the bus's intake: records each key once."""

    inbounds: list[Inbound] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    customers: list[Customer | None] = field(default_factory=list)
    down: bool = False
    seen: int = 0

    async def accept(
        self, inbound: Inbound, *, side: Side, raw: bytes = b"", customer: Customer | None = None
    ) -> Answer:
        if self.down:
            raise Unavailable
        self.seen += 1
        new = all(inbound.key != one.key for one in self.inbounds)
        if new:
            self.inbounds.append(inbound)
            self.sides.append(side)
            self.raws.append(raw)
            self.customers.append(customer)
        return Answer(new)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def intake() -> Recorder:
    return Recorder()


@pytest.fixture
async def world(clock: Clock) -> AsyncIterator[World]:
    numbers, names = count(1), count(1)
    secrets = Secrets.fresh(lambda: f"secret-{next(numbers):02d}-of-the-demo-world-padded")
    made = await serve(clock, secrets, ids=lambda prefix: f"{prefix}{next(names):04d}", retry_scale=0)
    async with made:
        yield made


def slack_settings(world: World, **changes: Any) -> SlackSettings:
    values = {
        "bot_token": world.secrets.slack_bot_token,
        "signing_secret": world.secrets.slack_signing_secret,
        "api_base": f"{world.slack_url}/api/",
        "timeout": 2,
    }
    return SlackSettings.model_validate(values | changes)


def desk_settings(**changes: Any) -> DeskSettings:
    values = {
        "channel": DESK,
        "routes": [{"if": 'category == "billing"', "channel": BILLING}],
        "members": {"usergroup": DESK_GROUP},
        "approvers": {"users": [LENA]},
    }
    return DeskSettings.model_validate(values | changes)


@pytest.fixture
def courier(tmp_path: Path) -> Courier:
    """Files of nobody."""
    return files.courier(tmp_path)


@pytest.fixture
async def desk(world: World, clock: Clock, intake: Recorder, courier: Courier) -> AsyncIterator[Desk]:
    """Serving its webhooks on a port that the workspace knows."""
    app = App(slack_settings(world), intake=intake, clock=clock)
    made = Desk(desk_settings(), app, tenant="default", files=courier, clock=clock)
    served = web.Application()
    served.router.add_routes(app.routes())
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await app.open()
    await made.people(LENA)
    yield made
    await runner.cleanup()
    await app.close()
