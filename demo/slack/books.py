"""What the workspace holds and every change to it. A change returns the events that Slack would send for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.slack import payloads
from demo.slack.message import Json, Message
from demo.slack.people import BOT, DESK, TEAM, Channel, Member, channels, groups, members

Ids = Callable[[str], str]  # prefix → a new id
REMEMBERED = 3_000  # ms in which a trigger id opens a view


class SlackError(Exception):
    """An answer `{ok: false, error: …}`."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error, self.messages = error, list(messages)


@dataclass
class Books:
    clock: Callable[[], int]
    ids: Ids
    people: dict[str, Member] = field(default_factory=members)
    rooms: dict[str, Channel] = field(default_factory=channels)
    groups: dict[str, list[str]] = field(default_factory=groups)
    log: list[Message] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)
    watchers: list[Callable[[Json], None]] = field(default_factory=list)
    _triggers: dict[str, tuple[str, int]] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)
    last_ts: int = 0

    def room(self, channel: str) -> Channel:
        """By id, or by name with a leading `#`."""
        found = self.rooms.get(channel) or next((r for r in self.rooms.values() if f"#{r.name}" == channel), None)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def messages(self, channel: str = DESK) -> list[Message]:
        """A channel's messages, oldest first, replies and ephemeral ones included."""
        return [message for message in self.log if message.channel == channel]

    def thread(self, ts: str, channel: str = DESK) -> list[Message]:
        """A root and its replies, without ephemeral ones."""
        mine = (m for m in self.messages(channel) if m.for_user is None)
        return [m for m in mine if ts in (m.ts, m.thread_ts)]

    def message(self, channel: str, ts: str) -> Message:
        found = next((m for m in self.messages(channel) if m.ts == ts), None)
        if found is None:
            raise SlackError("message_not_found")
        return found

    def add(self, channel: str, user: str, text: str, **fields: Any) -> tuple[Message, list[Json]]:
        """Put a message into a channel."""
        room = self.room(channel)
        if room.archived:
            raise SlackError("is_archived")
        if user not in room.members:
            raise SlackError("not_in_channel")
        message = Message(room.id, self.next_ts(), user, text, **fields)
        self._join_thread(message)
        if message.by_app and (room.id, message.thread_ts) in self.statuses:
            self.show_status(room.id, str(message.thread_ts), "")
        self.log.append(message)
        self._changed(message)
        return message, self._posted(message)

    def change(self, message: Message, by: str, **fields: Any) -> list[Json]:
        before, ts = message.told(metadata=True), self.next_ts()
        for name, value in fields.items():
            setattr(message, name, value)
        message.edited = {"user": by, "ts": ts}
        self._changed(message)
        return [payloads.changed(message, before, self.room(message.channel), ts)]

    def remove(self, message: Message) -> list[Json]:
        """Delete; a root that has replies stays as a tombstone."""
        before, ts, room = message.told(metadata=True), self.next_ts(), self.room(message.channel)
        if any(m.thread_ts == message.ts and m.is_reply for m in self.messages(room.id)):
            text = "This message was deleted."
            return self.change(message, message.user, text=text, blocks=[], metadata=None, tombstone=True)
        self.log.remove(message)
        self.announce({"removed": {"channel": room.id, "ts": message.ts}})
        return [payloads.deleted(before, room, ts)]

    def show_status(self, channel: str, thread: str, status: str) -> None:
        """What the app does just now in a thread; its next post there takes it away."""
        self.statuses.pop((channel, thread), None)
        if status:
            self.statuses[channel, thread] = status
        self.announce({"status": {"channel": channel, "thread_ts": thread, "text": status}})

    def react(self, message: Message, name: str, user: str) -> list[Json]:
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise SlackError("already_reacted")
        users.append(user)
        self._changed(message)
        return [payloads.reaction("reaction_added", message, name, user, self.next_ts())]

    def unreact(self, message: Message, name: str, user: str) -> list[Json]:
        users = message.reactions.get(name, [])
        if user not in users:
            raise SlackError("no_reaction")
        users.remove(user)
        self._changed(message)
        return [payloads.reaction("reaction_removed", message, name, user, self.next_ts())]

    def direct(self, user: str) -> Channel:
        """The app's direct messages with this person; opened when there are none yet."""
        if user not in self.people:
            raise SlackError("user_not_found")
        room = next((r for r in self.rooms.values() if r.kind == "im" and r.members == {user, BOT}), None)
        if room is None:
            room = Channel(self.ids("D"), self.people[user].name, "im", members={user, BOT})
            self.rooms[room.id] = room
            self.announce({"channel": room.told()})
        return room

    def trigger(self, user: str) -> str:
        trigger = self.ids("trigger.")
        self._triggers[trigger] = (user, self.clock() + REMEMBERED)
        return trigger

    def open_view(self, trigger: str, view: Json) -> Json:
        user, until = self._triggers.pop(trigger, ("", 0))
        if self.clock() > until:
            raise SlackError("expired_trigger_id" if user else "invalid_trigger_id")
        view_id = self.ids("V")
        view |= {"id": view_id, "team_id": TEAM, "hash": self.next_ts(), "state": {"values": {}}}
        self.views[view_id] = view
        self.announce({"view": view, "user": user})
        return view

    def close_view(self, view_id: str) -> None:
        if self.views.pop(view_id, None):
            self.announce({"view_closed": view_id})

    def next_ts(self) -> str:
        """Slack's message id: seconds and microseconds, growing."""
        self.last_ts = max(self.clock() * 1000, self.last_ts + 1)
        return f"{self.last_ts // 1_000_000}.{self.last_ts % 1_000_000:06d}"

    def drawn(self, message: Message) -> Json:
        """For the page: the API's object and what only the workspace knows."""
        return message.told() | {"channel": message.channel, "user": message.user, "for_user": message.for_user,
                                 "username": message.username, "broadcast": message.broadcast}  # fmt: skip

    def announce(self, news: Json) -> None:
        """Tell those who watch the workspace itself."""
        for watcher in self.watchers:
            watcher(news)

    def _changed(self, message: Message) -> None:
        self.announce({"message": self.drawn(message)})

    def _posted(self, message: Message) -> list[Json]:
        if message.for_user:
            return []
        room = self.room(message.channel)
        root = self.message(room.id, message.thread_ts) if message.thread_ts else None
        mention = f"<@{BOT}>" in message.text and not message.by_app and room.kind != "im"
        return [payloads.posted(message, room, root)] + ([payloads.mentioned(message)] if mention else [])

    def _join_thread(self, message: Message) -> None:
        if message.thread_ts is None:
            return
        root = next((m for m in self.messages(message.channel) if m.ts == message.thread_ts), None)
        if root is None or root.is_reply or root.for_user:
            raise SlackError("thread_not_found")
        root.thread_ts = root.ts
