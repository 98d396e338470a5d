"""What Slack makes of text that a person types: escaped, linked, mentions and emoji named.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from demo.slack.people import Member

EMOJI = {"🔒": "lock", "👀": "eyes", "✅": "white_check_mark", "🙏": "pray", "👍": "+1", "🎉": "tada", "😊": "blush",
         "❤️": "heart", "🔴": "red_circle", "🟠": "large_orange_circle", "⚠️": "warning"}  # fmt: skip

_PARTS = re.compile(
    r"(?P<link>https?://[^\s<>|]+[^\s<>|.,;:!?)])"
    r"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<site>\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|es)\b(?:/\S*)?)"
    r"|(?P<mention>@[^\W\d_][\w]*(?: [^\W\d_][\w]*)?)"
    r"|(?P<emoji>" + "|".join(EMOJI) + ")"
)

Element = dict[str, Any]


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def elements(text: str, members: Mapping[str, Member]) -> list[Element]:
    """The rich-text elements of a typed line."""
    return list(_elements(text, members))


def _elements(text: str, members: Mapping[str, Member]) -> Iterator[Element]:
    at = 0
    for match in _PARTS.finditer(text):
        element, taken = _element(str(match.lastgroup), match[0], members)
        if element is None:
            continue
        if match.start() > at:
            yield {"type": "text", "text": text[at : match.start()]}
        yield element
        at = match.start() + taken
    if at < len(text):
        yield {"type": "text", "text": text[at:]}


def _element(kind: str, found: str, members: Mapping[str, Member]) -> tuple[Element | None, int]:
    """The element, and how much of what was found it takes."""
    if kind == "mention":
        return _mention(found, members)
    if kind == "emoji":
        return {"type": "emoji", "name": EMOJI[found]}, len(found)
    url = {"link": found, "mail": f"mailto:{found}", "site": f"http://{found}"}[kind]
    return {"type": "link", "url": url} | ({} if kind == "link" else {"text": found}), len(found)


def _mention(found: str, members: Mapping[str, Member]) -> tuple[Element | None, int]:
    for name in (found[1:], found[1:].partition(" ")[0]):
        for member in members.values():
            if name.casefold() in {n.casefold() for n in (member.name, member.real_name, member.display_name)}:
                return {"type": "user", "user_id": member.id}, len(name) + 1
    return None, 0


def markup(parts: list[Element]) -> str:
    """The `text` field of the same message."""
    return "".join(_markup(part) for part in parts)


def _markup(part: Element) -> str:
    match part["type"]:
        case "user":
            return f"<@{part['user_id']}>"
        case "emoji":
            return f":{part['name']}:"
        case "link":
            label = f"|{escaped(part['text'])}" if "text" in part else ""
            return f"<{escaped(part['url'])}{label}>"
        case _:
            return escaped(part["text"])


def rich_text(parts: list[Element], block_id: str) -> list[Element]:
    section = {"type": "rich_text_section", "elements": parts}
    return [{"type": "rich_text", "block_id": block_id, "elements": [section]}]
