"""Forged, old, broken, repeated and foreign requests: each gets its answer, and only Slack's own are stored."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from channels import webhook
from channels.slack.desk import Desk
from channels.slack.endpoint import signed
from demo.slack.events import signature
from demo.slack.people import DESK, OTHER_TEAM, SARA, TEAM
from demo.world import World
from tests.channels.slack_app.conftest import NOW, Clock, Recorder
from tests.channels.slack_app.test_incoming import envelope, event, press

EVENT = json.dumps(envelope(event(channel=DESK)) | {"team_id": TEAM}).encode()


class Caller:
    """Posts to the webhooks as Slack does, or as somebody else would."""

    def __init__(self, http: aiohttp.ClientSession, world: World) -> None:
        self._http, self._world = http, world

    async def post(
        self, body: bytes, path: str = "events", *, at: str = str(NOW // 1000), secret: str = "", **headers: str
    ) -> tuple[int, str]:
        """(status, body). Signed with the app's secret unless another is given; `headers` replace Slack's."""
        sign = signature(secret or self._world.secrets.slack_signing_secret, at, body)
        ours = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": sign} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = f"{self._world.gateway_url}/webhooks/slack/{path}"
        async with self._http.post(
            url, data=io.BytesIO(body), headers={name: value for name, value in ours.items() if value}
        ) as answer:
            return answer.status, await answer.text()

    async def press(self, payload: dict[str, Any] | str) -> int:
        """A press, in the form that Slack uses."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return (await self.post(urlencode({"payload": text}).encode(), "interactive"))[0]


@pytest.fixture
async def caller(desk: Desk, world: World) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as http:
        yield Caller(http, world)


async def test_a_signed_event_is_stored_and_answered(caller: Caller, intake: Recorder) -> None:
    assert await caller.post(EVENT) == (200, "")
    assert [one.text for one in intake.inbounds] == ["Hello"]
    assert intake.raws == [EVENT]


@pytest.mark.parametrize("path", ["events", "interactive"])
async def test_nothing_unsigned_is_stored(caller: Caller, intake: Recorder, path: str) -> None:
    bodies = [EVENT, b"ssl_check=1&token=x&payload=" + EVENT, b"", b"\xff\xfe"]
    for body in bodies:
        assert (await caller.post(body, path, secret="somebody-else"))[0] == 401
        assert (await caller.post(body, path, X_Slack_Signature=""))[0] == 401
        assert (await caller.post(body, path, X_Slack_Request_Timestamp=""))[0] == 401
    assert intake.inbounds == []


async def test_a_form_without_a_press_is_malformed(caller: Caller) -> None:
    assert (await caller.post(b"&".join([b"a=1"] * 50), "interactive"))[0] == 400
    assert (await caller.post(b"other=1", "interactive"))[0] == 400


async def test_a_body_that_never_ends_is_let_go(
    caller: Caller, world: World, intake: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PATIENCE", 0.05)
    host, port = world.gateway_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /webhooks/slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{}")
    assert (await reader.readline()).split()[1] == b"408"
    writer.close()
    assert intake.inbounds == []


async def test_the_same_event_three_times_has_one_effect(caller: Caller, intake: Recorder) -> None:
    answers = [await caller.post(EVENT, X_Slack_Retry_Num=str(number)) for number in range(3)]
    assert answers == [(200, "")] * 3
    assert (len(intake.inbounds), intake.seen) == (1, 3)


async def test_a_mention_and_its_message_have_one_effect(caller: Caller, intake: Recorder) -> None:
    mention = json.dumps(
        envelope(event(channel=DESK, type="app_mention")) | {"team_id": TEAM, "event_id": "Ev2"}
    ).encode()
    assert [(await caller.post(body))[0] for body in (EVENT, mention)] == [200, 200]
    assert len(intake.inbounds) == 1


async def test_a_signed_ssl_check_runs_nothing(caller: Caller, intake: Recorder) -> None:
    payload = urlencode({"payload": json.dumps(press())}).encode()
    for path in ("events", "interactive"):
        assert await caller.post(b"ssl_check=1&token=x&" + payload, path) == (200, "")
    assert intake.inbounds == []


async def test_the_challenge_is_answered_only_when_signed(caller: Caller) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode()
    assert await caller.post(body) == (200, '{"challenge": "3eZbrw1a"}')
    assert (await caller.post(body, secret="somebody-else"))[0] == 401


@pytest.mark.parametrize("team", [OTHER_TEAM, "", None])
async def test_another_workspace_is_refused(caller: Caller, intake: Recorder, team: str | None) -> None:
    assert (await caller.post(json.dumps(envelope(event(channel=DESK)) | {"team_id": team}).encode()))[0] == 403
    assert await caller.press(press(channel={"id": DESK}, team={"id": team or ""})) == 403
    assert intake.inbounds == []


async def test_while_slack_does_not_say_who_we_are_its_signature_counts(
    caller: Caller, world: World, desk: Desk, intake: Recorder
) -> None:
    desk._connection._identity = None
    world.slack.faults.down = True
    assert (await caller.post(EVENT))[0] == 200
    assert len(intake.inbounds) == 1


async def test_a_press_is_stored_without_fetching_anything_it_names(
    caller: Caller, world: World, intake: Recorder
) -> None:
    told = press(channel={"id": DESK}, team={"id": TEAM}, response_url=f"{world.slack_url}/api/evil")
    assert await caller.press(told) == 200
    assert [(one.kind, one.button, one.text) for one in intake.inbounds] == [("press", "claim", "c1")]


async def test_the_store_being_down_is_said(caller: Caller, intake: Recorder) -> None:
    intake.down = True
    assert (await caller.post(EVENT))[0] == 503


async def test_counters_tell_what_happened(caller: Caller, desk: Desk) -> None:
    await caller.post(EVENT)
    await caller.post(EVENT)
    await caller.post(EVENT, secret="somebody-else")
    await caller.post(json.dumps(envelope(event(channel="C9")) | {"team_id": TEAM}).encode())
    assert desk.status()["counts"] == {"accepted": 1, "duplicate": 1, "rejected_401": 1, "dropped": 1}
    assert SARA not in str(desk.status())


def test_slacks_own_example_verifies() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    secrets = ["8f742231b10e8888abcd99yyyzzz85a5"]
    assert signed(body, headers, secrets, 1_531_420_618_000)
    assert signed(body, headers, ["an-older-one", *secrets], 1_531_420_618_000)
    assert not signed(body, headers, ["an-older-one"], 1_531_420_618_000)
    assert not signed(body + b"x", headers, secrets, 1_531_420_618_000)
    assert not signed(body, headers, secrets, Clock()())
