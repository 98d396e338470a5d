"""Slack's rules for Block Kit JSON, in Slack's own words where they are known.

https://docs.slack.dev/reference/block-kit/blocks – an unknown type or key is an error, as it is there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Problems = Iterator[str]
Check = Callable[[Any, str], Problems]

MAX_BLOCKS = 50
MAX_MARKDOWN = 12_000  # characters in all markdown blocks of a message together
MAX_CHARACTERS = 13_200  # of all blocks together; undocumented, see slackapi/bolt-js#2509


def problem(message: str, path: str) -> str:
    return f"{message} [json-pointer:{path}]"


def string(most: int, least: int = 1) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, str):
            yield problem("should be a string", path)
        elif len(value) < least:
            yield problem(f"must be more than {least - 1} characters", path)
        elif len(value) > most:
            yield problem(f"must be less than {most + 1} characters", path)

    return check


def one_of(*allowed: Any) -> Check:
    def check(value: Any, path: str) -> Problems:
        if value not in allowed:
            yield problem(f"must be one of {', '.join(map(str, allowed))}", path)

    return check


def flag(value: Any, path: str) -> Problems:
    if not isinstance(value, bool):
        yield problem("should be a boolean", path)


def number(value: Any, path: str) -> Problems:
    if not isinstance(value, int) or isinstance(value, bool):
        yield problem("should be an integer", path)


def listing(of: Check, most: int, least: int = 1) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, list):
            yield problem("should be an array", path)
        elif not least <= len(value) <= most:
            yield problem(f"must have {least} to {most} items", path)
        else:
            for n, item in enumerate(value):
                yield from of(item, f"{path}/{n}")

    return check


def shape(required: Mapping[str, Check] | None = None, **optional: Check) -> Check:
    """An object with these keys and no others; `type` is checked by who chose this shape."""
    needed = required or {}

    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, dict):
            yield problem("should be an object", path)
            return
        for key in needed.keys() - value.keys():
            yield problem(f"missing required field: {key}", path)
        for key, item in value.items():
            rule = needed.get(key) or optional.get(key) or _surplus(key)
            yield from rule(item, f"{path}/{key}")

    return check


def _surplus(key: str) -> Check:
    def check(_: Any, path: str) -> Problems:
        if key != "type":
            yield problem(f"additional property not allowed: {key}", path)

    return check


def typed(shapes: Mapping[str, Check]) -> Check:
    """An object whose `type` says which shape it has."""

    def check(value: Any, path: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in shapes:
            yield problem(f"unsupported type: {kind}", path)
        else:
            yield from shapes[kind](value, path)

    return check


def plain(most: int) -> Check:
    return typed({"plain_text": shape({"text": string(most)}, emoji=flag)})


def text(most: int) -> Check:
    return typed({
        "plain_text": shape({"text": string(most)}, emoji=flag),
        "mrkdwn": shape({"text": string(most)}, verbatim=flag),
    })  # fmt: skip


ID = string(255)
URL = string(3000)
CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, style=one_of("primary", "danger")
)
OPTION = shape({"text": text(75), "value": string(150)}, description=text(75), url=URL)
OPTIONS = listing(OPTION, 100)
IMAGE = shape({"image_url": URL, "alt_text": string(2000)})
STYLE = shape(bold=flag, italic=flag, strike=flag, code=flag, underline=flag, highlight=flag)

BUTTON = shape(
    {"text": plain(75)}, action_id=ID, value=string(2000), url=URL, style=one_of("primary", "danger"), confirm=CONFIRM,
    accessibility_label=string(75),
)  # fmt: skip
OVERFLOW = shape({"options": listing(OPTION, 5)}, action_id=ID, confirm=CONFIRM)
SELECT = shape({"options": OPTIONS}, action_id=ID, placeholder=plain(150), confirm=CONFIRM, initial_option=OPTION,
               focus_on_load=flag)  # fmt: skip
USERS_SELECT = shape(action_id=ID, placeholder=plain(150), confirm=CONFIRM, initial_user=ID, focus_on_load=flag)
CHOICES = shape({"options": listing(OPTION, 10)}, action_id=ID, confirm=CONFIRM, initial_option=OPTION,
                initial_options=listing(OPTION, 10), focus_on_load=flag)  # fmt: skip
TEXT_INPUT = shape(action_id=ID, initial_value=string(3000, 0), multiline=flag, min_length=number, max_length=number,
                   placeholder=plain(150), focus_on_load=flag)  # fmt: skip

INTERACTIVE = {
    "button": BUTTON, "overflow": OVERFLOW, "static_select": SELECT, "users_select": USERS_SELECT,
    "radio_buttons": CHOICES, "checkboxes": CHOICES,
}  # fmt: skip

RICH_INLINE = typed({
    "text": shape({"text": string(12_000)}, style=STYLE),
    "link": shape({"url": URL}, text=string(3000), unsafe=flag, style=STYLE),
    "emoji": shape({"name": ID}, unicode=ID, skin_tone=number),
    "user": shape({"user_id": ID}, style=STYLE),
    "channel": shape({"channel_id": ID}, style=STYLE),
    "usergroup": shape({"usergroup_id": ID}, style=STYLE),
    "broadcast": shape({"range": one_of("here", "channel", "everyone")}, style=STYLE),
    "date": shape({"timestamp": number, "format": ID}, url=URL, fallback=ID, style=STYLE),
    "color": shape({"value": ID}, style=STYLE),
})  # fmt: skip
RICH_SECTION = shape({"elements": listing(RICH_INLINE, 1000, 0)})
RICH_BOX = shape({"elements": listing(RICH_INLINE, 1000, 0)}, border=number, language=ID)
RICH_LIST = shape(
    {"style": one_of("bullet", "ordered"), "elements": listing(typed({"rich_text_section": RICH_SECTION}), 1000)},
    indent=number, border=number, offset=number,
)  # fmt: skip
RICH_ELEMENT = typed({
    "rich_text_section": RICH_SECTION, "rich_text_preformatted": RICH_BOX, "rich_text_quote": RICH_BOX,
    "rich_text_list": RICH_LIST,
})  # fmt: skip

MESSAGE_BLOCKS = {
    "header": shape({"text": plain(150)}, block_id=ID, level=number),
    "divider": shape(block_id=ID),
    "section": shape(block_id=ID, text=text(3000), fields=listing(text(2000), 10), expand=flag,
                     accessory=typed(INTERACTIVE | {"image": IMAGE})),
    "context": shape({"elements": listing(
        typed({"plain_text": shape({"text": string(3000)}, emoji=flag), "mrkdwn": shape({"text": string(3000)},
               verbatim=flag), "image": IMAGE}), 10)}, block_id=ID),
    "actions": shape({"elements": listing(typed(INTERACTIVE), 25)}, block_id=ID),
    "image": shape({"image_url": URL, "alt_text": string(2000)}, title=plain(2000), block_id=ID),
    "rich_text": shape({"elements": listing(RICH_ELEMENT, 1000, 0)}, block_id=ID),
    "markdown": shape({"text": string(MAX_MARKDOWN)}, block_id=ID),
}  # fmt: skip

VIEW_BLOCKS = {kind: rule for kind, rule in MESSAGE_BLOCKS.items() if kind != "markdown"} | {
    "input": shape({"label": plain(2000), "element": typed(INTERACTIVE | {"plain_text_input": TEXT_INPUT})},
                   block_id=ID, hint=plain(2000), optional=flag, dispatch_action=flag),
}  # fmt: skip
VIEW = typed({"modal": shape(
    {"title": plain(24), "blocks": listing(typed(VIEW_BLOCKS), 100)}, submit=plain(24), close=plain(24),
    private_metadata=string(3000, 0), callback_id=string(255, 0), clear_on_close=flag, notify_on_close=flag,
    external_id=string(255, 0),
)})  # fmt: skip


def problems(blocks: list[Any]) -> list[str]:
    """What Slack would say against these blocks of a message; empty if nothing."""
    if len(blocks) > MAX_BLOCKS:
        return [problem(f"no more than {MAX_BLOCKS} items allowed", "/blocks")]
    found = list(listing(typed(MESSAGE_BLOCKS), MAX_BLOCKS, 0)(blocks, "/blocks"))
    return found or [*_bare(blocks), *_repeated(blocks), *_verbose(blocks)]


def view_problems(view: Any) -> list[str]:
    return list(VIEW(view, "/view"))


def _bare(blocks: list[Any]) -> Problems:
    for n, block in enumerate(blocks):
        if block["type"] == "section" and not block.keys() & {"text", "fields"}:
            yield problem("missing required field: text", f"/blocks/{n}")


def _repeated(blocks: list[Any]) -> Problems:
    yield from _twice((block.get("block_id") for block in blocks), "block_id", "/blocks")
    for n, block in enumerate(blocks):
        elements = block["elements"] if block["type"] == "actions" else []
        yield from _twice((element.get("action_id") for element in elements), "action_id", f"/blocks/{n}/elements")


def _twice(values: Iterator[str | None], name: str, path: str) -> Problems:
    for value, times in Counter(value for value in values if value).items():
        if times > 1:
            yield problem(f"`{name}` {value} already exists", path)


def _verbose(blocks: list[Any]) -> Problems:
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MAX_MARKDOWN:
        yield problem(f"markdown blocks have more than {MAX_MARKDOWN} characters in sum", "/blocks")


def characters(value: Any) -> int:
    """All text in these blocks, counted the way the total limit counts it."""
    if isinstance(value, list):
        return sum(map(characters, value))
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    inner = (item for key, item in value.items() if key != "text" or not isinstance(own, str))
    return (len(own) if isinstance(own, str) else 0) + sum(map(characters, inner))
