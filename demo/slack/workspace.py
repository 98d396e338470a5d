"""The workspace: channels, messages and the people who write and press in them.

What the app does comes in through the Web API (`demo.slack.api`). What people do is a method here and returns when
the app has been told and has answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.faults import Faults
from demo.slack import payloads, typed
from demo.slack.events import Courier, Delivery
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
class Workspace:
    """One team with one installed app, whose tokens these are."""

    clock: Callable[[], int]
    ids: Ids
    bot_token: str
    courier: Courier
    app_token: str = ""
    url: str = ""  # where the stand-in itself is reached
    faults: Faults = field(default_factory=Faults)
    people: dict[str, Member] = field(default_factory=members)
    rooms: dict[str, Channel] = field(default_factory=channels)
    groups: dict[str, list[str]] = field(default_factory=groups)
    log: list[Message] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)
    watchers: list[Callable[[Json], None]] = field(default_factory=list)
    _triggers: dict[str, tuple[str, int]] = field(default_factory=dict)
    _last_ts: int = 0
    _telling: set[asyncio.Task[Delivery]] = field(default_factory=set)

    # What anybody may look up

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

    # What people do

    async def post_as(
        self, user: str, text: str, *, channel: str = DESK, thread_ts: str | None = None, broadcast: bool = False,
        files: list[Json] | None = None,
    ) -> str:  # fmt: skip
        """Type a message; returns its `ts` when the app has answered its event."""
        parts = typed.elements(text, self.people)
        message = self.add(
            channel, user, typed.markup(parts), thread_ts=thread_ts, broadcast=broadcast, files=files or [],
            blocks=typed.rich_text(parts, self.ids("b")) if parts else [], client_msg_id=self.ids(""),
        )  # fmt: skip
        await self._told(self._posted(message))
        return message.ts

    async def edit_as(self, user: str, ts: str, text: str, *, channel: str = DESK) -> None:
        message = self.message(channel, ts)
        if message.user != user:
            raise SlackError("cant_update_message")
        parts = typed.elements(text, self.people)
        blocks = typed.rich_text(parts, self.ids("b"))
        await self._told(self.change(message, user, text=typed.markup(parts), blocks=blocks))

    async def delete_as(self, user: str, ts: str, *, channel: str = DESK) -> None:
        message = self.message(channel, ts)
        if message.user != user:
            raise SlackError("cant_delete_message")
        await self._told(self.remove(message))

    async def react_as(self, user: str, ts: str, name: str, *, channel: str = DESK) -> None:
        await self._told(self.react(self.message(channel, ts), name, user))

    async def unreact_as(self, user: str, ts: str, name: str, *, channel: str = DESK) -> None:
        await self._told(self.unreact(self.message(channel, ts), name, user))

    async def press(
        self, user: str, message_ts: str, action_id: str, value: str | None = None, *, channel: str = DESK
    ) -> Delivery:
        """Press the button with this action id (and value, where several have it)."""
        message = self.message(channel, message_ts)
        action = _action(message, action_id, value) | {"action_ts": self.next_ts()}
        answer_to = f"{self.url}/actions/{TEAM}/{message.channel}/{message.ts}"
        member, room = self.people[user], self.room(channel)
        payload = payloads.pressed(message, room, member, action, self.trigger(user), answer_to)
        return await self.courier.interaction(payload)

    async def submit(self, user: str, view_id: str, values: Json) -> Delivery:
        """Send a modal off; it closes unless the app answers with errors."""
        view = self.views[view_id]
        payload = payloads.submitted(view, self.people[user], values, self.trigger(user))
        delivery = await self.courier.interaction(payload)
        if delivery.ok and '"errors"' not in delivery.body:
            self.close_view(view_id)
        return delivery

    async def settled(self) -> None:
        """Wait until the app has been told everything."""
        while self._telling:
            await asyncio.gather(*self._telling)

    async def close(self) -> None:
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self.courier.close()

    # What changes the workspace, whoever does it

    def add(self, channel: str, user: str, text: str, **fields: Any) -> Message:
        """Put a message into a channel."""
        room = self.room(channel)
        if room.archived:
            raise SlackError("is_archived")
        if user not in room.members:
            raise SlackError("not_in_channel")
        message = Message(room.id, self.next_ts(), user, text, **fields)
        self._join_thread(message)
        self.log.append(message)
        self._changed(message)
        return message

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
        self._tell_watchers({"removed": {"channel": room.id, "ts": message.ts}})
        return [payloads.deleted(before, room, ts)]

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

    def open_view(self, trigger: str, view: Json) -> Json:
        user, until = self._triggers.pop(trigger, ("", 0))
        if self.clock() > until:
            raise SlackError("expired_trigger_id" if user else "invalid_trigger_id")
        view = view | {"id": self.ids("V"), "team_id": TEAM, "hash": self.next_ts(), "state": {"values": {}}}
        self.views[view["id"]] = view
        self._tell_watchers({"view": view, "user": user})
        return view

    def close_view(self, view_id: str) -> None:
        if self.views.pop(view_id, None):
            self._tell_watchers({"view_closed": view_id})

    def tell_later(self, events: list[Json]) -> None:
        """Tell the app what it caused itself, without waiting for its answer."""
        for envelope in self._envelopes(events):
            task = asyncio.ensure_future(self.courier.event(envelope))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def told_about(self, message: Message) -> list[Json]:
        """The events that a new message causes."""
        return self._posted(message)

    def trigger(self, user: str) -> str:
        trigger = self.ids("trigger.")
        self._triggers[trigger] = (user, self.clock() + REMEMBERED)
        return trigger

    def next_ts(self) -> str:
        """Slack's message id: seconds and microseconds, growing."""
        self._last_ts = max(self.clock() * 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def _posted(self, message: Message) -> list[Json]:
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

    async def _told(self, events: list[Json]) -> None:
        awaiting: list[Awaitable[Delivery]] = [self.courier.event(e) for e in self._envelopes(events)]
        await asyncio.gather(*awaiting)

    def _envelopes(self, events: list[Json]) -> Iterator[Json]:
        """Events of the channels that the app is in; nothing while no app listens."""
        for event in events:
            room = self.rooms[event.get("channel") or event["item"]["channel"]]
            if BOT in room.members and self.courier.gateway_url:
                yield payloads.envelope(event, self.ids("Ev"), self.clock())

    def _changed(self, message: Message) -> None:
        self._tell_watchers({"message": self.drawn(message)})

    def drawn(self, message: Message) -> Json:
        """For the page: the API's object and what only the workspace knows."""
        return message.told() | {"channel": message.channel, "user": message.user, "for_user": message.for_user,
                                 "username": message.username, "broadcast": message.broadcast}  # fmt: skip

    def _tell_watchers(self, news: Json) -> None:
        for watcher in self.watchers:
            watcher(news)


def _action(message: Message, action_id: str, value: str | None) -> Json:
    """The pressed element as the payload names it."""
    for n, block in enumerate(message.blocks):
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            if element.get("action_id") == action_id and value in (None, element.get("value")):
                shown = {key: element[key] for key in ("type", "text", "value", "style") if key in element}
                return shown | {"action_id": action_id, "block_id": block.get("block_id", f"b{n}")}
    raise SlackError("action_not_found", f"{message.ts} has no {action_id} {value or ''}")
