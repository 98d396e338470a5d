"""Telegram, as the contract suite sees it: https://core.telegram.org/bots/api"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bus.errors import Permanent, Retryable, Uncertain
from demo.telegram import JONAS, Messenger, api
from demo.telegram.courier import Courier
from demo.telegram.people import Person
from tests.channels.contract.platform import Answer, Call, Json, Platform, Refusal
from tests.channels.contract.rig import Rig
from tests.support.businesses import serving
from tests.support.telegram import SECRET, TOKEN

HEADER = "X-Telegram-Bot-Api-Secret-Token"
FIRST = 20_000
GROUP = {"id": -1001234567890, "title": "Halden fans", "type": "supergroup"}


class Adapter(Platform):
    """Updates with a secret header; a lost answer cannot be looked up."""

    path = "/webhooks/telegram"
    lost = "ambiguous"
    brings = frozenset({"message", "edit", "press"})
    wider = {"groups": True}  # noqa: RUF012 - nobody changes it
    secrets = (TOKEN, TOKEN.partition(":")[2], SECRET)

    def __init__(self) -> None:
        super().__init__()
        self._updates = itertools.count(921_000_001)

    @asynccontextmanager
    async def standing(self, rig: Rig) -> AsyncIterator[None]:
        self._messenger = Messenger(clock=rig.clock, token=TOKEN, courier=Courier(rig.clock, 0.01))
        app = api.app(self._messenger)
        app.middlewares.append(self.far.middleware)
        async with serving(app) as self._messenger.url:
            yield
            await self._messenger.close()

    def section(self) -> Json:
        return {"token": TOKEN, "webhook_secret": SECRET, "api_base": self._messenger.url}

    def unsafe(self) -> Iterable[Json]:
        return ({**self.section(), "webhook_secret": secret} for secret in ("", [], None, [""]))

    async def says(self, person: int, number: int, text: str, **unknown: Any) -> Call:
        who = Person(FIRST + person, f"Person {person}")
        self._messenger.people[who.id] = who
        chat = self._messenger.chat(who.id)
        told: Json = {"message_id": number, "from": who.told() | unknown, "chat": chat.told(who), "date": 1_790_000_000}
        return self.proved(json.dumps({"update_id": 0, "message": told | {"text": text} | unknown} | unknown).encode())

    def again(self, call: Call) -> Call:
        return self.proved(json.dumps(json.loads(call.body) | {"update_id": next(self._updates)}).encode())

    def proved(self, body: bytes) -> Call:
        return Call(self.path, body, {HEADER: SECRET, "Content-Type": "application/json"})

    def forged(self, call: Call) -> Iterator[Call]:
        yield call._replace(headers={})
        for secret in (
            "",
            " ",
            "wrong",
            SECRET[:-1],
            SECRET + "x",
            SECRET.upper(),
            SECRET[::-1],
            "ключ",
            "a" * 4_000,
            TOKEN,
        ):
            yield call._replace(headers={HEADER: secret})

    def malformed(self) -> Iterator[Call]:
        for body in (b"", b"{", b"\xff", b"[]", b"null", b'{"update_id":"x"}', b'{"update_id":1,"message":7}', b"[" * 90_000,
                     b'{"update_id":1,"message":{"text":"\\ud800"}}'):  # fmt: skip
            yield self.proved(body)

    def foreign(self) -> Iterator[Call]:
        ana = Person(FIRST, "Ana").told()
        plain = {"message_id": 9, "from": ana, "chat": {"id": FIRST, "type": "private"}, "date": 1, "text": "hi"}
        press = {"id": "1", "from": ana, "chat_instance": "1", "data": f"3.0.{'0' * 32}", "message": plain}
        for update in (
            {"message": plain | {"from": ana | {"is_bot": True}}},
            {"message": plain | {"chat": GROUP}},
            {"message": plain | {"forward_origin": {"type": "user", "date": 1, "sender_user": ana}}},
            {"message": plain | {"via_bot": {"id": 7, "is_bot": True, "first_name": "x"}}},
            {"channel_post": plain | {"chat": GROUP | {"type": "channel"}}},
            {"business_message": plain | {"business_connection_id": "b1"}},
            {"callback_query": press},
        ):
            yield self.proved(json.dumps({"update_id": 1} | update).encode())

    async def recorded(self, payload: Json) -> Call:
        self._messenger.chat(JONAS)
        return self.proved(json.dumps(payload).encode())

    def offered(self) -> Mapping[str, str]:
        (offer,) = self._messenger.by_bot(JONAS)
        return {"value": offer.buttons["Yes"]}

    # --- what goes out

    def is_message(self, request: web.Request) -> bool:
        return request.path.endswith("/sendMessage")

    def heard(self, person: int) -> list[str]:
        return [one.text for one in self._messenger.by_bot(FIRST + person)]

    def too_many(self, after: int) -> Answer:
        return _refused(f"Too Many Requests: retry after {after}", 429, retry_after=after)

    def gone(self) -> Refusal:
        return Refusal(_refused("Forbidden: bot was blocked by the user", 403), Permanent, "blocked")

    def refusals(self) -> Iterable[Refusal]:
        yield self.gone()
        yield Refusal(self.too_many(7), Retryable, after=7)
        for said, code, name in NAMED:
            yield Refusal(_refused(said, code), Permanent, name)
        yield Refusal(_refused("Conflict: terminated by other getUpdates request", 409), Retryable)
        for code in (500, 502, 504):
            yield Refusal(_refused("Internal Server Error", code), Uncertain)
        yield Refusal(Answer(502, "<html>Bad Gateway</html>"), Uncertain)


NAMED = (
    ("Forbidden: user is deactivated", 403, "deactivated"),
    ("Forbidden: bot was kicked from the supergroup chat", 403, "kicked"),
    ("Forbidden: bot is not a member of the channel chat", 403, "kicked"),
    ("Forbidden: bot can't initiate conversation with a user", 403, "not_started"),
    ("Forbidden: bot can't send messages to bots", 403, "is_a_bot"),
    ("Bad Request: chat not found", 400, "chat_not_found"),
    ("Bad Request: PEER_ID_INVALID", 400, "chat_not_found"),
    ("Bad Request: message is too long", 400, "too_long"),
    ("Bad Request: message text is empty", 400, "nothing_to_say"),
    ("Bad Request: not enough rights to send text messages to the chat", 400, "no_rights"),
    ("Bad Request: CHAT_WRITE_FORBIDDEN", 400, "no_rights"),
    ("Bad Request: TOPIC_CLOSED", 400, "thread_not_found"),
    ("Bad Request: message thread not found", 400, "thread_not_found"),
    ("Bad Request: something new", 400, "refused"),
    ("Unauthorized", 401, "unauthorized"),
    ("Not Found", 404, "unauthorized"),
    ("Request Entity Too Large", 413, "too_large"),
)


def _refused(said: str, code: int = 400, **parameters: Any) -> Answer:
    more = {"parameters": parameters} if parameters else {}
    return Answer(code, {"ok": False, "error_code": code, "description": said} | more)
