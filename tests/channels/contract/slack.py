"""Customers in Slack, as the contract suite sees it: https://docs.slack.dev/authentication/verifying-requests-from-slack"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bus.errors import Permanent, Retryable, Uncertain
from channels.slack.app import App
from channels.slack.customers.outcomes import OUTCOMES
from channels.slack.settings import SlackSettings
from demo.slack import Workspace
from demo.slack import api as slack_api
from demo.slack.events import Courier
from demo.slack.events import signature as signed
from demo.slack.message import Message
from demo.slack.payloads import envelope
from demo.slack.people import BOT, BOT_ID, OTHER_TEAM, TEAM, Channel, Member
from tests.channels.contract.platform import Answer, Call, Json, Platform, Refusal
from tests.channels.contract.rig import Door, Rig
from tests.support.businesses import serving
from tests.support.phones import words_shown

SECRET, BOT_TOKEN = "slack-signing-secret-of-the-contract", "xoxb-of-the-contract"
HELP, INTERACTIVE = "C0HELP0001", "/webhooks/slack/interactive"
NAMED = {
    "channel_not_found": "place_gone", "is_archived": "place_archived", "not_in_channel": "bot_removed", "no_text": "nothing_to_say",
    "restricted_action": "not_allowed_here", "messages_tab_disabled": "direct_messages_off", "cannot_dm_bot": "not_a_person",
    "user_disabled": "person_gone", "missing_scope": "app_lacks_scope", "ekm_access_denied": "blocked_by_admin",
    "token_revoked": "app_signed_out", "account_inactive": "app_signed_out", "message_limit_exceeded": "workspace_full",
}  # fmt: skip
AGAIN_AS_TEXT = ("msg_too_long", "invalid_blocks")


class Adapter(Platform):
    """Signed and dated events; what was posted carries its key."""

    path = "/webhooks/slack/events"
    off = 200  # another answer would cost the desk its events
    lasts = 300
    brings = frozenset({"message", "edit", "delete", "press"})
    secrets = (SECRET, BOT_TOKEN)

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def standing(self, rig: Rig) -> AsyncIterator[None]:
        self._clock = rig.clock
        new_id = lambda prefix: f"{prefix}{next(self._numbers):04d}"  # noqa: E731
        self._slack = Workspace(rig.clock, new_id, bot_token=BOT_TOKEN, courier=Courier(rig.clock, SECRET))
        app = slack_api.app(self._slack)
        app.middlewares.append(self.far.middleware)
        async with serving(app) as self._slack.url:
            settings = {
                "bot_token": BOT_TOKEN,
                "signing_secret": SECRET,
                "api_base": f"{self._slack.url}/api/",
                "timeout": 2,
            }
            rig.app = App(SlackSettings.model_validate(settings), intake=Door(rig), clock=rig.clock)
            yield
            await self._slack.close()

    def section(self) -> Json:
        return {"channels": [HELP]}

    async def begin(self, rig: Rig) -> None:
        self._slack.rooms[HELP] = Channel(HELP, "help", members=set(self._slack.people))
        assert rig.app is not None
        await rig.app.connection.identity()

    async def says(self, person: int, number: int, text: str, **unknown: Any) -> Call:
        return self._event(self._message(person, number, text) | unknown, **unknown)

    def _message(self, person: int, number: int, text: str) -> Json:
        user, room, ts = f"U0PERSON{person:02d}", f"D0PERSON{person:02d}", f"1790000000.{number:06d}"
        self._slack.people.setdefault(user, Member(user, f"person{person}", f"Person {person}"))
        self._slack.rooms.setdefault(room, Channel(room, f"person{person}", "im", members={user, BOT}))
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        said = {"type": "message", "user": user, "text": text, "ts": ts, "event_ts": ts}
        return said | {"channel": room, "channel_type": "im"}

    def _event(self, event: Json, **changes: Any) -> Call:
        return self.proved(json.dumps(envelope(event, f"Ev{next(self._numbers)}", self._clock()) | changes).encode())

    def again(self, call: Call) -> Call:
        payload = json.loads(call.body) | {"event_id": f"Ev{next(self._numbers)}"}
        again = self.proved(json.dumps(payload).encode())
        return again._replace(headers={**again.headers, "X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_error"})

    def proved(self, body: bytes) -> Call:
        return Call(self.path, body, self._headers(body))

    def _headers(self, body: bytes, at: str = "", sign: str | None = None) -> dict[str, str]:
        at = at or str(self._clock() // 1000)
        sign = signed(SECRET, at, body) if sign is None else sign
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": sign, "Content-Type": "application/json"}

    def forged(self, call: Call) -> Iterator[Call]:
        right = call.headers["X-Slack-Signature"]
        yield call._replace(headers={})
        for sign in (
            "",
            "v0=",
            "x",
            right[:-1],
            right + "0",
            right.upper(),
            f"v1{right[2:]}",
            "v0=" + "é" * 64,
            "v0=" + "0" * 5_000,
        ):
            yield call._replace(headers=self._headers(call.body, sign=sign))
        now = self._clock() // 1000
        for at in ("abc", "1e9", "-1", "0x1", "9" * 5_000, f"{now}.5", str(now - 301), str(now + 302)):
            yield call._replace(headers=self._headers(call.body, at))
        yield call._replace(headers=self._headers(call.body, sign=signed("somebody-else", str(now), call.body)))
        yield call._replace(body=call.body + b" ")
        yield call._replace(body=b"ssl_check=1&payload=" + call.body)
        press = self._interaction({"type": "block_actions"})
        yield press._replace(headers={})
        yield press._replace(body=press.body + b"&x=1")

    def malformed(self) -> Iterator[Call]:
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b"\x00",
            b"[" * 5_000,
            b'{"type": 5}',
            b'{"event": "\\ud800"}',
            b"a=b&c=d",
        ):
            yield self.proved(body)
        for payload in ("", "{", "[]", "null", '{"actions": 1}', "[" * 5_000):
            body = urlencode({"payload": payload}).encode()
            yield self.proved(body)._replace(path=INTERACTIVE)

    def foreign(self) -> Iterator[Call]:
        plain = self._message(80, 1, "hi")
        yield self._event(plain, team_id=OTHER_TEAM)
        for changes in (
            {"bot_id": BOT_ID}, {"user": BOT}, {"subtype": "bot_message", "bot_id": "B1", "user": None}, {"user": "U0KIM00001"},
            {"user": "U0GUEST001"}, {"user": "U0OMAR0001"}, {"user": "U0WORKFLOW"}, {"user": "USLACKBOT"}, {"user": "U0NOBODY01"},
            {"subtype": "channel_join"}, {"subtype": "of_next_year"}, {"channel": "C0GENERAL1", "channel_type": "channel"},
        ):  # fmt: skip
            yield self._event(plain | changes)
        press = {
            "type": "block_actions", "team": {"id": TEAM}, "user": {"id": "U0PERSON80"}, "response_url": "http://127.0.0.1:1/evil",
            "container": {"message_ts": "1.1", "channel_id": plain["channel"]}, "channel": {"id": plain["channel"]},
            "actions": [{"action_id": "choice:0", "value": "gAAAAA", "type": "button", "action_ts": "1790000000.000200"}],
        }  # fmt: skip
        for told in (press, press | {"team": {"id": OTHER_TEAM}}):
            yield self._interaction(told)

    async def recorded(self, payload: Json) -> Call:
        if payload["type"] in ("block_actions", "message_action"):
            return self._interaction(payload)
        event = payload.get("event", {})
        if event.get("channel") == HELP and "ts" in event:  # where our answer goes into its thread
            self._slack.log.append(Message(HELP, event["ts"], event["user"], event["text"]))
        return self.proved(json.dumps(payload).encode())

    def _interaction(self, payload: Json) -> Call:
        return self.proved(urlencode({"payload": json.dumps(payload)}).encode())._replace(path=INTERACTIVE)

    def offered(self) -> Mapping[str, str]:
        offer = [one for one in self._slack.messages(HELP) if one.by_app][-1]
        return {"message": offer.ts, "value": offer.blocks[-1]["elements"][0]["value"]}

    # --- what goes out

    def is_message(self, request: web.Request) -> bool:
        return request.path == "/api/chat.postMessage"

    def heard(self, person: int) -> list[str]:
        room = f"D0PERSON{person:02d}"
        return [words_shown(one) for one in self._slack.messages(room) if one.by_app and not one.for_user]

    def too_many(self, after: int) -> Answer:
        return _refused("ratelimited", 429, after)

    def gone(self) -> Refusal:
        return Refusal(_refused("channel_not_found"), Permanent, "place_gone")

    def refusals(self) -> Iterable[Refusal]:
        yield Refusal(self.too_many(17), Retryable, after=17)
        for code, name in {**OUTCOMES, **NAMED}.items():
            if code not in AGAIN_AS_TEXT:
                yield Refusal(_refused(code), Permanent, name)
        yield Refusal(_refused("an_error_of_next_year"), Permanent, "an_error_of_next_year")
        for code in ("ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"):
            yield Refusal(_refused(code), Retryable)
        for code, status in (("fatal_error", 200), ("internal_error", 200), ("", 500), ("", 502)):
            yield Refusal(_refused(code, status), Uncertain)
        yield Refusal(Answer(502, "<html>Bad Gateway</html>"), Uncertain)


def _refused(error: str, status: int = 200, after: int = 0) -> Answer:
    return Answer(status, {"ok": False, "error": error}, {"Retry-After": str(after)} if after else {})
