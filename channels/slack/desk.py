"""The desk: a channel whose far end is the team. It draws cases in Slack threads and hears what people do there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bus.channel import Limits, Mode, Person, Sending
from bus.errors import Permanent
from bus.message import CASE_PREFIX, Address, Attachment, Customer, Inbound, Mark, Side, Words
from channels.bringing import at_hand
from channels.files.courier import Courier
from channels.slack import posted
from channels.slack.app import App
from channels.slack.cards import Post, plainly, render
from channels.slack.connection import MALFORMED, Json
from channels.slack.incoming import ACCOUNT, parse_event, parse_press
from channels.slack.literal import escaped
from channels.slack.modals import edit_view, parse_edit
from channels.slack.payloads import Envelope, Press
from channels.slack.settings import DeskSettings
from channels.slack.team import Team

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef

EVENT_TYPE = "case"
SIGNS = {
    "delivered": "white_check_mark",
    "failed": "warning",
    "unknown": "grey_question",
    "private": "lock",
    "seen": "eyes",
}
GONE = frozenset({"message_not_found", "cant_update_message", "cant_delete_message", "edit_window_closed"})


class Desk:
    """Implements bus.channel.Channel."""

    side: Side = "staff"
    mode: Mode = "live"
    limits = Limits(text=11_000, files=True)
    account = ACCOUNT

    def __init__(
        self,
        settings: DeskSettings,
        app: App,
        *,
        tenant: str,
        files: Courier,
        clock: Callable[[], int],
        name: str = "desk",
    ) -> None:
        self.name = name
        self.settings = settings
        self._app = app
        self._connection = app.connection
        self._tenant = tenant
        self._files = files
        self._team = Team(settings, app.connection, clock)
        app.read_by(self)

    def reconfigure(self, settings: DeskSettings) -> None:
        """From now on, these settings."""
        self.settings = settings
        self._team.reconfigure(settings)

    async def open(self) -> None:
        """See Channel: the app is open."""

    async def close(self) -> None:
        """See Channel: the app is closed by whoever opened it."""

    def routes(self) -> Sequence[AbstractRouteDef]:
        """See Channel: the app has them."""
        return ()

    def status(self) -> dict[str, Any]:
        """See Channel."""
        return {**self._app.status(), **self._team.status()}

    def thinking(self, conversation: str, address: Address) -> None:
        """See Channel: no agent answers the team."""

    async def people(self, sender: str) -> Person:
        """See Channel."""
        return await self._team.person(sender)

    def owns(self, channel: str) -> bool:
        """What happens in the desk's channels is nobody else's."""
        return channel in self.settings.places

    def customer(self, inbound: Inbound) -> Customer | None:  # noqa: ARG002
        """Nobody here is one."""
        return None

    def taken(self, inbound: Inbound, press: Press) -> None:
        """The relay draws cards anew."""

    async def event(self, envelope: Envelope) -> Inbound | None:
        """The desk's reading of an event."""
        return parse_event(
            envelope, tenant=self._tenant, name=self.name, places=self.settings.places, bot=self._connection.user
        )

    async def press(self, press: Press) -> Inbound | None:
        """The desk's reading of a press, or of a window that was sent off."""
        read = parse_edit if press.type == "view_submission" else parse_press
        return read(press, tenant=self._tenant, name=self.name, places=self.settings.places)

    def window(self, press: Press) -> Json | None:
        """The desk's windows: `edit` below a draft."""
        return edit_view(press)

    async def send(self, sending: Sending) -> str:
        """See Channel. What Slack refuses as malformed is posted once more as mere text."""
        content = sending.outbound.content
        if isinstance(content, Mark):
            return await self._mark(sending, content)
        if sending.outbound.act == "remove":
            return await self._change("chat.delete", sending, {})
        if content is None:
            raise Permanent("nothing_to_say")
        if isinstance(content, Words) and content.attachments and not content.text:
            try:
                return await self._share(sending, content.attachments[0])
            except Permanent as error:
                content = _not_shown(content, error)
        post = render(content)
        try:
            return await self._put(sending, post)
        except Permanent as error:
            if error.reason not in MALFORMED:
                raise
            return await self._put(sending, plainly(post))

    def read_file(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """See channels.files.courier.HasFiles."""
        return self._app.files.read(attachment)

    async def _share(self, sending: Sending, attachment: Attachment) -> str:
        async with at_hand(self._files, attachment) as (kept, path):
            return await self._app.files.share(path, kept, sending.outbound.to.peer, _thread(sending))

    async def _put(self, sending: Sending, post: Post) -> str:
        body = {"text": post.text, "blocks": list(post.blocks), "metadata": _metadata(sending)}
        if sending.outbound.act == "replace":
            return await self._change("chat.update", sending, body)
        thread = _thread(sending)
        told = await self._connection.call(
            "chat.postMessage", channel=sending.outbound.to.peer, unfurl_links=False, unfurl_media=False, link_names=False,
            **body, **({"thread_ts": thread, "reply_broadcast": post.broadcast} if thread else {}),
        )  # fmt: skip
        return str(told.get("ts", ""))

    async def _change(self, method: str, sending: Sending, body: Json) -> str:
        """Change a message of ours; one that is gone stays gone, and nothing waits for it."""
        if not sending.target:
            raise Permanent("nothing_to_change")
        try:
            await self._connection.call(method, channel=sending.outbound.to.peer, ts=sending.target, **body)
        except Permanent as error:
            if error.reason not in GONE:
                raise
        return sending.target

    async def _mark(self, sending: Sending, mark: Mark) -> str:
        """A reaction that everybody sees, and the reason for its author's eyes only."""
        channel = sending.outbound.to.peer
        if mark.sign in SIGNS and sending.target:
            await self._react(channel, sending.target, SIGNS[mark.sign])
        if mark.note and mark.author:
            thread = {"thread_ts": _thread(sending)} if _thread(sending) else {}
            await self._connection.call(
                "chat.postEphemeral", channel=channel, user=mark.author, text=escaped(mark.note), **thread
            )
        return sending.target

    async def _react(self, channel: str, ts: str, name: str) -> None:
        try:
            await self._connection.call("reactions.add", channel=channel, timestamp=ts, name=name)
        except Permanent as error:
            if error.reason not in {"already_reacted", *GONE}:
                raise

    async def find(self, sending: Sending) -> str | None:
        """See Channel: our posts carry their outbox key, so Slack can be asked. A change or mark may be done again."""
        content = sending.outbound.content
        if sending.outbound.act != "say" or isinstance(content, Mark):
            return ""
        if isinstance(content, Words) and content.attachments and not content.text:
            return None  # a shared file carries no metadata
        key = sending.outbound.key
        there, whole = await posted.keys(
            self._connection, sending.outbound.to.peer, _thread(sending), {key}, EVENT_TYPE
        )
        return there.get(key) or ("" if whole else None)

    async def locate(self, address: Address) -> str:
        """See Channel."""
        if address.peer not in self.settings.places or not address.thread:
            return ""
        try:
            page = await self._connection.read(
                "conversations.replies", channel=address.peer, ts=address.thread, limit=1, include_all_metadata=True
            )
            us = await self._connection.identity()
        except Permanent:
            return ""
        root = next((message for message in posted.messages(page) if message.get("ts") == address.thread), {})
        ours = bool(us.bot and root.get("bot_id") == us.bot) or bool(us.user and root.get("user") == us.user)
        return str(posted.payload(root, EVENT_TYPE).get("conversation", "")) if ours else ""


def _thread(sending: Sending) -> str:
    """The root's ts. Only this file turns `case:…` into one; "" while the root itself is being posted."""
    to = sending.outbound.to
    return sending.anchor if to.opened_by_us else to.thread


def _not_shown(words: Words, why: Permanent) -> Words:
    """In the place of a file: that there was one, and why it is not here."""
    named = ", ".join(file.name for file in words.attachments)
    return msgspec.structs.replace(words, text=f"(shared {named}, which cannot be shown here: {why})", attachments=())


def _metadata(sending: Sending) -> Json:
    """What find and locate go by: https://docs.slack.dev/messaging/message-metadata"""
    to = sending.outbound.to
    payload = {"key": sending.outbound.key, "attempt": sending.attempt}
    if to.opened_by_us:
        payload["conversation"] = to.thread.removeprefix(CASE_PREFIX)
    return {"event_type": EVENT_TYPE, "event_payload": payload}
