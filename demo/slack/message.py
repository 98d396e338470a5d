"""A message as the workspace keeps it, and as the API tells it."""

from dataclasses import dataclass, field
from typing import Any

from demo.slack.people import APP, BOT, BOT_ID, TEAM

Json = dict[str, Any]


@dataclass
class Message:
    """`ts` is its id within the channel. `for_user` makes it ephemeral."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    username: str | None = None
    icon: str | None = None
    client_msg_id: str | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: Json | None = None
    tombstone: bool = False
    for_user: str | None = None

    @property
    def by_app(self) -> bool:
        return self.user == BOT

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def subtype(self) -> str | None:
        if self.tombstone:
            return "tombstone"
        if self.by_app and (self.username or self.icon):
            return "bot_message"
        return "thread_broadcast" if self.broadcast else "file_share" if self.files else None

    def told(self, *, metadata: bool = False) -> Json:
        """The message object of the API and of events, without what is empty."""
        fields: Json = {
            "type": "message", "subtype": self.subtype, "ts": self.ts, "text": self.text, "team": TEAM,
            "blocks": self.blocks, "thread_ts": self.thread_ts, "client_msg_id": self.client_msg_id,
            "files": self.files, "edited": self.edited, "metadata": self.metadata if metadata else None,
            "reactions": [{"name": n, "users": u, "count": len(u)} for n, u in self.reactions.items() if u],
        } | self._author()  # fmt: skip
        return {key: value for key, value in fields.items() if value not in (None, [], "")} | {"text": self.text}

    def _author(self) -> Json:
        if not self.by_app:
            return {"user": self.user}
        own = {"bot_id": BOT_ID, "app_id": APP}
        if self.subtype == "bot_message":  # a post under another name does not say which user it is from
            return own | {"username": self.username, "icons": {"emoji": self.icon} if self.icon else None}
        return own | {"user": BOT, "bot_profile": {"id": BOT_ID, "app_id": APP, "name": "Support Gateway"}}
