"""Our own posts, found again by what we put into their metadata: https://docs.slack.dev/messaging/message-metadata"""

from __future__ import annotations

from collections.abc import Collection

from channels.slack.connection import Connection, Json

PAGES, PAGE = 10, 200


async def keys(
    connection: Connection, channel: str, thread: str, wanted: Collection[str], event_type: str
) -> tuple[dict[str, str], bool]:
    """(key → ts of the wanted posts that are there, whether everything was looked at). Raises Retryable or Permanent."""
    where = {"channel": channel, **({"ts": thread} if thread else {})}
    method = "conversations.replies" if thread else "conversations.history"
    found: dict[str, str] = {}
    onward = ""
    for _ in range(PAGES):
        page = await connection.read(
            method, limit=PAGE, include_all_metadata=True, **where, **({"cursor": onward} if onward else {})
        )
        for message in messages(page):
            key = payload(message, event_type).get("key")
            if isinstance(key, str) and key in wanted:
                found[key] = str(message.get("ts", ""))
        onward = cursor(page)
        if not onward or len(found) == len(wanted):
            return found, True
    return found, False


def messages(page: Json) -> list[Json]:
    """The messages of a page."""
    listed = page.get("messages")
    return [message for message in listed if isinstance(message, dict)] if isinstance(listed, list) else []


def payload(message: Json, event_type: str) -> Json:
    """What we wrote into it, {} when it is no such post of ours."""
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != event_type:
        return {}
    content = metadata.get("event_payload")
    return content if isinstance(content, dict) else {}


def cursor(page: Json) -> str:
    """Where the next page begins, "" when this was the last."""
    more = page.get("response_metadata")
    return str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
