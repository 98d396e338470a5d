"""Forged, broken, foreign and mutated requests to a whole gateway that serves customers in Slack."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from demo.slack.events import signature
from demo.slack.people import BOT_ID, CUSTOMER, GENERAL, SARA, TEAM
from gateway.ids import clock
from tests.channels.slack_customers.conftest import DIRECT, HELP, Place, opened
from tests.channels.slack_customers.test_slack_reading import envelope, event

MUTATIONS = int(os.environ.get("SLACK_MUTATIONS", "3000"))
AT_ONCE = 50
Json = dict[str, Any]
OFFERED = {"type": "message", "message_ts": "1779271200.000100", "channel_id": DIRECT}
PRESS = {
    "type": "block_actions", "team": {"id": TEAM, "domain": "halden"}, "user": {"id": CUSTOMER, "team_id": TEAM},
    "container": OFFERED, "channel": {"id": DIRECT}, "response_url": "http://127.0.0.1:1/evil",
    "actions": [{"action_id": "choice:0", "value": "gAAAAA", "type": "button", "action_ts": "1779271200.000200"}],
}  # fmt: skip


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path, section=f"{{mode: live, channels: [{HELP}]}}") as found:
        await found.running.gateway.assembly.slack.connection.identity()  # type: ignore[union-attr]
        yield found


async def post(place: Place, body: bytes, path: str = "events", at: str = "", **headers: str) -> int:
    """Post as Slack does, signed unless a signature is given."""
    at = at or str(clock() // 1000)
    sign = signature(place.world.secrets.slack_signing_secret, at, body)
    kind = "application/json" if path == "events" else "application/x-www-form-urlencoded"
    ours = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": sign, "Content-Type": kind}
    ours |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{place.running.url}/webhooks/slack/{path}"
    async with place.running.http.post(url, data=io.BytesIO(body), headers=ours) as answer:
        await answer.read()
        return answer.status


def told(**changes: Any) -> bytes:
    return json.dumps(envelope(event(**changes))).encode()


def form(payload: Json) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


async def accepted(place: Place) -> int:
    await place.settle()
    return int(place.running.gateway.assembly.slack.status()["counts"].get("accepted", 0))  # type: ignore[union-attr]


async def test_c5_and_c11_a_check_runs_nothing_and_nothing_that_a_payload_names_is_fetched(place: Place) -> None:
    assert await post(place, b"ssl_check=1&payload=x", "interactive", X_Slack_Signature="v0=0") == 401
    assert await post(place, b"ssl_check=1&" + form(PRESS), "interactive") == 200
    assert await post(place, form(PRESS), "interactive") == 200
    assert await accepted(place) == 0


async def test_c8_a_thread_that_is_nobodys_is_ignored(place: Place) -> None:
    there = {"channel": GENERAL, "channel_type": "channel", "thread_ts": "1779271100.000001", "parent_user_id": SARA}
    assert await post(place, told(**there)) == 200
    assert await accepted(place) == 0


async def test_c12_a_command_is_words_and_nothing_more(place: Place) -> None:
    await place.say("!refund 9999")
    await place.say("/refund 9999")
    await place.settle()
    assert place.world.shop.ledger == []
    assert not [
        line
        for one in await place.conversations()
        for line in await place.running.log(one["id"])
        if line["kind"] == "resolved"
    ]


async def test_a_press_with_a_value_of_ones_own_making_is_nothing(place: Place) -> None:
    await place.say("I returned the headphones and want my refund. Order #A-48291.")
    offer = await place.hears(lambda text: "Shall I go ahead?" in text)
    value = offer.blocks[-1]["elements"][0]["value"]
    where = OFFERED | {"message_ts": offer.ts}
    before = await accepted(place)
    for made in (value[:-4] + "AAAA", value[::-1], "yes", "", '{"to":"x","id":"yes"}', "é"):
        action = PRESS["actions"][0] | {"value": made}  # type: ignore[index]
        assert await post(place, form(PRESS | {"container": where, "actions": [action]}), "interactive") == 200
    elsewhere = PRESS | {"channel": {"id": HELP}, "container": where | {"channel_id": HELP}}
    action = PRESS["actions"][0] | {"value": value}  # type: ignore[index]
    assert await post(place, form(elsewhere | {"actions": [action]}), "interactive") == 200
    assert await accepted(place) == before
    assert place.world.shop.ledger == []


def mutated(chance: random.Random, body: bytes) -> bytes:
    """One to four changes that leave it another body."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed)) if changed else 0
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randint(1, 40)]
            case 2:
                changed[at:at] = chance.choice(
                    (b'"', b"{", b"[", b"\x00", b"\xff", b"\\ud800", b"9" * 30, b"null", b"%00", b"&")
                )
            case 3:
                changed += changed[at : at + 50]
            case _:
                del changed[at:]
    return bytes(changed) if bytes(changed) != body else body + b" "


@pytest.mark.timeout(900)
async def test_mutated_requests_are_never_accepted_and_never_an_error_of_ours(place: Place) -> None:
    """Half keep Slack's signature of the original; of the other half the signature or its time is mutated."""
    chance = random.Random(11)
    bodies = {"events": told(), "interactive": form(PRESS)}
    secret = place.world.secrets.slack_signing_secret
    answers: Counter[int] = Counter()

    async def one(number: int) -> None:
        path, now = chance.choice(("events", "interactive")), str(clock() // 1000)
        body, sign = bodies[path], signature(secret, now, bodies[path])
        if number % 2:
            body = mutated(chance, body)
        elif number % 4:
            now = str(int(now) + chance.choice((-400, -1, 1, 400)))
        else:
            sign = "".join(c for c in mutated(chance, sign.encode()).decode("latin-1") if c.isprintable()).strip() + "g"
        headers = {"X_Slack_Request_Timestamp": now, "X_Slack_Signature": sign}
        answers[await post(place, body, path, **headers)] += 1

    for start in range(0, MUTATIONS, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, min(start + AT_ONCE, MUTATIONS))))
    assert sum(answers.values()) == MUTATIONS
    assert set(answers) <= {400, 401}
    assert await accepted(place) == 0


@pytest.mark.timeout(900)
async def test_mutated_bodies_that_are_signed_are_never_an_error_of_ours(place: Place) -> None:
    """What Slack would never send, as if it had."""
    chance = random.Random(13)
    bodies = {"events": told(user=BOT_ID), "interactive": form(PRESS)}
    answers: Counter[int] = Counter()

    async def one() -> None:
        path = chance.choice(("events", "interactive"))
        answers[await post(place, mutated(chance, bodies[path]), path)] += 1

    for _ in range(0, MUTATIONS // 4, AT_ONCE):
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    assert sum(answers.values()) >= MUTATIONS // 4
    assert set(answers) <= {200, 400, 401, 403}
