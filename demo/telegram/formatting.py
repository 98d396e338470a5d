"""What Telegram lets through as a text: https://core.telegram.org/bots/api#formatting-options

The real servers drop some spans that make no sense; here each of them is refused, so that nobody sends one without noticing.
"""

import html
import re
from typing import Any

Json = dict[str, Any]
LONGEST = 4096
MOST = 100
KINDS = frozenset({
    "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic", "underline", "strikethrough",
    "spoiler", "blockquote", "expandable_blockquote", "code", "pre", "text_link", "text_mention", "custom_emoji",
})  # fmt: skip
WHOLE = frozenset({"code", "pre"})
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strikethrough",
    "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
}  # fmt: skip
LINK = re.compile(r"(?:https?://[^\s/]+\S*|tg://\S+)")
TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z0-9-]*)(?P<more>[^>]*)(?P<close>>?)")
HREF = re.compile(r"""href=["']([^"']*)["']""")
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]")


class Refused(Exception):
    """The Bot API's error: its code, its description and sometimes parameters."""

    def __init__(self, description: str, code: int = 400, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def formatted(text: str, entities: list[Json] | None, parse_mode: str) -> tuple[str, list[Json]]:
    """The text as it is shown and its spans. Raises Refused."""
    if parse_mode:
        if parse_mode.upper() != "HTML":
            raise Refused(f"Bad Request: unsupported parse_mode {parse_mode} in the demo")
        text, entities = parsed(text)
    check(text, entities or [])
    return text, entities or []


def check(text: str, entities: list[Json], longest: int = LONGEST) -> None:
    """Raises Refused for a text or a span that cannot be shown as it says."""
    if not text.strip():
        raise Refused("Bad Request: message text is empty")
    if units(text) > longest:
        raise Refused("Bad Request: message is too long")
    if UNSEEN.search(text):
        raise Refused("Bad Request: text must be encoded in UTF-8 and hold nothing that cannot be seen")
    if len(entities) > MOST:
        raise Refused("Bad Request: too many entities")
    encoded = text.encode("utf-16-le")
    spans = [_span(encoded, entity) for entity in entities]
    for number, one in enumerate(spans):
        for other in spans[number + 1 :]:
            _beside(one, other)


def _span(encoded: bytes, entity: Json) -> tuple[str, int, int]:
    kind, offset, length = entity.get("type"), entity.get("offset"), entity.get("length")
    if kind not in KINDS:
        raise Refused(f"Bad Request: can't parse MessageEntity: unsupported type {kind}")
    if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length <= 0:
        raise Refused("Bad Request: can't parse MessageEntity: ENTITY_BOUNDS_INVALID")
    end = offset + length
    if end * 2 > len(encoded) or _torn(encoded, offset) or _torn(encoded, end):
        raise Refused("Bad Request: ENTITY_BOUNDS_INVALID")
    words = encoded[offset * 2 : end * 2].decode("utf-16-le")
    if words != words.strip():
        raise Refused("Bad Request: ENTITY_BOUNDS_INVALID: white space at an end")
    if kind == "text_link" and not LINK.fullmatch(str(entity.get("url", ""))):
        raise Refused("Bad Request: ENTITY_URL_INVALID")
    return str(kind), offset, end


def _torn(encoded: bytes, at: int) -> bool:
    """True inside a character of two units."""
    unit = encoded[at * 2 : at * 2 + 2]
    return len(unit) == 2 and 0xDC00 <= int.from_bytes(unit, "little") <= 0xDFFF


def _beside(one: tuple[str, int, int], other: tuple[str, int, int]) -> None:
    (kind, begin, end), (kind_2, begin_2, end_2) = one, other
    if end <= begin_2 or end_2 <= begin:
        return
    nested = (begin <= begin_2 and end_2 <= end) or (begin_2 <= begin and end <= end_2)
    if not nested or {kind, kind_2} & WHOLE or {kind, kind_2} <= QUOTES:
        raise Refused(f"Bad Request: can't parse entities: {kind} and {kind_2} overlap")


def parsed(source: str) -> tuple[str, list[Json]]:
    """Telegram's HTML. Raises Refused."""
    text, entities, open_ = "", list[Json](), list[tuple[str, int, str]]()
    at = 0
    for tag in TAG.finditer(source):
        text += html.unescape(source[at : tag.start()])
        at, name = tag.end(), tag["name"].lower()
        if not tag["close"] or name not in TAGS:
            raise Refused(
                f'Bad Request: can\'t parse entities: Unsupported start tag "{name}" at byte offset {len(source[: tag.start()].encode())}'
            )
        if not tag["end"]:
            href = HREF.search(tag["more"])
            open_.append((name, units(text), html.unescape(href[1]) if href else ""))
            continue
        if not open_ or open_[-1][0] != name:
            raise Refused(f'Bad Request: can\'t parse entities: Unexpected end tag "{name}"')
        _, begin, url = open_.pop()
        if units(text) > begin:
            entities.append(
                {"type": TAGS[name], "offset": begin, "length": units(text) - begin} | ({"url": url} if url else {})
            )
    if open_:
        raise Refused(
            f"Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"{open_[-1][0]}\""
        )
    return text + html.unescape(source[at:]), entities
