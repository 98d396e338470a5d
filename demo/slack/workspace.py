"""The workspace with people in it.

What the app does comes in through the Web API (`demo.slack.api`). What people do is a method here, and returns when
the app has been told and has answered.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.faults import Faults
from demo.slack import payloads, typed
from demo.slack.books import Books, SlackError
from demo.slack.events import Courier, Delivery
from demo.slack.files import File, Files
from demo.slack.message import Json, Message
from demo.slack.people import BOT, DESK, TEAM

__all__ = ["SlackError", "Workspace"]


@dataclass(kw_only=True)
class Workspace(Books):
    """One team with one installed app, whose tokens these are. `url` is where the stand-in itself is reached."""

    bot_token: str = field(repr=False)
    courier: Courier
    app_token: str = field(default="", repr=False)
    url: str = ""
    pace: int = 0  # ms between two posts of the app into one channel; faster ones are refused, 0 for none
    missing_scopes: set[str] = field(default_factory=set)
    faults: Faults = field(default_factory=Faults)
    files: Files = field(default_factory=Files)
    _telling: set[asyncio.Task[Delivery]] = field(default_factory=set)

    async def post_as(
        self, user: str, text: str, *, channel: str = DESK, thread_ts: str | None = None, broadcast: bool = False,
        files: tuple[File, ...] = (),
    ) -> str:  # fmt: skip
        """Type a message; returns its `ts` when the app has answered its event."""
        fields = self._typed(text) | {"thread_ts": thread_ts, "broadcast": broadcast, "client_msg_id": self.ids("")}
        shared = [self.files.told(file, self.url) for file in files]
        message, events = self.add(channel, user, **fields, files=shared)
        await self._told(events)
        return message.ts

    async def edit_as(self, user: str, ts: str, text: str, *, channel: str = DESK) -> None:
        message = self._own(user, ts, channel, "cant_update_message")
        await self._told(self.change(message, user, **self._typed(text)))

    async def delete_as(self, user: str, ts: str, *, channel: str = DESK) -> None:
        await self._told(self.remove(self._own(user, ts, channel, "cant_delete_message")))

    async def react_as(self, user: str, ts: str, name: str, *, channel: str = DESK) -> None:
        await self._told(self.react(self.message(channel, ts), name, user))

    async def unreact_as(self, user: str, ts: str, name: str, *, channel: str = DESK) -> None:
        await self._told(self.unreact(self.message(channel, ts), name, user))

    async def press(
        self, user: str, message_ts: str, action_id: str, value: str | None = None, *, channel: str = DESK
    ) -> Delivery:
        """Press the button, or choose from the menu, with this action id (and value, where several have it)."""
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

    def tell_later(self, events: list[Json]) -> None:
        """Tell the app what it caused itself, without waiting for its answer."""
        for envelope in self._envelopes(events):
            task = asyncio.ensure_future(self.courier.event(envelope))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def settled(self) -> None:
        """Wait until the app has been told everything."""
        while self._telling:
            await asyncio.gather(*self._telling)

    async def close(self) -> None:
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self.courier.close()

    async def _told(self, events: list[Json]) -> None:
        await asyncio.gather(*(self.courier.event(envelope) for envelope in self._envelopes(events)))

    def _envelopes(self, events: list[Json]) -> Iterator[Json]:
        """Events of the channels that the app is in; nothing while no app listens."""
        for event in events:
            room = self.rooms[event.get("channel") or event["item"]["channel"]]
            if BOT in room.members and self.courier.listened_to:
                yield payloads.envelope(event, self.ids("Ev"), self.clock())

    def _typed(self, text: str) -> dict[str, Any]:
        parts = typed.elements(text, self.people)
        return {"text": typed.markup(parts), "blocks": typed.rich_text(parts, self.ids("b")) if parts else []}

    def _own(self, user: str, ts: str, channel: str, otherwise: str) -> Message:
        message = self.message(channel, ts)
        if message.user != user:
            raise SlackError(otherwise)
        return message


def _action(message: Message, action_id: str, value: str | None) -> Json:
    """The used element as the payload names it."""
    for n, block in enumerate(message.blocks):
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            if element.get("action_id") == action_id and (used := _used(element, value)) is not None:
                return used | {"action_id": action_id, "block_id": block.get("block_id", f"b{n}")}
    raise SlackError("action_not_found", f"{message.ts} has no {action_id} {value or ''}")


def _used(element: Json, value: str | None) -> Json | None:
    if "options" in element:
        option = next((option for option in element["options"] if option["value"] == value), None)
        return option and {"type": element["type"], "selected_option": option}
    if value not in (None, element.get("value")):
        return None
    return {key: element[key] for key in ("type", "text", "value", "style") if key in element}
