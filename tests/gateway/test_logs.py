"""The log: one event per line, machine-readable unless a person looks, and nothing in it that should not be."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_of_ours_and_of_libraries_are_lines_of_json() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream)
    with structlog.contextvars.bound_contextvars(conversation="conv_1"):
        structlog.get_logger().info("turn_done", turn=3)
    logging.getLogger("aiogram").warning("retrying %s", "soon")
    logging.getLogger("aiogram").info("chatter")
    structlog.get_logger().debug("detail")
    ours, theirs = written(stream)
    assert (ours["event"], ours["conversation"], ours["turn"], ours["level"]) == ("turn_done", "conv_1", 3, "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("retrying soon", "aiogram", "warning")


def test_secrets_are_gone_even_from_tracebacks() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream, secrets=["the operator's own"])
    try:
        raise RuntimeError("https://api.telegram.org/bot123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TMAKdiHm9T0/getMe")
    except RuntimeError:
        structlog.get_logger().exception("call_failed", token="abc", note="the operator's own a@b.example")
    line = stream.getvalue()
    assert json.loads(line)["note"] == "[redacted] [e-mail]"
    assert "RuntimeError" in line
    assert not any(secret in line for secret in ("AAHfiqks", "abc", "operator's", "a@b"))


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_what_a_customer_wrote_cannot_draw_or_forge_a_line(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    structlog.get_logger().info("said", text="hi\n2026 [info] forged\x1b[2J\u202eevil\u2028next\x85")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b[2J" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_a_person_at_a_terminal_gets_words() -> None:
    stream = Terminal()
    logs.configure("debug", stream=stream)
    structlog.get_logger().debug("listening", port=8080)
    assert "listening" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
