"""The channel: its routes, what they do, and the streams that are open."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog
from aiohttp import hdrs, web

from bus.accept import Intake
from bus.channel import Limits, Mode, Person, Sending
from bus.entries import AgentSaid
from bus.errors import Permanent, Unavailable
from bus.message import Address, Customer, Inbound, Sender, Side
from bus.seal import Seal
from bus.store import Tenant, log, sessions
from bus.store.sessions import Opening, Session, View
from bus.wake import Changed, Hub
from channels.web import assets, events, identity, wire
from channels.web.limits import Rate
from channels.web.settings import Settings, origin_of
from channels.web.stream import PAGE, Ports, Stream
from channels.web.wire import Message, Refusal

HOUR = 3_600_000
TICK = 2.0
SWEEP = 600_000
STREAMS_OF_ONE = 20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
logger = structlog.get_logger(__name__)


class WebChannel:
    """The widget's far end. `intake` is asked for when something comes in, since it is made after the channels."""

    side: Side = "customer"
    limits = Limits(pull=True, names=True, withdraws=True, replaces=True, text=8000)

    def __init__(
        self,
        name: str,
        settings: Settings,
        tenant: Tenant,
        intake: Callable[[], Intake],
        hub: Hub,
        *,
        clock: Callable[[], int],
        new_id: Callable[[str], str],
        seal: Seal,
        public_url: str,
    ) -> None:
        self.name = name
        self.mode: Mode = settings.mode
        self._tenant = tenant
        self._intake = intake
        self._hub = hub
        self._clock = clock
        self._new_id = new_id
        self._seal = seal
        self._own = origin_of(public_url)
        self._assets = assets.Assets()
        self._messages = Rate(10_000)
        self._arrivals = Rate(60_000)
        self._streams: dict[str, list[Stream]] = {}
        self._from: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._last_at = 0
        self._swept_at = 0
        self._empty = asyncio.Event()
        self._ticking: asyncio.Task[None] | None = None
        self._closed = False
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """From now on, these settings. Streams stay open, unless the channel is switched off."""
        self.settings = settings
        self.mode = settings.mode
        self._origins = wire.Origins(settings.allowed_origins, self._own)
        self._secrets = [secret.get_secret_value() for secret in settings.identity_secret]

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
        self._end_all()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK):
                while self._streams:
                    self._empty.clear()
                    await self._empty.wait()

    async def send(self, sending: Sending) -> str:  # noqa: ARG002
        """Never called: people fetch, so the commit is the send."""
        raise Permanent("pull", "the web's readers fetch what was committed")

    async def find(self, sending: Sending) -> str | None:  # noqa: ARG002
        """Nothing is ever sent."""
        return ""

    async def people(self, sender: str) -> Person:
        """Customers have no roles."""
        return Person(sender, "")

    async def locate(self, address: Address) -> str:  # noqa: ARG002
        """No thread here is ours."""
        return ""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """`/{name}/…` for the API. The widget finds its own below the folder it was loaded from: `/` for `web`, else `/{name}/`."""
        site = "" if self.name == "web" else f"/{self.name}"
        return [
            *(route for base in {f"/{self.name}", f"{site}/web"} for route in self._api(base)),
            web.get(f"{site}/widget.js", self._assets.launcher),
            web.get(f"{site}/w/{{version}}/{{file:.+}}", self._assets.file),
            web.get(f"{site}/chat", self._page),
        ]

    def _api(self, base: str) -> list[web.AbstractRouteDef]:
        return [
            web.post(f"{base}/sessions", self._guarded(self._open_session)),
            web.post(f"{base}/messages", self._guarded(self._accept)),
            web.get(f"{base}/events", self._guarded(self._stream), allow_head=False),
            *(web.options(f"{base}/{path}", self._preflight) for path in ("sessions", "messages", "events")),
        ]

    def status(self) -> dict[str, Any]:
        """What operators see."""
        streams = sum(len(streams) for streams in self._streams.values())
        return {"last_event_at": self._last_at, "streams": streams, "counts": dict(self._counts)}

    # --- requests

    def _guarded(self, handler: Handler) -> Handler:
        """Off comes before anything else, a stranger's page before any work; a refusal is an answer the page may read."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            headers = self._origins.headers(request)
            try:
                if self.mode == "off" or self._closed:
                    raise Refusal(503, "this channel is closed for now", Retry_After="30")
                self._origins.check(request)
                response = await handler(request)
            except Refusal as refusal:
                response = refusal.response()
            except Unavailable:
                response = Refusal(503, "nothing can be stored right now", Retry_After="2").response()
            self._counts[str(response.status)] += 1
            if not response.prepared:
                response.headers.update(
                    {**headers, hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
                )
            return response

        return guarded

    async def _preflight(self, request: web.Request) -> web.Response:
        headers = self._origins.headers(request)
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN not in headers:
            return web.Response(status=403, headers=headers)
        headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = "GET, POST"
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = "Authorization, Content-Type, Last-Event-ID"
        headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "600"
        return web.Response(status=204, headers=headers)

    async def _page(self, _: web.Request) -> web.Response:
        return assets.page(self.settings.allowed_origins)

    async def _session(self, request: web.Request) -> Session:
        token = wire.bearer(request)
        found = await self._tenant.read(sessions.find, _digest(token), self._clock()) if token else None
        if found is None or found.channel != self.name:
            raise wire.unknown()
        return found

    async def _open_session(self, request: web.Request) -> web.Response:
        old = wire.bearer(request)
        self._allow(self._arrivals, wire.network_address(request), self.settings.sessions_per_minute)
        signed = wire.identity(wire.parse(await wire.read(request) or b"{}"))
        customer = self._verified(signed) if signed else None
        token = secrets.token_urlsafe(32)
        opening = self._opening(token, old, customer)
        opened = await self._tenant.write(sessions.begin, opening, self._clock())
        if opened is None:
            raise wire.unknown()
        if opened.left:
            self._hub.publish(opened.left, Changed())
        body = {"session": token, "conversation": opened.session.conversation, "expires_at": opened.session.expires_at}
        return web.json_response(body, status=201)

    def _opening(self, token: str, old: str, customer: Customer | None) -> Opening:
        now = self._clock()
        peer = f"sub:{customer.id}" if customer else f"visitor:{secrets.token_hex(16)}"
        return Opening(
            digest=_digest(token),
            address=Address(self._tenant.name, self.name, "", peer),
            conversation=self._new_id("c"),
            scope=self._new_id("s"),
            visitor_until=now + self.settings.visitor_hours * HOUR,
            customer_until=now + self.settings.session_hours * HOUR,
            customer=customer,
            renews=_digest(old) if old else "",
        )

    def _verified(self, signed: str) -> Customer:
        if not self._secrets:
            raise Refusal(400, "identities are not accepted here: identity_secret is not set")
        try:
            customer = identity.verify(signed, self._secrets, self._clock(), self.name)
        except identity.NotVerified as error:
            raise Refusal(401, str(error)) from None
        token = self._seal.seal(customer.token) if customer.token else ""
        return msgspec.structs.replace(customer, token=token)

    def _allow(self, rate: Rate, key: str, amount: int) -> None:
        wait = rate.wait(key, amount, self._clock())
        if wait:
            raise Refusal(429, "too many; wait and try again", Retry_After=str(int(wait) + 1))

    async def _accept(self, request: web.Request) -> web.Response:
        session = await self._session(request)
        self._allow(self._messages, session.scope, self.settings.messages_per_10s)
        raw = await wire.read(request)
        said = wire.message(wire.parse(raw))
        inbound = await self._inbound(session, said)
        accepted = await self._intake().accept(inbound, side="customer", raw=raw)
        self._last_at = inbound.at
        return web.json_response({"id": said.id}, status=202 if accepted.new else 200)

    async def _inbound(self, session: Session, said: Message) -> Inbound:
        address = Address.from_key(self._tenant.name, session.address)
        sender = Sender(address.peer, session.name, "site" if session.subject else "none")
        key = f"message:{session.scope}:{said.id}"
        if not said.button:
            return Inbound(key, address, sender, "message", self._clock(), text=said.text)
        label = await self._label(session, said)
        return Inbound(
            key, address, sender, "press", self._clock(), text=label, button=said.button, target=said.message
        )

    async def _label(self, session: Session, said: Message) -> str:
        """The label of the pressed button. Raises Refusal when this conversation has no such message or button."""
        seq = said.message.removeprefix("m")
        known = said.message.startswith("m") and wire.SEQ.fullmatch(seq)
        line = await self._tenant.read(log.one, session.conversation, int(seq)) if known else None
        if line is None or not isinstance(line.entry, AgentSaid):
            raise Refusal(404, "there is no such message")
        for button in events.buttons(line.entry):
            if button.id == said.button:
                return button.label
        raise Refusal(404, "the message has no such button")

    # --- streams

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        session = await self._session(request)
        after, near = wire.last_event_id(request), wire.network_address(request)
        if self._from[near] >= self.settings.streams_per_address:
            raise Refusal(429, "too many streams are open", Retry_After="10")
        with self._hub.subscribe(session.conversation) as hints:
            first = await self._tenant.read(sessions.view, session.digest, after, self._clock(), PAGE)
            if first is None:
                raise wire.unknown()
            response = web.StreamResponse(headers=self._origins.headers(request) | STREAM_HEADERS)
            stream = Stream(session, request, response, hints, Ports(self._view, self._delivered))
            self._enter(stream, near)
            try:
                await response.prepare(request)
                await stream.run(first)
            except Unavailable as error:
                logger.warning("web.stream_failed", channel=self.name, error=str(error))
            finally:
                self._leave(stream, near)
        return response

    def _enter(self, stream: Stream, near: str) -> None:
        """A session that opens ever more streams loses its oldest."""
        mine = self._streams.setdefault(stream.session.scope, [])
        mine.append(stream)
        self._from[near] += 1
        if len(mine) > STREAMS_OF_ONE:
            mine[0].end()

    def _leave(self, stream: Stream, near: str) -> None:
        self._from[near] -= 1
        if not self._from[near]:
            del self._from[near]
        mine = self._streams[stream.session.scope]
        mine.remove(stream)
        if not mine:
            del self._streams[stream.session.scope]
        self._empty.set()

    async def _view(self, digest: str, after: int) -> View | None:
        return await self._tenant.read(sessions.view, digest, after, self._clock(), PAGE)

    async def _delivered(self, conversation: str, seq: int) -> None:
        try:
            await self._intake().delivered(conversation, seq)
        except Unavailable as error:
            logger.warning("web.delivery_not_noted", conversation=conversation, error=str(error))

    def _end_all(self) -> None:
        for stream in self._open_streams():
            stream.end()

    def _open_streams(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.tick()
            except Unavailable as error:
                logger.warning("web.tick_failed", channel=self.name, error=str(error))

    async def tick(self) -> None:
        """End streams whose session or reader is gone, wake those that missed a hint, forget expired sessions."""
        now = self._clock()
        if self.mode == "off":
            return self._end_all()
        streams = self._open_streams()
        if streams:
            pulse = await self._tenant.read(sessions.pulse, {stream.session.digest for stream in streams}, now)
            for stream in streams:
                _look_after(stream, pulse.get(stream.session.digest))
        if now - self._swept_at >= SWEEP:
            self._swept_at = now
            self._tenant.queue(sessions.sweep, now)
        return None


STREAM_HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


def _look_after(stream: Stream, seq: int | None) -> None:
    if seq is None or stream.gone:
        stream.end()
    elif seq != stream.seen:
        stream.wake()


def _digest(token: str) -> str:
    """What is stored of a token: nobody who reads the store can use it."""
    return hashlib.sha256(token.encode()).hexdigest()
