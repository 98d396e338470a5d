"""Nothing secret and nobody's data passes into the log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redaction import Redaction, luhn


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        (
            "POST https://api.telegram.org/bot123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TMAKdiHm9T0/sendMessage failed",
            "POST https://api.telegram.org/bot[redacted]/sendMessage failed",
        ),
        ("auth xoxb-1234567-abcdef failed, xapp-1-A0-99-ffee", "auth [redacted] failed, [redacted]"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "got [redacted]"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [redacted]"),
        ("key sk-ant-api03-abcdefghijklmnop", "key [redacted]"),
        ("postgresql://user:pw@host/db", "postgresql://[redacted]@host/db"),
        ("?token=abcdef123&x=1", "?token=[redacted]&x=1"),
        ('{"signing_secret": "abcdef123"}', '{"signing_secret": "[redacted]"}'),
        ("token: abcdef123", "token: [redacted]"),
        ("password = hunterxx", "password = [redacted]"),
        ("from ana.ruiz+x@mail.example.com today", "from [e-mail] today"),
        ("whatsapp:+34600111222 wrote", "whatsapp:[phone] wrote"),
        ("call +1 (415) 523-8886 or 415-523-8886.", "call [phone] or [phone]."),
        ("paid with 4242 4242 4242 4242", "paid with [card]"),
        ("paid with 5555555555554444!", "paid with [card]!"),
    ],
)
def test_what_has_the_shape_of_a_secret_or_of_a_person_is_gone(said: str, logged: str) -> None:
    assert Redaction().text(said) == logged


@pytest.mark.parametrize(
    "said",
    [
        "conv_01JD3Z9K8W2Q4V6X8Y0A1B2C3D turn 3",
        "at 1763653453000 after 25 ms",
        "slack ts 1763653453.000100",
        "order A-12345 of 2026-11-20 10:15:30",
        "GET /web/events 200",
        "tokens 1200, secret_key missing",
        "4242 4242 4242 4241 is no card",
        "gateway.yaml:4: channels.telegram.prot: unknown key",
        "gateway.yaml:3: operator_token: GATEWAY_OPERATOR_TOKEN is not set; set GATEWAY_OPERATOR_TOKEN in the environment",
        "gateway.yaml:3: slack.bot_token: should be text, not a number; put it in quotes",
    ],
)
def test_what_operators_need_stays(said: str) -> None:
    assert Redaction().text(said) == said


def test_the_process_s_own_secrets_are_known_word_for_word() -> None:
    redaction = Redaction(["correct horse battery", "short"])
    assert redaction.text("a correct horse battery, a short one") == "a [redacted], a short one"


def test_values_are_followed_into_whatever_holds_them() -> None:
    held = {
        "token": "x",
        "tokens": 5,
        "list": ["a@b.example"],
        "deep": {"Authorization": "y"},
        "error": ValueError("a@b.example"),
    }
    assert Redaction().value(held) == {
        "token": "[redacted]",
        "tokens": 5,
        "list": ["[e-mail]"],
        "deep": {"Authorization": "[redacted]"},
        "error": "ValueError('[e-mail]')",
    }


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_one_check_digit_in_ten_is_right(number: int) -> None:
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1


@given(st.text())
def test_any_text_can_be_redacted_twice(text: str) -> None:
    once = Redaction().text(text)
    assert Redaction().text(once) == once
