"""What a customer in Slack sees: the agent's words as Markdown, a person's letter by letter under their name, and choices as buttons.

https://docs.slack.dev/reference/block-kit/blocks – a markdown block holds 12,000 characters, a message about 13,000 in all, a button's
label 75 and an actions block 25 buttons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bus.message import Button, Words
from channels.slack.customers.dialect import markdown
from channels.slack.customers.settings import LIMITS
from channels.slack.literal import escaped, short, visible
from channels.splitting import pieces

Json = dict[str, Any]
FALLBACK, CHUNK, LABEL, BUTTONS, NAME = 3_000, 3_000, 75, 25, 80
PLAIN = 39_000  # Slack cuts a text at 40,000


class Part(msgspec.Struct, frozen=True):
    """One message of perhaps several. `text` is for notifications, `plain` all of it, for when Slack refuses the blocks."""

    text: str
    plain: str
    blocks: tuple[Json, ...]


def render(words: Words, tokens: Sequence[str], *, named: bool = False) -> list[Part]:
    """The messages that say this, in order. `tokens` are the buttons' values; `named`: the words begin with the person's name."""
    files = "".join(f"\n📎 {file.name} ({file.media_type})" for file in words.attachments)
    ours = words.speaker in ("agent", "system")
    prefix = f"{words.name}: " if named and words.name and not ours else ""
    text = f"{prefix}{words.text}{files}".strip() or "–"
    if ours:
        said = [_part(markdown(piece), _said(markdown(piece)), piece) for piece in pieces(text, LIMITS.text, _length)]
    else:
        said = [_part(piece, _literal(piece), piece) for piece in pieces(visible(text), LIMITS.text)]
    said = said or [_part("–", _literal("–"), "–")]
    return [*said[:-1], _with_buttons(said[-1], words.buttons, tokens)]


def face(words: Words) -> Json:
    """A person's words come under their own name and picture: https://docs.slack.dev/reference/scopes/chat.write.customize"""
    if words.speaker != "staff" or not words.name:
        return {}
    return {"username": short(visible(words.name), NAME), **({"icon_url": words.picture} if words.picture else {})}


def without_buttons(blocks: Sequence[Any], chosen: str) -> list[Json]:
    """A message's blocks once a choice was made: the choice in the place of the buttons."""
    kept = [block for block in blocks if isinstance(block, dict) and block.get("type") != "actions"]
    return [*kept, {"type": "context", "elements": [_plain(f"✓ {chosen}", FALLBACK)]}]


def _length(text: str) -> int:
    """What counts is how long it is when written: escapes make it longer."""
    return len(text) if len(text) > LIMITS.text else max(len(text), len(markdown(text)))


def _part(shown: str, block: Json, whole: str) -> Part:
    return Part(short(escaped(shown), FALLBACK) or "–", short(escaped(whole), PLAIN), (block,))


def _said(text: str) -> Json:
    return {"type": "markdown", "text": text or "–"}


def _literal(text: str) -> Json:
    """Elements that Slack never parses: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""
    elements = [{"type": "text", "text": text[at : at + CHUNK]} for at in range(0, len(text), CHUNK)]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def _with_buttons(part: Part, buttons: Sequence[Button], tokens: Sequence[str]) -> Part:
    elements = [
        {"type": "button", "action_id": f"choice:{number}", "text": _plain(button.label, LABEL), "value": token}
        for number, (button, token) in enumerate(zip(buttons, tokens, strict=True))
    ]
    if not elements:
        return part
    plain = short(f"{part.plain}\n{escaped(_listed(buttons))}", PLAIN)
    rows = [elements[at : at + BUTTONS] for at in range(0, len(elements), BUTTONS)]
    blocks = tuple({"type": "actions", "elements": row} for row in rows)
    return msgspec.structs.replace(part, plain=plain, blocks=(*part.blocks, *blocks))


def _listed(buttons: Sequence[Button]) -> str:
    """Choices that must be typed where no button can be shown."""
    return "\n".join(f"• {button.label}" for button in buttons)


def _plain(text: str, limit: int) -> Json:
    return {"type": "plain_text", "text": short(visible(text), limit) or "–", "emoji": False}
