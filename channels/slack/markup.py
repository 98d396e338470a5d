"""What a person typed in Slack, as plain text: links, mentions, emoji and escapes undone.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_TOKEN = re.compile(r"<([^<>]*)>")
_CODE = re.compile(r":[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?")
_BEFORE = r"(?:[\s*_~`>]|&gt;)*"
_TO_SOMEBODY = re.compile(_BEFORE + r"(?:<@|<!(?:subteam\^|here|channel|everyone)|@\w)")

# Real Slack tells each emoji's code point beside the text; these are for senders that do not.
EMOJI = {
    ":lock:": "🔒", ":white_check_mark:": "✅", ":warning:": "⚠️", ":eyes:": "👀", ":pray:": "🙏", ":+1:": "👍",
    ":thumbsup:": "👍", ":-1:": "👎", ":tada:": "🎉", ":blush:": "😊", ":smile:": "😄", ":slightly_smiling_face:": "🙂",
    ":wave:": "👋", ":heart:": "❤️", ":wink:": "😉", ":sweat_smile:": "😅", ":cry:": "😢", ":disappointed:": "😞",
    ":ok_hand:": "👌", ":raised_hands:": "🙌", ":rocket:": "🚀", ":package:": "📦", ":point_right:": "👉",
}  # fmt: skip


class Typed(msgspec.Struct, frozen=True):
    """`text` names people by id (`@U1`, all in `mentions`); `aside`: it is said to a colleague, not to the customer."""

    text: str
    mentions: tuple[str, ...] = ()
    aside: bool = False


def plain(text: str, *, blocks: list[Any] | None = None, bot: str = "") -> Typed:
    """The text as it was meant. Words to our own bot (`@bot resolve`) become a command (`!resolve`)."""
    if bot:
        text = re.sub(rf"\A{_BEFORE}<@{re.escape(bot)}(?:\|[^<>]*)?>[\s:,]*", "!", text)
    mentions = tuple(dict.fromkeys(re.findall(r"<@([A-Z0-9]+)>", text)))
    aside = _TO_SOMEBODY.match(text) is not None
    emoji = EMOJI | dict(_emoji(blocks or []))
    shown = _TOKEN.sub(_shown, text)
    shown = _CODE.sub(lambda code: emoji.get(code[0], code[0]), shown)
    return Typed(shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), mentions, aside)


def _shown(token: re.Match[str]) -> str:
    body, _, label = token[1].partition("|")
    if body.startswith("!"):
        return label or f"@{body[1:].partition('^')[0]}"
    if body.startswith(("@", "#")):
        return f"{body[0]}{label.lstrip('@#')}" if label else body
    return _link(body, label)


def _link(url: str, label: str) -> str:
    """A link that Slack made of what was typed is what was typed; another one shows where it goes."""
    bare = url.removeprefix("mailto:").removeprefix("tel:")
    if not label or label == bare or url in (f"http://{label}", f"https://{label}"):
        return label or bare
    return f"{label} ({bare})"


def _emoji(element: Any) -> Iterator[tuple[str, str]]:
    """(code in the text, character) of every emoji in these blocks."""
    if isinstance(element, list):
        for item in element:
            yield from _emoji(item)
    elif isinstance(element, dict):
        if element.get("type") == "emoji":
            yield from _pair(element)
        yield from _emoji(element.get("elements"))


def _pair(element: dict[str, Any]) -> Iterator[tuple[str, str]]:
    points, tone = str(element.get("unicode") or ""), element.get("skin_tone")
    code = f":{element.get('name')}:" + (f":skin-tone-{tone}:" if tone else "")
    if re.fullmatch(r"[0-9a-f]{2,6}(-[0-9a-f]{2,6})*", points) and all(
        int(p, 16) < 0x110000 for p in points.split("-")
    ):
        yield code, "".join(chr(int(point, 16)) for point in points.split("-"))
