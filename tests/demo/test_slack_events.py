"""What people do reaches the app signed, in Slack's shapes, and again when it fails."""

import json
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.people import BEN, BOT, DESK, SARA, TEAM
from demo.world import World
from tests.demo.conftest import NOW, Listener

BUTTONS = [
    {"type": "actions", "elements": [
        {"type": "button", "action_id": "approve", "value": "act_1", "text": {"type": "plain_text", "text": "Approve"}},
    ]},
]  # fmt: skip


class Still(Clock):
    def now(self) -> float:
        return NOW / 1000


def events(gateway: Listener) -> list[dict[str, Any]]:
    return [json.loads(body)["event"] for path, _, body in gateway.requests if path.endswith("/events")]


async def test_requests_are_signed_as_slack_signs(world: World, gateway: Listener) -> None:
    await world.slack.post_as(SARA, "hi")
    path, headers, body = gateway.requests[0]
    verifier = SignatureVerifier(world.secrets.slack_signing_secret, Still())
    assert path == "/webhooks/slack/events"
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b" ", headers)


async def test_a_thread_reply_names_its_thread(world: World, gateway: Listener) -> None:
    root = await world.slack.post_as(BEN, "root")
    ts = await world.slack.post_as(SARA, "answer", thread_ts=root)
    event = events(gateway)[-1]
    assert (event["ts"], event["thread_ts"], event["user"], event["parent_user_id"]) == (ts, root, SARA, BEN)
    assert (event["channel"], event["channel_type"], event["text"]) == (DESK, "channel", "answer")


async def test_typed_text_arrives_as_slack_writes_it(world: World, gateway: Listener) -> None:
    await world.slack.post_as(SARA, "🔒 a<b & see https://x.example/?a=1&b=2, @Ben")
    assert events(gateway)[-1]["text"] == (
        f":lock: a&lt;b &amp; see <https://x.example/?a=1&amp;b=2>, <@{BEN}>"
    )  # fmt: skip


async def test_a_failed_delivery_comes_again_and_says_why(world: World, gateway: Listener) -> None:
    gateway.statuses = [500, 503]
    await world.slack.post_as(SARA, "hi")
    told = [(h.get("X-Slack-Retry-Num"), h.get("X-Slack-Retry-Reason")) for _, h, _ in gateway.requests]
    assert told == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert len({json.loads(body)["event_id"] for _, _, body in gateway.requests}) == 1


async def test_after_three_retries_slack_gives_up(world: World, gateway: Listener) -> None:
    gateway.statuses = [500] * 9
    await world.slack.post_as(SARA, "hi")
    assert len(gateway.requests) == 4


async def test_edits_and_deletions_are_events(world: World, gateway: Listener) -> None:
    ts = await world.slack.post_as(SARA, "first")
    await world.slack.edit_as(SARA, ts, "second")
    await world.slack.delete_as(SARA, ts)
    edited, deleted = events(gateway)[1:]
    assert (edited["subtype"], edited["message"]["text"], edited["previous_message"]["text"]) == (
        "message_changed", "second", "first",
    )  # fmt: skip
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_the_app_hears_its_own_posts(world: World, gateway: Listener, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=DESK, text="plain")
    await client.chat_postMessage(channel=DESK, text="dressed", username="Ana Ruiz")
    await world.slack.settled()
    plain, dressed = events(gateway)
    assert (plain["user"], plain["bot_id"], plain.get("subtype")) == (BOT, "B0GATEWAY1", None)
    assert (dressed.get("user"), dressed["username"], dressed["subtype"]) == (None, "Ana Ruiz", "bot_message")


async def test_a_mention_is_told_twice(world: World, gateway: Listener) -> None:
    await world.slack.post_as(SARA, "@Support Gateway help")
    message, mention = sorted(events(gateway), key=lambda event: event["type"], reverse=True)
    assert (message["type"], mention["type"], message["ts"] == mention["ts"]) == ("message", "app_mention", True)


async def test_a_press_is_a_form_with_a_payload(world: World, gateway: Listener, client: AsyncWebClient) -> None:
    card = await client.chat_postMessage(channel=DESK, text="card", blocks=BUTTONS)
    await world.slack.settled()
    await world.slack.press(SARA, card["ts"], "approve")
    path, _, body = gateway.requests[-1]
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert (path, payload["type"], payload["team"]["id"]) == ("/webhooks/slack/interactive", "block_actions", TEAM)
    assert (payload["user"]["id"], payload["container"]["message_ts"]) == (SARA, card["ts"])
    assert (payload["actions"][0]["action_id"], payload["actions"][0]["value"]) == ("approve", "act_1")
