"""Customers in Slack as a channel: hears them through the one app, and answers where they wrote."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bus.channel import Mode, Person, Sending
from bus.errors import GatewayError, Permanent, Unavailable
from bus.message import PLATFORM, Address, Attachment, Customer, Inbound, Side, Words
from bus.seal import Unsealable
from bus.store import conversations
from channels.bringing import at_hand
from channels.port import Lent
from channels.slack import posted
from channels.slack.app import App
from channels.slack.connection import MALFORMED, Json
from channels.slack.customers.outcomes import named
from channels.slack.customers.people import Member, People
from channels.slack.customers.reading import Reading, choice_of, parse_event, parse_press, root, token
from channels.slack.customers.settings import LIMITS, Settings
from channels.slack.customers.writing import Part, face, render, without_buttons
from channels.slack.payloads import Envelope, Press
from channels.thinking import Thinking

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef

EVENT_TYPE = "reply"
GONE = frozenset({"message_not_found", "cant_update_message", "cant_delete_message", "edit_window_closed"})
STATUS_LASTS = 60.0  # Slack forgets a status after two minutes
NOT_OURS = "I can only help members of this workspace."
NOT_YOURS = "These buttons are for the person who asked."
TOLD = 1_000
logger = structlog.get_logger(__name__)


class Customers:
    """Implements bus.channel.Channel and reads from the app."""

    side: Side = "customer"
    limits = LIMITS

    def __init__(self, name: str, settings: Settings, app: App, lent: Lent) -> None:
        self.name = name
        self._app = app
        self._lent = lent
        self._connection = app.connection
        self._people = People(app.connection, lent.clock)
        self._thinking = Thinking(lent.hub, STATUS_LASTS)
        self._counts: Counter[str] = Counter()
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = 0
        self.reconfigure(settings)
        app.read_by(self)

    def reconfigure(self, settings: Settings) -> None:
        """From now on, these settings."""
        self.settings = settings
        self.mode: Mode = settings.mode
        self._faceless = False

    # --- the channel's contract

    async def open(self) -> None:
        """See Channel: the app is open."""

    async def close(self) -> None:
        """Show nothing more; the app is closed by whoever opened it."""
        await self._thinking.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def routes(self) -> Sequence[AbstractRouteDef]:
        """See Channel: the app has them."""
        return ()

    def status(self) -> dict[str, Any]:
        """See Channel."""
        return {"last_event_at": self._last, "events": dict(self._counts)}

    async def people(self, sender: str) -> Person:
        """Customers have no roles."""
        return Person(sender, "")

    def read_file(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """See channels.files.courier.HasFiles."""
        return self._app.files.read(attachment)

    async def locate(self, address: Address) -> str:  # noqa: ARG002
        """No thread here is ours."""
        return ""

    def thinking(self, conversation: str, address: Address) -> None:
        """A line below the thread; a direct message outside one has no place for it."""
        thread = root(address)
        if not thread:
            return

        async def show(_: str) -> None:
            await self._connection.call(
                "assistant.threads.setStatus", channel_id=address.peer, thread_ts=thread, status="is typing…"
            )

        self._thinking.begin(conversation, show)

    # --- what comes in

    def owns(self, channel: str) -> bool:  # noqa: ARG002
        """No place is the customers' alone."""
        return False

    def window(self, press: Press) -> Json | None:  # noqa: ARG002
        """Nothing opens here."""
        return None

    async def event(self, envelope: Envelope) -> Inbound | None:
        """What a customer said, changed or took back. Raises Rejected, and Unavailable while Slack does not say who it was."""
        reading = parse_event(
            envelope,
            tenant=self._lent.tenant.name,
            name=self.name,
            channels=self.settings.channels,
            bot=self._connection.user,
        )
        if reading is None or self._is_off() or not await self._is_for_us(reading):
            return None
        inbound = reading.inbound
        member = await self._people.member(inbound.sender.id)
        if not member.ours:
            self._refuse(inbound.address, inbound.sender.id, member)
            return None
        self._last = self._lent.clock()
        sender = msgspec.structs.replace(inbound.sender, name=member.name)
        return msgspec.structs.replace(inbound, sender=sender, text=await self._with_names(inbound), data={})

    async def press(self, press: Press) -> Inbound | None:
        """A choice that a customer made."""
        inbound = parse_press(press, tenant=self._lent.tenant.name, name=self.name, opened=self._opened)
        if inbound is None and (choice := choice_of(press, self._opened)) is not None:
            self._counts["not_theirs"] += 1
            self._tell(Address.from_key(self._lent.tenant.name, choice.to), press.user.id, NOT_YOURS)
        if inbound is None or self._is_off():
            return None
        self._last = self._lent.clock()
        sender = msgspec.structs.replace(inbound.sender, name=await self._name(inbound.sender.id))
        return msgspec.structs.replace(inbound, sender=sender)

    async def _name(self, user: str) -> str:
        """ "" while Slack does not say: a press is never told again."""
        try:
            return (await self._people.member(user)).name
        except Unavailable:
            return ""

    def customer(self, inbound: Inbound) -> Customer:
        """The person, as Slack has proved them: the same in direct messages and threads."""
        return Customer(f"{PLATFORM}{self.name}", inbound.sender.id, inbound.sender.name)

    def taken(self, inbound: Inbound, press: Press) -> None:
        """The choice was made: the buttons go."""
        blocks = without_buttons((press.message.blocks if press.message else None) or [], inbound.text)
        text = (press.message.text if press.message else None) or inbound.text
        self._begin(
            self._connection.call(
                "chat.update", channel=inbound.address.peer, ts=inbound.target, text=text, blocks=blocks
            )
        )

    def _is_off(self) -> bool:
        """Answered and counted: refusing would cost the desk its events as well."""
        if self.mode != "off":
            return False
        self._counts["off"] += 1
        return True

    async def _is_for_us(self, reading: Reading) -> bool:
        if reading.begins:
            return True
        return await self._lent.tenant.read(conversations.route, reading.inbound.address) is not None

    async def _with_names(self, inbound: Inbound) -> str:
        """The text with people's names in the place of their ids."""
        text = inbound.text
        for user in inbound.data.get("mentions", ()):
            member = await self._people.member(str(user))
            text = text.replace(f"@{user}", f"@{member.name or user}")
        return text

    def _refuse(self, address: Address, user: str, member: Member) -> None:
        """Not for guests and people of other companies; they are told so once."""
        self._counts["not_ours"] += 1
        if member.human and user not in self._told and len(self._told) < TOLD:
            self._told.add(user)
            self._tell(address, user, NOT_OURS)

    def _tell(self, address: Address, user: str, text: str) -> None:
        thread = {"thread_ts": root(address)} if root(address) else {}
        self._begin(self._connection.call("chat.postEphemeral", channel=address.peer, user=user, text=text, **thread))

    def _begin(self, call: Coroutine[Any, Any, Json]) -> None:
        """A courtesy, beside the work: when it fails, nothing is lost."""

        async def run() -> None:
            try:
                await call
            except GatewayError as error:
                self._counts["courtesy_failed"] += 1
                logger.info("slack.courtesy_failed", channel=self.name, error=str(error))

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _opened(self, value: str) -> str | None:
        try:
            return self._lent.seal.open(value)
        except (Unsealable, ValueError):
            return None

    # --- what goes out

    async def send(self, sending: Sending) -> str:
        """See Channel. The id of words in several messages is all of theirs, joined by commas."""
        try:
            return await self._send(sending)
        except Permanent as error:
            raise named(error) from error

    async def _send(self, sending: Sending) -> str:
        if sending.outbound.act == "remove":
            return await self._remove(sending)
        words = sending.outbound.content
        if not isinstance(words, Words) or sending.outbound.act == "mark":
            raise Permanent("nothing_to_say")
        if sending.outbound.act == "replace":
            return await self._replace(sending, words)
        if words.attachments and not words.text:
            return await self._share(sending, words.attachments[0])
        return await self._say(sending, words)

    async def _share(self, sending: Sending, attachment: Attachment) -> str:
        async with at_hand(self._lent.files, attachment) as (kept, path):
            return await self._app.files.share(path, kept, sending.outbound.to.peer, root(sending.outbound.to))

    async def _say(self, sending: Sending, words: Words) -> str:
        """In order; where there are several, what an earlier attempt has posted is not posted again."""
        parts = self._parts(sending, words)
        there = (await self._posted(sending, len(parts)))[0] if len(parts) > 1 else {}
        return ",".join([
            there.get(_key(sending, number)) or await self._post(sending, words, part, number)
            for number, part in enumerate(parts)
        ])  # fmt: skip

    async def _replace(self, sending: Sending, words: Words) -> str:
        """Words that grew or shrank take more messages, or fewer."""
        parts, standing = self._parts(sending, words), _ids(sending)
        for ts, part in zip(standing, parts, strict=False):
            await self._change(sending, ts, part)
        for ts in standing[len(parts) :]:
            await self._delete(sending, ts)
        there = (await self._posted(sending, len(parts)))[0] if len(parts) > len(standing) else {}
        more = [
            there.get(_key(sending, number)) or await self._post(sending, words, parts[number], number)
            for number in range(len(standing), len(parts))
        ]
        return ",".join([*standing[: len(parts)], *more])

    async def _remove(self, sending: Sending) -> str:
        for one in _ids(sending):
            if _is_file(one):
                await self._app.files.remove(one)
            else:
                await self._delete(sending, one)
        return sending.target

    def _parts(self, sending: Sending, words: Words) -> list[Part]:
        to, of = sending.outbound.to, sending.outbound.cause
        tokens = [token(button, to, of, self._lent.seal.seal) for button in words.buttons]
        return render(words, tokens, named=self._faceless)

    async def _post(self, sending: Sending, words: Words, part: Part, number: int) -> str:
        """Post one message; what Slack refuses as malformed once more as mere text, a face it does not allow as a name."""
        shown: Json = {"text": part.text, "blocks": list(part.blocks)}
        try:
            return await self._put(sending, number, shown | ({} if self._faceless else face(words)))
        except Permanent as error:
            if error.reason in MALFORMED:
                return await self._put(sending, number, {"text": part.plain})
            if error.reason != "missing_scope" or self._faceless or not face(words):
                raise
        self._faceless = True
        logger.warning("slack.no_faces", why="the app lacks the scope chat:write.customize")
        return await self._post(sending, words, self._parts(sending, words)[number], number)

    async def _put(self, sending: Sending, number: int, shown: Json) -> str:
        to = sending.outbound.to
        payload = {"key": _key(sending, number), "attempt": sending.attempt}
        told = await self._connection.call(
            "chat.postMessage", channel=to.peer, metadata={"event_type": EVENT_TYPE, "event_payload": payload},
            unfurl_links=False, unfurl_media=False, link_names=False,
            **shown, **({"thread_ts": root(to)} if root(to) else {}),
        )  # fmt: skip
        return str(told.get("ts", ""))

    async def _change(self, sending: Sending, ts: str, part: Part) -> None:
        """One that is gone stays gone, and nothing waits for it."""
        where = {"channel": sending.outbound.to.peer, "ts": ts}
        try:
            await self._connection.call("chat.update", **where, text=part.text, blocks=list(part.blocks))
        except Permanent as error:
            if error.reason in MALFORMED:
                await self._connection.call("chat.update", **where, text=part.plain, blocks=[])
            elif error.reason not in GONE:
                raise

    async def _delete(self, sending: Sending, ts: str) -> None:
        """One that is gone stays gone; one that Slack does not let us take back is somebody's to know."""
        try:
            await self._connection.call("chat.delete", channel=sending.outbound.to.peer, ts=ts)
        except Permanent as error:
            if error.reason != "message_not_found":
                raise

    async def find(self, sending: Sending) -> str | None:
        """See Channel: our posts carry their outbox key. A change may be made again, and so may words of which a part is missing."""
        words = sending.outbound.content
        if sending.outbound.act != "say" or not isinstance(words, Words):
            return ""
        if words.attachments and not words.text:
            return None  # a shared file carries no metadata
        count = len(self._parts(sending, words))
        there, whole = await self._posted(sending, count)
        if len(there) == count:
            return ",".join(there[_key(sending, number)] for number in range(count))
        return "" if whole else None

    async def _posted(self, sending: Sending, count: int) -> tuple[dict[str, str], bool]:
        to = sending.outbound.to
        wanted = {_key(sending, number) for number in range(count)}
        return await posted.keys(self._connection, to.peer, root(to), wanted, EVENT_TYPE)


def _key(sending: Sending, number: int) -> str:
    return f"{sending.outbound.key}#{number}" if number else sending.outbound.key


def _is_file(shown: str) -> bool:
    """A file has an id of its own; a message has the time it was posted."""
    return "." not in shown


def _ids(sending: Sending) -> list[str]:
    """The messages to change. Raises Permanent when there are none."""
    ids = [ts for ts in sending.target.split(",") if ts]
    if not ids:
        raise Permanent("nothing_to_change")
    return ids
