"""What a customer in Slack sees: the agent's words as Markdown, a person's letter by letter under their name, and choices as buttons.

https://docs.slack.dev/reference/block-kit/blocks – a markdown block holds 12,000 characters, a message about 13,000 in all, a button's
label 75 and an actions block 25 buttons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bus.message import Button, Card, Words
from channels.markup import followed, plainly
from channels.slack.customers.dialect import markdown
from channels.slack.customers.settings import LIMITS
from channels.slack.literal import escaped, short, visible
from channels.splitting import pieces

Json = dict[str, Any]
FALLBACK, CHUNK, LABEL, BUTTONS, NAME, LINE = 3_000, 3_000, 75, 25, 80, 200
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
        said = [_part(plainly(piece), _said(markdown(piece)), piece) for piece in pieces(text, LIMITS.text, _length)]
    else:
        said = [_part(piece, _literal(piece), piece) for piece in pieces(visible(text), LIMITS.text)]
    said = said or [_part("–", _literal("–"), "–")]
    return [*said[:-1], _with_buttons(_with_cards(said[-1], words.cards), words.buttons, tokens)]


def face(words: Words) -> Json:
    """A person's words come under their own name and picture: https://docs.slack.dev/reference/scopes/chat.write.customize"""
    if words.speaker != "staff" or not words.name:
        return {}
    return {"username": short(visible(words.name), NAME), **({"icon_url": words.picture} if words.picture else {})}


def without_buttons(blocks: Sequence[Any], chosen: str) -> list[Json]:
    """A message's blocks once a choice was made: the choice in the place of the buttons."""
    kept = [block for block in blocks if isinstance(block, dict) and not _offers(block)]
    return [*kept, {"type": "context", "elements": [_plain(f"✓ {chosen}", FALLBACK)]}]


def _offers(block: Json) -> bool:
    return block.get("type") == "actions" or "accessory" in block


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


def _with_cards(part: Part, cards: Sequence[Card]) -> Part:
    """Links as elements that Slack never parses, each with what it says below."""
    found = followed(cards)
    plain = short("\n".join([part.plain, *(escaped(f"{card.title}: {card.url}") for card in found)]), PLAIN)
    return msgspec.structs.replace(part, plain=plain, blocks=(*part.blocks, *(_card(card) for card in found)))


def _card(card: Card) -> Json:
    link = {"type": "link", "url": card.url, "text": short(visible(card.title), LABEL), "style": {"bold": True}}
    text = [{"type": "text", "text": f"\n{short(visible(card.text), LINE)}"}] if card.text else []
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [link, *text]}]}


def _with_buttons(part: Part, buttons: Sequence[Button], tokens: Sequence[str]) -> Part:
    """Choices in rows, or one below the other where they say more than their labels."""
    if not buttons:
        return part
    elements = [
        {"type": "button", "action_id": f"choice:{number}", "text": _plain(button.label, LABEL), "value": token}
        for number, (button, token) in enumerate(zip(buttons, tokens, strict=True))
    ]
    plain = short(f"{part.plain}\n{escaped(_listed(buttons))}", PLAIN)
    if any(button.detail for button in buttons):
        blocks = [_item(button, element) for button, element in zip(buttons, elements, strict=True)]
    else:
        rows = [elements[at : at + BUTTONS] for at in range(0, len(elements), BUTTONS)]
        blocks = [{"type": "actions", "elements": row} for row in rows]
    return msgspec.structs.replace(part, plain=plain, blocks=(*part.blocks, *blocks))


def _item(button: Button, element: Json) -> Json:
    """https://docs.slack.dev/reference/block-kit/blocks/section-block"""
    return {"type": "section", "text": _plain(button.detail or button.label, LINE), "accessory": element}


def _listed(buttons: Sequence[Button]) -> str:
    """Choices that must be typed where no button can be shown."""
    return "\n".join(" – ".join(filter(None, (f"• {button.label}", button.detail))) for button in buttons)


def _plain(text: str, limit: int) -> Json:
    return {"type": "plain_text", "text": short(visible(text), limit) or "–", "emoji": False}
