"""The channel: what is said to a customer becomes messages at Twilio, and what was lost on the way is found again."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from bus.channel import Mode, Person, Sending
from bus.errors import Permanent, Retryable, Uncertain
from bus.message import Address, Attachment, Inbound, Side, Template, Words
from bus.store import conversations, outbox, settings
from channels.bringing import address_of
from channels.files.fetching import Fetcher
from channels.port import Lent
from channels.thinking import Thinking
from channels.whatsapp import rendering
from channels.whatsapp.choices import chosen
from channels.whatsapp.client import Listed, Twilio
from channels.whatsapp.endpoint import Endpoint
from channels.whatsapp.incoming import PREFIX, Ours
from channels.whatsapp.reconciler import Reconciler
from channels.whatsapp.settings import LIMITS, OFFICIAL_MEDIA, Settings
from channels.whatsapp.window import Windows

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef

TYPING_LASTS = 20.0  # of 25 s
SKEW = 10_000
LOOK_AGAIN = 5.0
QUICK_REPLY, QUICK_LABEL = 1024, 20  # https://www.twilio.com/docs/content/twilio-quick-reply
REMEMBERED = 10_000
STORAGE = frozenset(
    {"media.twiliocdn.com", ".twiliocdn.com", "s3-external-1.amazonaws.com"}
)  # where Twilio's media lead to
RECYCLED = 90 * 24 * 3_600_000  # carriers give a number to somebody else after 45 to 90 days


class WhatsApp:
    """Implements bus.channel.Channel."""

    side: Side = "customer"
    limits = LIMITS

    def __init__(self, name: str, section: Settings, lent: Lent) -> None:
        self.name = name
        self.settings = section
        self.mode: Mode = section.mode
        self._tenant = lent.tenant
        self._intake = lent.intake
        self._clock = lent.clock
        self._files = lent.files
        self._client = Twilio(section)
        self._windows = Windows(lent.tenant, lent.clock)
        self._thinking = Thinking(lent.hub, TYPING_LASTS)
        self._looked: OrderedDict[str, int] = OrderedDict()
        self._running: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._endpoint = Endpoint(
            self._client, self._ours, lent.intake, lent.clock, lent.public_url, lambda: self.mode, self._take
        )
        self.reconciler = Reconciler(self._client, lent.tenant, self._ours, lent.clock, lambda: self.mode, self._take)

    def reconfigure(self, section: Settings) -> None:
        """From now on, these settings."""
        self.settings = section
        self.mode = section.mode
        self._client.reconfigure(section)

    def _ours(self) -> Ours:
        section = self.settings
        hosts = (*OFFICIAL_MEDIA, section.api_base)
        return Ours(self._tenant.name, self.name, section.account_sid, section.number, hosts)

    # --- the channel's contract

    async def open(self) -> None:
        """See Channel."""
        self._loading = asyncio.create_task(self._client.load(), name=f"{self.name} loads its SDK")
        self._running = asyncio.create_task(self.reconciler.run(), name=f"{self.name} reconciler")

    async def close(self) -> None:
        """See Channel."""
        await self._thinking.close()
        tasks = [task for task in (self._running, self._loading) if task is not None]
        if self._running is not None:
            self._running.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def routes(self) -> Sequence[AbstractRouteDef]:
        """See Channel."""
        return self._endpoint.routes()

    def status(self) -> dict[str, Any]:
        """See Channel."""
        return {**self._endpoint.status(), **self.reconciler.status()}

    async def people(self, sender: str) -> Person:
        """See Channel: customers have no roles."""
        return Person(sender, "")

    async def read_file(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """See channels.files.courier.HasFiles. Twilio asks for the account's word and sends on to its storage, which must not hear it.

        https://www.twilio.com/docs/messaging/api/media-resource
        """
        account, token = self.settings.account_sid, self.settings.auth_token[0].get_secret_value()
        fetcher = Fetcher(STORAGE, self.settings.api_base, *self.settings.media_storage)
        try:
            async for piece in fetcher.read(
                attachment.source, {"Authorization": aiohttp.encode_basic_auth(account, token)}
            ):
                yield piece
        finally:
            await fetcher.close()

    async def locate(self, address: Address) -> str:  # noqa: ARG002
        """See Channel: no thread here is ours."""
        return ""

    def thinking(self, conversation: str, address: Address) -> None:
        """See Channel: «typing …» below their last message, where we know it."""
        sid = self._windows.newest(address.peer)
        if sid:
            self._thinking.begin(conversation, lambda _: self._client.typing(sid))

    # --- in

    async def _take(self, inbound: Inbound, raw: bytes) -> bool:
        """Record a verified message; False when it was here before. Raises Unavailable."""
        phone = str(inbound.data.get("phone", ""))
        other = msgspec.structs.replace(inbound.address, peer=phone) if phone else None
        if other is not None and not await self._may_be_anothers(other, inbound.at):
            await self._tenant.write(conversations.join, inbound.address, other)
        inbound = await self._proved(inbound)
        self._windows.hear(inbound.address.peer, inbound.at, inbound.key.partition(":")[2])
        read = await chosen(self._tenant, inbound)
        accepted = await self._intake().accept(read, side="customer", raw=raw)
        if other is not None and accepted.new:
            await self._tenant.write(conversations.join, inbound.address, other)
        return accepted.new

    async def _proved(self, inbound: Inbound) -> Inbound:
        """A number that was silent for months may be somebody else's by now: it proves nothing any more, to whoever writes from it.

        Meta's id of a person changes with the number's owner, so that one needs no such care.
        """
        name = f"whatsapp.unproved.{inbound.address.key}"
        if not inbound.address.peer.startswith("+"):
            return inbound
        if await self._may_be_anothers(inbound.address, inbound.at):
            await self._tenant.write(settings.put, name, str(inbound.at))
        elif not await self._tenant.read(settings.get, name):
            return inbound
        return msgspec.structs.replace(inbound, sender=msgspec.structs.replace(inbound.sender, verified="none"))

    async def _may_be_anothers(self, address: Address, now: int) -> bool:
        heard = await self._windows.heard_at(address)
        return bool(heard) and now - heard > RECYCLED

    # --- out

    async def send(self, sending: Sending) -> str:
        """See Channel. A text in several messages is begun here and, when an answer is lost within it, ended by `find`."""
        content, to = sending.outbound.content, sending.outbound.to
        if isinstance(content, Template):
            return await self._send_template(sending, content)
        if sending.outbound.act != "say" or not isinstance(content, Words):
            raise Permanent("cannot_change", "WhatsApp shows what was sent as it was")
        if not await self._windows.is_open(to):
            raise Permanent("window_closed", "more than 24 hours after the customer's last message")
        if content.attachments and not content.text:
            return await self._create(sending, media_url=[await address_of(self._files, content.attachments[0])])
        if natively := self._natively(content):
            try:
                return await self._create(sending, **natively)
            except Permanent as error:
                if not error.reason.startswith("template"):
                    raise
        return await self._send_parts(sending, _parts(content))

    async def _send_template(self, sending: Sending, template: Template) -> str:
        """An approved template, which may be sent at any time. Its first variable, where it has one, is the customer's name."""
        sid = self.settings.templates.get(template.name)
        if sid is None:
            raise Permanent("no_template", f"channels.{self.name}.templates has no `{template.name}`")
        return await self._create(sending, content_sid=sid, **_variables(template.values))

    def _natively(self, said: Words) -> dict[str, str]:
        """The buttons as WhatsApp draws them, where a template for so many is configured and the words fit into it."""
        sid = self.settings.templates.get(f"choices_{len(said.buttons)}") if said.buttons else None
        text = rendering.words(msgspec.structs.replace(said, buttons=()))
        labels = [button.label for button in said.buttons]
        fits = len(text) <= QUICK_REPLY and all(len(label) <= QUICK_LABEL for label in labels)
        if sid is None or not text or not fits or any(button.detail for button in said.buttons):
            return {}
        return {"content_sid": sid, **_variables((text, *labels))}

    async def _send_parts(self, sending: Sending, parts: Sequence[str], done: int = 0) -> str:
        """Send the parts from `done` on, in order. Once one was taken, whatever stops the rest is Uncertain: `find` goes on."""
        sid = ""
        for number, part in enumerate(parts[done:], done + 1):
            try:
                last = number == len(parts)
                sid = await self._create(sending, "" if last else f"{number}-{len(parts)}", body=part)
            except Retryable as error:
                if number == 1 or done:
                    raise
                raise Uncertain(f"{number - 1} of {len(parts)} parts were sent") from error
        return sid

    async def _create(self, sending: Sending, part: str = "", **fields: Any) -> str:
        callback = self._endpoint.status_url(sending.attempt, part)
        return await self._client.create(to=f"{PREFIX}{sending.outbound.to.peer}", status_callback=callback, **fields)

    async def find(self, sending: Sending) -> str | None:
        """See Channel: Twilio's list of what went to this customer since the row was made, less what other rows know as theirs.

        A report with the attempt in its address settles the row before that, if it comes. What is not listed after `certain_after`
        was not taken. Of a text in several messages the missing ones are sent from here, so that none is sent twice.
        """
        content, outbound = sending.outbound.content, sending.outbound
        begun = await self._tenant.read(outbox.begun_at, outbound.key)
        sent = [one async for one in self._client.listed(begun - SKEW, to=f"{PREFIX}{outbound.to.peer}")]
        free = [one for one in reversed(sent) if one.at >= begun - SKEW and await self._is_free(one)]
        if not isinstance(content, Words) or (content.attachments and not content.text):
            return None if free else self._absent(sending)
        parts = _parts(content)
        there = _matched(parts, free)
        if self._natively(content) and not there:
            there = [one for one in free if one.body.strip() == _natural(content)]
            parts = parts if not there else [there[0].body]
        if there and len(there) == len(parts):
            return there[-1].sid
        absent = self._absent(sending)
        if not there:
            return absent
        return await self._send_parts(sending, parts, len(there))

    async def _is_free(self, listed: Listed) -> bool:
        """A message of ours that no row of the outbox has as its own."""
        ours = not listed.inbound and listed.sender == f"{PREFIX}{self.settings.number}"
        return ours and not await self._tenant.read(outbox.is_sent, self.name, listed.sid)

    def _absent(self, sending: Sending) -> str:
        """Not listed: certain once it has not been for long enough. Raises Retryable until then."""
        now = self._clock()
        first = self._looked.setdefault(sending.attempt, now)
        while len(self._looked) > REMEMBERED:
            self._looked.popitem(last=False)
        if now - first < self.settings.certain_after * 1000:
            raise Retryable("not listed by Twilio yet", after=LOOK_AGAIN)
        return ""


def _parts(said: Words) -> list[str]:
    parts = rendering.messages(rendering.words(said))
    if not parts:
        raise Permanent("nothing_to_say")
    return parts


def _natural(said: Words) -> str:
    return rendering.words(msgspec.structs.replace(said, buttons=())).strip()


def _variables(values: Sequence[str]) -> dict[str, str]:
    """https://www.twilio.com/docs/content/using-variables-with-content-api"""
    named = {str(number): value for number, value in enumerate(values, 1)}
    return {"content_variables": json.dumps(named)} if named else {}


def _matched(parts: Sequence[str], listed: Sequence[Listed]) -> list[Listed]:
    """The messages that are the first of these parts, in order."""
    found: list[Listed] = []
    for one in listed:
        if len(found) < len(parts) and one.body.strip() == parts[len(found)].strip():
            found.append(one)
    return found
