"""Whatever bytes arrive, the answer is a refusal or a value, never an accident."""

from __future__ import annotations

import contextlib
import json
import string
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from multidict import CIMultiDict

from channels.cleaning import cleaned
from channels.web import identity, wire
from channels.web.limits import Rate
from tests.channels.web_world import SECRET
from tests.support.clock import NOW

TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "text", "press", "identity", "role"), JSON)
) | st.fixed_dictionaries({"id": st.text(string.printable, min_size=1), "text": TEXT})


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_object_or_refused(body: bytes) -> None:
    with contextlib.suppress(wire.Refusal):
        assert isinstance(wire.parse(body), dict)


@settings(max_examples=500, deadline=None)
@given(FIELDS)
def test_any_object_is_a_message_or_refused(fields: dict[str, Any]) -> None:
    try:
        message = wire.message(fields)
    except wire.Refusal:
        return
    assert wire.CLIENT_ID.fullmatch(message.id)
    assert bool(message.text) != bool(message.button)
    assert message.text == cleaned(message.text).strip()
    assert len(message.text.encode()) <= 4 * wire.LONGEST


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(string.ascii_letters + "._-={}\u00e9\ud800"), max_size=200) | TEXT)
def test_any_text_is_no_identity(text: str) -> None:
    with pytest.raises(identity.NotVerified):
        identity.verify(text, [SECRET], NOW, "web")


CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": JSON,
        "exp": JSON,
        "nbf": JSON,
        "token": JSON,
        "name": JSON,
        "email": JSON,
        "locale": JSON,
        "iat": JSON,
    },
)


@settings(max_examples=300, deadline=None)
@given(CLAIMS, st.booleans())
def test_whatever_the_site_signs_is_a_customer_or_refused(claims: dict[str, Any], plausible: bool) -> None:
    claims |= {"sub": "ana", "exp": NOW // 1000 + 60} if plausible else {}
    with contextlib.suppress(UnicodeEncodeError):
        signed = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        with contextlib.suppress(identity.NotVerified):
            customer = identity.verify(signed, [SECRET], NOW, "web")
            assert customer.id
            json.dumps(customer.name + customer.email + customer.locale + customer.token).encode()
            (customer.id + customer.name + customer.email + customer.locale + customer.token).encode()


def test_a_rate_gives_back_what_time_gives() -> None:
    rate = Rate(10_000)
    assert [rate.wait("a", 2, 0) for _ in range(3)] == [0, 0, 5.0]
    assert rate.wait("b", 2, 0) == 0
    assert rate.wait("a", 2, 5_000) == 0
    assert rate.wait("a", 2, 5_000) == 5.0
    assert [rate.wait("a", 2, 100_000) for _ in range(3)] == [0, 0, 5.0]


def test_a_rate_forgets_those_who_left() -> None:
    rate = Rate(10_000)
    for number in range(10_001):
        assert rate.wait(str(number), 1, number) == 0
    assert rate.wait("last", 1, 1_000_000) == 0
    assert len(rate._full_at) == 1


@pytest.mark.parametrize(
    ("near", "said", "address"),
    [
        ("10.0.0.7", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.7", ["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.7", ["6.6.6.6, 7.7.7.7", "8.8.8.8, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.7", ["203.0.113.9", "unknown"], "10.0.0.7"),
        ("10.0.0.7", [], "10.0.0.7"),
        ("8.8.8.8", ["203.0.113.9"], "8.8.8.8"),
    ],
)
def test_the_nearest_proxys_word_counts_in_however_many_headers_it_comes(
    near: str, said: list[str], address: str
) -> None:
    headers = CIMultiDict([("X-Forwarded-For", each) for each in said])
    request = make_mocked_request("POST", "/web/sessions", headers=headers).clone(remote=near)
    assert wire.network_address(request) == address
