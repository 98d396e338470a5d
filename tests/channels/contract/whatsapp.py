"""WhatsApp through Twilio, as the contract suite sees it: https://www.twilio.com/docs/usage/webhooks/webhooks-security"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from bus.errors import Permanent, Retryable, Uncertain
from channels.whatsapp.client import AGAIN, ERRORS, UNKNOWN
from demo.twilio import Account
from demo.twilio import api as twilio_api
from demo.twilio.courier import Courier
from demo.twilio.signing import signature
from tests.channels.contract.platform import Answer, Call, Json, Platform, Refusal
from tests.channels.contract.rig import PUBLIC, Rig
from tests.support.businesses import serving
from tests.support.whatsapp import ACCOUNT_SID, NUMBER, TOKEN

FORM = "application/x-www-form-urlencoded"
NAMED = {
    20003: "not_authorised", 20404: "not_found", 21211: "invalid_recipient", 21408: "country_not_enabled", 21610: "unsubscribed",
    21617: "too_long", 21619: "nothing_to_say", 30002: "account_suspended", 30007: "filtered", 63003: "not_on_whatsapp",
    63007: "sender_not_ours", 63013: "policy", 63016: "window_closed", 63038: "daily_limit", 63051: "account_locked",
}  # fmt: skip
OTHER_ACCOUNT = "AC" + "2" * 32


class Adapter(Platform):
    """Signed forms that are good for ever; what was taken is in Twilio's list."""

    path = "/webhooks/whatsapp"
    most = 1 << 17
    counts_everybody = True
    brings = frozenset({"message", "press", "delivery"})
    secrets = (TOKEN,)

    @asynccontextmanager
    async def standing(self, rig: Rig) -> AsyncIterator[None]:
        self._account = Account(rig.clock, ACCOUNT_SID, TOKEN, NUMBER, Courier(TOKEN))
        app = twilio_api.app(self._account)
        app.middlewares.append(self.far.middleware)
        async with serving(app) as self._account.url:
            yield
            await self._account.close()

    def section(self) -> Json:
        own = {"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "number": NUMBER, "api_base": self._account.url}
        return own | {"certain_after": 20, "timeout": 2}

    def unsafe(self) -> Iterable[Json]:
        return ({**self.section(), "auth_token": token} for token in ("", " ", [], [""], [TOKEN, ""]))

    async def begin(self, rig: Rig) -> None:
        self._account.courier.places[PUBLIC] = rig.url

    async def settled(self) -> None:
        await self._account.settled()

    async def says(self, person: int, number: int, text: str, **unknown: Any) -> Call:
        phone = self._account.phones.get(_address(person)) or self._account.phone(_number(person), f"Person {person}")
        message = phone.write(text)
        message.sid = f"SM{person:016x}{number:016x}"
        fields = message.form | dict.fromkeys(("MessageSid", "SmsMessageSid", "SmsSid"), message.sid)
        message.form = fields | {name: str(value) for name, value in unknown.items()}
        self._account.messages[message.sid] = message
        return self._signed(message.form)

    def again(self, call: Call) -> Call:
        return call

    def _signed(self, form: Mapping[str, str]) -> Call:
        return self.proved(urlencode(form).encode())

    def proved(self, body: bytes) -> Call:
        fields = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8"))
        return Call(self.path, body, _headers(signature(TOKEN, PUBLIC + self.path, fields)))

    def forged(self, call: Call) -> Iterator[Call]:
        right, fields = call.headers["X-Twilio-Signature"], dict(parse_qsl(call.body.decode()))
        yield call._replace(headers={"Content-Type": FORM})
        off = right[:3] + ("B" if right[3] == "A" else "A") + right[4:]
        for given in ("", " ", off, right[:-1], right + "=", "é" * 28, right.swapcase(), "a" * 4_000):
            yield call._replace(headers=_headers(given))
        for elsewhere in ("http://support.test", "https://evil.example"):
            yield call._replace(headers=_headers(signature(TOKEN, elsewhere + self.path, fields)))
        yield call._replace(headers=_headers(signature(TOKEN, f"{PUBLIC}{self.path}?a=1", fields)))
        yield call._replace(headers=_headers(signature("another-token", PUBLIC + self.path, fields)))
        yield call._replace(headers=_headers(right) | {"Content-Type": "application/json"}, body=b"{}")
        yield call._replace(body=call.body.replace(b"Body=", b"Body=Please+"))

    def malformed(self) -> Iterator[Call]:
        plain = self._plain()
        for changed in (
            {"MessageSid": "SM12"}, {"From": "whatsapp:"}, {"From": "whatsapp:😀"}, {"From": "whatsapp:+" + "1" * 500}, {"From": ""},
            {"NumMedia": "999999"}, {"NumMedia": "-1"}, {"NumMedia": "²"}, {"NumMedia": "1", "MediaUrl0": "http://169.254.169.254/"},
        ):  # fmt: skip
            yield self._signed(plain | changed)

    def _plain(self) -> dict[str, str]:
        return self._account.phone(_number(90), "Somebody").write("hello").form

    def foreign(self) -> Iterator[Call]:
        plain = self._plain()
        yield self._signed(plain | {"AccountSid": OTHER_ACCOUNT})
        yield self._signed(plain | {"To": "whatsapp:+14155230000"})
        yield self._signed(plain | {"SmsSid": "SM" + "0" * 32})
        yield self._signed(plain | {"WaId": "34600999999"})
        yield self._signed(plain | {"FieldOfTomorrow": "of a message that Twilio does not know"})

    async def recorded(self, payload: Json) -> Call:
        if "MessageStatus" not in payload:
            return self._signed(payload)
        path = f"{self.path}/status?attempt=att_1"
        return Call(path, urlencode(payload).encode(), _headers(signature(TOKEN, PUBLIC + path, payload)))

    # --- what goes out

    def is_message(self, request: web.Request) -> bool:
        return request.method == "POST" and request.path.endswith("/Messages.json")

    def heard(self, person: int) -> list[str]:
        return self._account.phones[_address(person)].texts

    def too_many(self, after: int) -> Answer:
        return _refused(20429, 429, {"Retry-After": str(after)})

    def gone(self) -> Refusal:
        return Refusal(_refused(63003), Permanent, "not_on_whatsapp")

    def refusals(self) -> Iterable[Refusal]:
        yield Refusal(self.too_many(7), Retryable, after=7)
        for code, (what, name) in ERRORS.items():
            if what == AGAIN:
                yield Refusal(_refused(code), Retryable)
            else:
                yield Refusal(_refused(code), *((Uncertain,) if what == UNKNOWN else (Permanent, name)))
        for code, name in NAMED.items():
            yield Refusal(_refused(code), Permanent, name)
        yield Refusal(_refused(99999), Permanent, "twilio_99999")
        yield Refusal(_refused(20500, 500), Uncertain)
        yield Refusal(Answer(502, "<html>Bad Gateway</html>"), Uncertain)
        yield Refusal(Answer(201, "not JSON"), Uncertain)


def _number(person: int) -> str:
    return f"+3460000{person:04d}"


def _address(person: int) -> str:
    return f"whatsapp:{_number(person)}"


def _headers(given: str) -> dict[str, str]:
    return {"Content-Type": FORM, "X-Twilio-Signature": given}


def _refused(code: int, status: int = 400, headers: Mapping[str, str] = {}) -> Answer:
    return Answer(status, {"code": code, "message": "quotes the customer", "more_info": "", "status": status}, headers)
