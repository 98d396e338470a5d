"""The channel: its routes, and how a request becomes an Inbound."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiohttp import hdrs, web

from bus.channel import Mode, Person, Sending
from bus.entries import AgentSaid
from bus.errors import Permanent, Unavailable
from bus.message import Address, Attachment, Inbound, Sender, Side
from bus.store import log, sessions
from bus.store.sessions import Session
from bus.wake import Changed
from channels.port import Lent
from channels.web import assets, events, wire
from channels.web.arrivals import Arrivals
from channels.web.limits import Rate
from channels.web.settings import LIMITS, Settings, origin_of
from channels.web.streams import Streams
from channels.web.uploads import Uploads
from channels.web.wire import Message, Refusal

TICK = 2.0
SWEEP = 600_000
FILE = "files/{id:[A-Za-z0-9_-]{1,64}}/{name:.{1,255}}"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
logger = structlog.get_logger(__name__)


class WebChannel:
    """The widget's far end."""

    side: Side = "customer"
    limits = LIMITS

    def __init__(
        self,
        name: str,
        settings: Settings,
        lent: Lent,
    ) -> None:
        self.name = name
        self._tenant = lent.tenant
        self._intake = lent.intake
        self._hub = lent.hub
        self._clock = lent.clock
        self._public_url = lent.public_url
        self._assets = assets.Assets()
        self._arrivals = Arrivals(name, lent.tenant, lent.seal, lent.clock, lent.new_id)
        self._uploads = Uploads(name, lent)
        self._streams = Streams(lent.tenant, lent.hub, lent.clock, self._delivered, self._uploads.show)
        self._message_rate = Rate(10_000)
        self._upload_rate = Rate(60_000)
        self._arrival_rate = Rate(60_000)
        self._counts: Counter[str] = Counter()
        self._last_at = 0
        self._swept_at = 0
        self._ticking: asyncio.Task[None] | None = None
        self._closed = False
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """From now on, these settings. Streams stay open, unless the channel is switched off."""
        self.settings = settings
        self.mode: Mode = settings.mode
        self._origins = wire.Origins(settings.allowed_origins, origin_of(self._public_url()))

    # --- the channel's contract

    async def open(self) -> None:
        """Begin to look after streams."""
        self._ticking = asyncio.create_task(self._run(), name=f"{self.name} streams")

    async def close(self) -> None:
        """End every stream, and what looks after them."""
        self._closed = True
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self._streams.close()

    async def send(self, sending: Sending) -> str:  # noqa: ARG002
        """Never called: people fetch, so the commit is the send."""
        raise Permanent("pull", "the web's readers fetch what was committed")

    async def find(self, sending: Sending) -> str | None:  # noqa: ARG002
        """Nothing is ever sent."""
        return ""

    def thinking(self, conversation: str, address: Address) -> None:
        """See Channel: streams hear it from the hub."""

    def read_file(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """See channels.files.courier.HasFiles: what was uploaded is here, or nowhere."""
        raise Permanent("file_gone", f"{attachment.name or 'the file'} is not here any more")

    async def people(self, sender: str) -> Person:
        """Customers have no roles."""
        return Person(sender, "")

    async def locate(self, address: Address) -> str:  # noqa: ARG002
        """No thread here is ours."""
        return ""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """`/{name}/…` for the API. The widget finds it below the folder it was loaded from: `/` for `web`, else `/{name}/`."""
        site = "" if self.name == "web" else f"/{self.name}"
        return [
            *(route for base in {f"/{self.name}", f"{site}/web"} for route in self._api(base)),
            web.get(f"{site}/widget.js", self._assets.launcher),
            web.get(f"{site}/w/{{version}}/{{file:.+}}", self._assets.file),
            web.get(f"{site}/chat", self._page),
        ]

    def _api(self, base: str) -> list[web.AbstractRouteDef]:
        return [
            web.post(f"{base}/sessions", self._guarded(self._arrive)),
            web.post(f"{base}/messages", self._guarded(self._accept)),
            web.get(f"{base}/events", self._guarded(self._stream), allow_head=False),
            web.put(f"{base}/{FILE}", self._guarded(self._upload)),
            *(web.options(f"{base}/{path}", self._preflight) for path in ("sessions", "messages", "events", FILE)),
        ]

    def status(self) -> dict[str, Any]:
        """What operators see."""
        return {"last_event_at": self._last_at, "streams": len(self._streams), "answers": dict(self._counts)}

    # --- requests

    def _guarded(self, handler: Handler) -> Handler:
        """Off comes before anything else, a stranger's page before any work; a refusal is an answer the page may read."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            headers = self._origins.headers(request)
            try:
                response = await self._checked(request, handler)
            except Refusal as refusal:
                response = refusal.response()
            except Unavailable:
                response = Refusal(503, "nothing can be stored right now", Retry_After="2").response()
            self._counts[str(response.status)] += 1
            if not response.prepared:
                response.headers.update({**headers, hdrs.CACHE_CONTROL: "no-store"})
                response.headers["X-Content-Type-Options"] = "nosniff"
            return response

        return guarded

    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.mode == "off" or self._closed:
            raise Refusal(503, "this channel is closed for now", Retry_After="30")
        self._origins.check(request)
        return await handler(request)

    async def _preflight(self, request: web.Request) -> web.Response:
        headers = self._origins.headers(request)
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN not in headers:
            return web.Response(status=403, headers=headers)
        headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = "GET, POST, PUT"
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = "Authorization, Content-Type, Last-Event-ID"
        headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "600"
        return web.Response(status=204, headers=headers)

    async def _page(self, _: web.Request) -> web.Response:
        return assets.page(self.settings.allowed_origins)

    async def _arrive(self, request: web.Request) -> web.Response:
        """POST /{name}/sessions."""
        self._allow(self._arrival_rate, wire.network_address(request), self.settings.sessions_per_minute)
        token, opened = await self._arrivals.open(request, self.settings)
        if opened.left:
            self._hub.publish(opened.left, Changed())  # its streams look whether they may stay
        session = opened.session
        body = {"session": token, "conversation": session.conversation, "expires_at": session.expires_at}
        return web.json_response(body, status=201)

    async def _accept(self, request: web.Request) -> web.Response:
        """POST /{name}/messages."""
        session = await self._arrivals.find(request)
        self._allow(self._message_rate, session.scope, self.settings.messages_per_10s)
        raw = await wire.read(request)
        said = wire.message(wire.parse(raw))
        inbound = await self._inbound(session, said)
        accepted = await self._intake().accept(inbound, side="customer", raw=raw)
        self._last_at = inbound.at
        return web.json_response({"id": said.id}, status=202 if accepted.new else 200)

    async def _upload(self, request: web.Request) -> web.Response:
        """PUT /{name}/files/{id}/{name}."""
        session = await self._arrivals.find(request)
        if self.settings.uploads == "nobody" or (self.settings.uploads == "identified" and not session.subject):
            raise Refusal(403, "files are not taken here")
        self._allow(self._upload_rate, session.scope, self.settings.uploads_per_minute)
        self._allow(self._upload_rate, f"from {wire.network_address(request)}", 10 * self.settings.uploads_per_minute)
        kept, new = await self._uploads.keep(request, session)
        body = {"id": request.match_info["id"], "name": kept.name, "media_type": kept.media_type, "size": kept.size}
        return web.json_response(body, status=201 if new else 200)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """GET /{name}/events."""
        session = await self._arrivals.find(request)
        headers = self._origins.headers(request)
        return await self._streams.serve(request, session, headers, self.settings.streams_per_address)

    def _allow(self, rate: Rate, key: str, amount: int) -> None:
        wait = rate.wait(key, amount, self._clock())
        if wait:
            raise Refusal(429, "too many; wait and try again", Retry_After=str(int(wait) + 1))

    async def _inbound(self, session: Session, said: Message) -> Inbound:
        """What was said or pressed. Message and press share the key's prefix, since their ids are of one kind."""
        address = Address.from_key(self._tenant.name, session.address)
        sender = Sender(address.peer, session.name, "site" if session.subject else "none")
        key, now = f"message:{session.scope}:{said.id}", self._clock()
        if not said.button:
            files = await self._uploads.of(session, said.files)
            return Inbound(key, address, sender, "message", now, text=said.text, attachments=files)
        label = await self._label(session.conversation, said)
        return Inbound(key, address, sender, "press", now, text=label, button=said.button, target=said.message)

    async def _label(self, conversation: str, said: Message) -> str:
        """The label of the pressed button. Raises Refusal when this conversation has no such message or button."""
        seq = said.message.removeprefix("m")
        known = said.message.startswith("m") and wire.SEQ.fullmatch(seq)
        line = await self._tenant.read(log.one, conversation, int(seq)) if known else None
        if line is None or not isinstance(line.entry, AgentSaid):
            raise Refusal(404, "there is no such message")
        for button in events.buttons(line.entry):
            if button.id == said.button:
                return button.label
        raise Refusal(404, "the message has no such button")

    # --- what goes on meanwhile

    async def _delivered(self, conversation: str, seq: int) -> bool:
        try:
            await self._intake().delivered(conversation, seq)
        except Unavailable as error:
            logger.warning("web.delivery_not_noted", conversation=conversation, error=str(error))
            return False
        return True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.tick()
            except Unavailable as error:
                logger.warning("web.tick_failed", channel=self.name, error=str(error))

    async def tick(self) -> None:
        """Look after the streams, and forget expired sessions."""
        if self.mode == "off":
            return self._streams.end()
        await self._streams.look_after()
        if self._clock() - self._swept_at >= SWEEP:
            self._swept_at = self._clock()
            self._tenant.queue(sessions.sweep, self._swept_at)
            await self._uploads.sweep()
        return None
