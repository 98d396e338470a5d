"""Other people's words as Slack may show them: nothing hidden, nothing that Slack takes for markup or a mention."""

from __future__ import annotations

import re

from channels.cleaning import cleaned

# A joiner between two characters outside ASCII holds an emoji or a word together; anywhere else it hides something.
_JOINERS = "\u200c\u200d"
_LOOSE = re.compile(rf"(?<![^\x00-\x7f{_JOINERS}])[{_JOINERS}]|[{_JOINERS}](?![^\x00-\x7f{_JOINERS}])")
# Look like nothing, but are letters or marks to a program: fillers, blanks, direction marks.
_BLANKS = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200e\u200f\u2800\u3164\uffa0]")
_ANGLE = re.compile(r"(\\*)<")


def visible(text: str) -> str:
    """The text without what nobody sees: controls, bidi overrides, zero-width and tag characters, lone surrogates."""
    return _LOOSE.sub("", _BLANKS.sub("", cleaned(text)))


def escaped(text: str) -> str:
    """For `text` and mrkdwn: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(markdown: str) -> str:
    """Markdown in which nothing starts with an angle bracket: no mention, no link whose text hides where it goes."""
    return _ANGLE.sub(lambda found: found[1][: len(found[1]) // 2 * 2] + "&lt;", visible(markdown))


def short(text: str, limit: int) -> str:
    """At most `limit` characters, visibly cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
