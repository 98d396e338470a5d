"""The window in which a person changes a draft before it is sent. It opens at once and records nothing: only sending it off does.

https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

from typing import Any

import msgspec

from bus.errors import Rejected
from bus.message import Address, Inbound, Sender
from channels.slack.incoming import ACCOUNT
from channels.slack.literal import short
from channels.slack.payloads import Press, milliseconds

Json = dict[str, Any]
EDIT = "edit"
INPUT_LIMIT = 3_000


class Place(msgspec.Struct, frozen=True):
    """Where the draft stands, kept in the view until it comes back."""

    action: str
    channel: str
    thread: str
    message: str


def edit_view(press: Press) -> Json | None:
    """The window for a press on `edit`, with the draft's words in it; None for every other press."""
    if press.type != "block_actions" or not press.actions or press.actions[0].action_id != EDIT:
        return None
    message, channel = press.message, press.channel.id if press.channel else press.container.channel_id
    stands = press.container.message_ts
    thread = press.container.thread_ts or (message.thread_ts if message else None) or stands
    place = Place(press.actions[0].value or "", channel, thread, stands)
    field: Json = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": INPUT_LIMIT}
    words = "".join(_quoted(message.blocks or [])) if message else ""
    return {
        "type": "modal",
        "callback_id": EDIT,
        "private_metadata": msgspec.json.encode(place).decode(),
        "title": {"type": "plain_text", "text": "Change the reply"},
        "submit": {"type": "plain_text", "text": "Send"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            {
                "type": "input",
                "block_id": "reply",
                "label": {"type": "plain_text", "text": "To the customer"},
                "element": field | ({"initial_value": short(words, INPUT_LIMIT)} if words else {}),
            }
        ],
    }


def _quoted(element: Any) -> list[str]:
    """The words inside the quotes of these blocks: the draft, letter by letter."""
    if isinstance(element, list):
        return [text for item in element for text in _quoted(item)]
    if not isinstance(element, dict):
        return []
    if element.get("type") == "rich_text_quote":
        return [str(item.get("text", "")) for item in element.get("elements") or [] if isinstance(item, dict)]
    return _quoted(element.get("elements"))


def parse_edit(press: Press, *, tenant: str, name: str, places: tuple[str, ...]) -> Inbound | None:
    """The window was sent off: a press on `edit` with the new words. Raises Rejected(400)."""
    view = press.view
    if press.type != "view_submission" or view is None or view.callback_id != EDIT or not press.user.id:
        return None
    try:
        place = msgspec.json.decode(view.private_metadata, type=Place)
    except msgspec.DecodeError as error:
        raise Rejected(400, "malformed: a view that is not ours") from error
    if place.channel not in places:
        return None
    return Inbound(
        key=f"press:{place.channel}:{place.message}:{EDIT}:{press.user.id}:{view.id}",
        address=Address(tenant, name, ACCOUNT, place.channel, place.thread),
        sender=Sender(press.user.id, verified="channel"),
        kind="press",
        at=milliseconds(place.message),
        text=place.action,
        button=EDIT,
        target=place.message,
        data={"text": view.words},
    )
