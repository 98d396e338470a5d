"""One log for everything in the process: an event per line, without secrets, and nothing a customer wrote can draw on the screen."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from gateway.redaction import Redaction

Events = MutableMapping[str, Any]
Processor = Callable[[Any, str, Events], Any]
CHATTY = (
    "aiogram",
    "aiohttp",
    "asyncio",
    "httpx",
    "httpcore",
    "LiteLLM",
    "mcp",
    "slack_bolt",
    "slack_sdk",
    "twilio",
    "watchfiles",
)
# Controls, line separators, and the marks that turn the direction of writing round.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def configure(
    level: str = "info",
    form: Literal["auto", "json", "text"] = "auto",
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send structlog and the standard library's logging to one stream (stderr). May be called again, e.g. on reload."""
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    shared = _shared(Redaction(secrets), as_text=as_text)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
            processors=[
                *shared,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(stream, as_text),
            ],
        )
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=number, force=True)
    logging.captureWarnings(True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _shared(redaction: Redaction, *, as_text: bool) -> list[Processor]:
    """What every event passes, ours or a library's."""

    def redact(_: Any, __: str, event: Events) -> Events:
        return {key: value if key.startswith("_") else redaction.value(value, key) for key, value in event.items()}

    steps: list[Processor] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]
    return [*steps, escape] if as_text else steps


def escape(_: Any, __: str, event: Events) -> Events:
    """Control characters as visible escapes; only a traceback, which is ours, keeps its line ends."""
    return {key: _escaped(value, keep="\n" if key == "exception" else "") for key, value in event.items()}


def _escaped(value: Any, keep: str = "") -> Any:
    if not isinstance(value, str):
        return value
    return CONTROL.sub(lambda found: found[0] if found[0] in keep else repr(found[0])[1:-1], value)


def _renderer(stream: TextIO, as_text: bool) -> Processor:
    if not as_text:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
