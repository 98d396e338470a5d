"""The stand-in for Twilio is as strict as Twilio: what it would refuse in earnest is refused here, with the same code."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from demo.twilio import Account
from demo.twilio.signing import signature
from tests.support.whatsapp import ACCOUNT_SID, CHOICES, NUMBER, REOPEN, TOKEN, twilio

ANA = "+34600111222"
NOW = 1_790_000_000_000
PASSWORD = {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()}
Json = dict[str, Any]


@dataclass
class Api:
    """An app that calls Twilio, over plain HTTP."""

    account: Account
    http: aiohttp.ClientSession
    now: int = NOW
    base: str = field(default=f"/2010-04-01/Accounts/{ACCOUNT_SID}")

    async def send(self, **form: str) -> tuple[int, Json]:
        """(status, body) of POST Messages.json."""
        values = {"From": f"whatsapp:{NUMBER}", "To": f"whatsapp:{ANA}", **form}
        async with self.http.post(f"{self.base}/Messages.json", data=values) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **query: str) -> tuple[int, Json]:
        """(status, body) of a GET."""
        async with self.http.get(path, params=query) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with twilio(lambda: made.now) as account, aiohttp.ClientSession(account.url, headers=PASSWORD) as http:
        made = Api(account, http)
        yield made


REFUSED = [
    ({"Body": "x" * 1601}, 21617),
    ({"Body": ""}, 21619),
    ({"Body": "hi", "To": "whatsapp:123"}, 21211),
    ({"Body": "hi", "To": "whatsapp:"}, 21211),
    ({"Body": "hi", "To": ANA}, 21910),
    ({"Body": "hi", "To": ""}, 21604),
    ({"Body": "hi", "From": ""}, 21603),
    ({"Body": "hi", "From": "whatsapp:+15550001111"}, 63007),
    ({"Body": "hi", "StatusCallback": "ftp://x"}, 21609),
    ({"Body": "hi", "MediaUrl": "file:///etc/passwd"}, 21620),
    ({"ContentSid": "HX" + "0" * 32}, 21655),
    ({"ContentSid": CHOICES, "ContentVariables": "{"}, 21656),
    ({"ContentSid": CHOICES, "ContentVariables": '{"1": "only one"}'}, 21656),
    ({"ContentSid": CHOICES, "ContentVariables": json.dumps({"1": "x" * 1025, "2": "a", "3": "b"})}, 21658),
]


@pytest.mark.parametrize(("form", "code"), REFUSED)
async def test_what_twilio_refuses_is_refused_with_its_code(api: Api, form: dict[str, str], code: int) -> None:
    status, told = await api.send(**form)
    assert (status, told["code"], told["status"]) == (400, code, 400)
    assert api.account.messages == {}


async def test_who_brings_no_password_is_nobody(api: Api) -> None:
    async with aiohttp.ClientSession(api.account.url) as stranger, stranger.post(f"{api.base}/Messages.json") as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, 20003)


async def test_outside_24_hours_only_a_template_arrives(api: Api) -> None:
    ana = api.account.phone(ANA)
    assert (await api.send(Body="hello"))[0] == 201
    await api.account.settled()
    assert [one.error for one in api.account.messages.values()] == [63016]
    api.account.tells_at_once = True
    status, told = await api.send(Body="hello")
    assert (status, told["code"]) == (400, 63016)
    assert (await api.send(ContentSid=REOPEN))[0] == 201
    await ana.say("hi")
    assert (await api.send(Body="hello"))[0] == 201
    await api.account.settled()
    assert ana.texts == ["Hello, we have an answer for you. Reply to read it.", "hello"]


async def test_messages_are_listed_by_day_and_page_newest_first(api: Api) -> None:
    ana = api.account.phone(ANA)
    for number in range(5):
        await ana.say(f"{number}")
        api.now += 1000
    status, page = await api.get(f"{api.base}/Messages.json", To=f"whatsapp:{NUMBER}", PageSize="2")
    assert (status, [one["body"] for one in page["messages"]]) == (200, ["4", "3"])
    _, following = await api.get(page["next_page_uri"])
    assert [one["body"] for one in following["messages"]] == ["2", "1"]
    _, late = await api.get(f"{api.base}/Messages.json", **{"DateSent>": "2026-09-21T14:13:23Z"})
    assert [one["body"] for one in late["messages"]] == ["4", "3"]
    assert (await api.get(f"{api.base}/Messages/SM{'0' * 32}.json"))[1]["code"] == 20404


async def test_media_lies_on_another_host_which_wants_no_password(api: Api) -> None:
    sent = await api.account.phone(ANA).share(b"\xff\xd8", "image/jpeg")
    url = api.account.media_url(sent, sent.media[0])
    async with api.http.get(url.removeprefix(api.account.url), allow_redirects=False) as answer:
        place = answer.headers["Location"]
        assert (answer.status, place.startswith(api.account.url)) == (307, False)
    async with aiohttp.ClientSession() as bare, bare.get(place) as answer:
        assert await answer.read() == b"\xff\xd8"
    async with aiohttp.ClientSession() as told, told.get(place, headers=PASSWORD) as answer:
        assert answer.status == 400


def test_webhooks_are_signed_as_twilios_own_validator_wants_them() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", f"{url}#rc=5", form) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert RequestValidator("12345").validate(url, form, signature("12345", url, form))
