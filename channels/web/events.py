"""The log's lines and the hub's hints as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from bus.entries import (
    AgentSaid,
    CustomerEdited,
    CustomerPressed,
    CustomerSaid,
    Entry,
    Recorded,
    Spoken,
    StaffSaid,
    SystemSaid,
)
from bus.message import Button, Card
from bus.wake import Discard, Preview, Typing
from channels.markup import followed, tree

Show = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]
"""Files of the log as the widget draws them: {name, media_type, size, url}."""
HEARTBEAT = b":\n\n"
SPEAKERS: dict[type[Entry], str] = {
    CustomerSaid: "customer",
    CustomerPressed: "customer",
    CustomerEdited: "customer",
    AgentSaid: "agent",
    SystemSaid: "system",
    StaffSaid: "staff",
}


def message(line: Recorded, replaces: int, show: Show) -> bytes:
    """One message. Only what the agent and the system say is Markdown; a person's words are literal and have no tree."""
    entry = line.entry
    assert isinstance(entry, Spoken)  # noqa: S101 - the statement that reads these lines chooses them by kind
    who = SPEAKERS[type(entry)]
    data = {
        "seq": line.seq,
        "id": client_id(entry) if who == "customer" else f"m{line.seq}",
        "turn": line.turn,
        "from": who,
        "name": entry.name,
        "text": entry.text,
        "tree": _tree(entry.text) if who in ("agent", "system") else [],
        "buttons": buttons(entry),
        "at": line.at,
        "replaces": replaces or None,
        **{name: found for name, found in (("cards", cards(entry)), ("files", _files(entry, show))) if found},
    }
    return b"id: %d\n%b" % (line.seq, event("message", data))


def _files(entry: Spoken, show: Show) -> list[dict[str, Any]]:
    """The customer's own, drawn by the channel that keeps them; of a person's, those that have an address."""
    if isinstance(entry, CustomerSaid):
        return show(entry.attachments) if entry.attachments else []
    shared = entry.attachments if isinstance(entry, StaffSaid) else ()
    return [{name: file[name] for name in ("name", "media_type", "size", "url")} for file in shared if "url" in file]


def client_id(entry: Spoken) -> str:
    """The id that the client made; the log's holds the session's scope before it."""
    return entry.id.partition(":")[2] or entry.id


def buttons(entry: Spoken) -> list[Button]:
    """The choices below a message."""
    return [msgspec.convert(item, Button) for item in entry.buttons] if isinstance(entry, AgentSaid) else []


def cards(entry: Spoken) -> list[Card]:
    """The link cards below a message."""
    return followed(msgspec.convert(item, Card) for item in entry.cards) if isinstance(entry, AgentSaid) else []


def hint(found: Preview | Discard | Typing) -> bytes:
    """Words as they come, their withdrawal, or that somebody writes."""
    if isinstance(found, Preview):
        return event("delta", {"turn": found.turn, "offset": found.offset, "text": found.text})
    if isinstance(found, Discard):
        return event("discard", {"turn": found.turn})
    return event("typing", {})


def state(owner: str, name: str) -> bytes:
    """Who has the word."""
    return event("state", {"owner": owner, "name": name})


def event(name: str, data: object) -> bytes:
    """An event without id. JSON holds no line end, so it is one data line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))


def last_of_ours(lines: Iterable[tuple[Recorded, int]]) -> int:
    """The seq of the last line that is ours to deliver, 0 when there is none."""
    return max((line.seq for line, _ in lines if isinstance(line.entry, AgentSaid | SystemSaid | StaffSaid)), default=0)


@lru_cache(maxsize=256)
def _tree(text: str) -> msgspec.Raw:
    """Every reader of a message gets the same bytes."""
    return msgspec.Raw(msgspec.json.encode(tree(text)))
