"""A stand-in for the gateway's web channel: its wire protocol over real HTTP, kept in memory, with hands on its faults."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from channels.web.assets import packed

WIDGET = Path(__file__).parents[3] / "channels" / "widget"
HASH = "0a1b2c3d"
KINDS = {".js": "text/javascript", ".json": "application/json", ".html": "text/html"}
OWN_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; require-trusted-types-for 'script'"
PATIENCE = 10.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Message = dict[str, Any]


@dataclass
class Conversation:
    """What one visitor and the support have said, and who listens."""

    messages: list[Message] = field(default_factory=list)
    streams: set[asyncio.Queue[bytes | None]] = field(default_factory=set)


@dataclass
class StandIn:
    """The far end of the widget: `posts` is everything that came in, `accepted` every distinct message, `resumed` each Last-Event-ID."""

    port: int = 0
    page: str = ""
    page_headers: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, str] = field(default_factory=dict)  # token → what uploads belong to; a renewal keeps it
    conversations: dict[str, Conversation] = field(default_factory=dict)
    opened: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    resumed: list[str | None] = field(default_factory=list)
    answers_lost: int = 0  # so many accepted messages get no answer
    refusals: list[int] = field(default_factory=list)  # statuses of the next answers to messages
    echoes: bool = True
    files: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    uploads_refused: int = 0
    upload_refusals: list[int] = field(
        default_factory=list
    )  # of the next uploads: a status, 200 for none, 0 for a broken line
    retry_after: str = ""  # what they say with it
    uploads: list[str] = field(default_factory=list)  # the token of each try
    uploads_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    sessions_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    messages_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for held in (self.uploads_go_on, self.sessions_go_on, self.messages_go_on):
            held.set()

    @property
    def origin(self) -> str:
        """Where the widget comes from."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def shop(self) -> str:
        """The page that includes it, on another origin."""
        return f"http://localhost:{self.port}/shop"

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return sum(len(conversation.streams) for conversation in self.conversations.values())

    @property
    def newest(self) -> Conversation:
        """The conversation that began last."""
        return list(self.conversations.values())[-1]

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for something to have come in."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self.changed.clear()
                await self.changed.wait()

    # What the support does.

    def say(self, text: str, **more: Any) -> Message:
        """The assistant's words, into the newest conversation."""
        return self.record(self.newest, {"from": "agent", "name": "Nova", "text": text, **more})

    def record(self, conversation: Conversation, message: Message) -> Message:
        """Number a message and show it to every stream."""
        seq = 3 * sum(len(one.messages) for one in self.conversations.values()) + 1  # numbers have gaps
        defaults = {"id": f"m{seq}", "turn": f"t{seq}", "at": int(time.time() * 1000), "name": None}
        whole = {**defaults, "tree": None, "buttons": [], "replaces": None, **message, "seq": seq}
        conversation.messages.append(whole)
        send(conversation, frame("message", whole, seq))
        return whole

    def push(self, event: str, **data: Any) -> None:
        """An event without a number."""
        send(self.newest, frame(event, data))

    def cut(self) -> None:
        """Break every stream."""
        for conversation in self.conversations.values():
            send(conversation, None)

    def expire(self) -> None:
        """Forget every session; the conversations stay."""
        self.sessions.clear()
        self.cut()

    # What the wire does.

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """POST /web/sessions."""
        body = await request.json()
        self.opened.append(body)
        self.changed.set()
        await self.sessions_go_on.wait()
        current = self.sessions.get(bearer(request))
        if bearer(request) and current is None:
            return web.json_response({}, status=401)
        if body.get("identity") == "stale":
            return web.json_response({}, status=401)
        name = conversation_of(body.get("identity"), current)
        self.conversations.setdefault(name, Conversation())
        token = secrets.token_urlsafe(16)
        self.sessions[token] = name
        self.scopes[token] = self.scopes[bearer(request)] if name == current else token
        answer = {"session": token, "conversation": name, "expires_at": int(time.time() * 1000) + 86_400_000}
        return web.json_response(answer, status=201)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """POST /web/messages."""
        body = await request.json()
        self.posts.append(body)
        self.changed.set()
        await self.messages_go_on.wait()
        if self.refusals:
            return web.json_response({}, status=self.refusals.pop(0))
        if bearer(request) not in self.sessions:
            return web.json_response({}, status=401)
        known = body["id"] in self.accepted
        if not all((self.scopes[bearer(request)], one) in self.files for one in body.get("files", ())):
            return web.json_response({"error": "there is no such file"}, status=404)
        if not known:
            self.accepted[body["id"]] = body
            self.echo(bearer(request), body)
        if self.answers_lost and request.transport:
            self.answers_lost -= 1
            request.transport.close()
        return web.json_response({"id": body["id"]}, status=200 if known else 202)

    async def keep(self, request: web.Request) -> web.StreamResponse:
        """PUT /web/files/{id}/{name}."""
        self.uploads.append(bearer(request))
        self.changed.set()
        content = await request.read()
        await self.uploads_go_on.wait()
        if self.upload_refusals and (status := self.upload_refusals.pop(0)) != 200:
            return self.refused(request, status)
        if bearer(request) not in self.sessions:
            return web.json_response({}, status=401)
        if self.uploads_refused:
            return web.json_response({"error": "no"}, status=self.uploads_refused)
        found = {"name": request.match_info["name"], "media_type": request.content_type, "size": len(content)}
        self.files[self.scopes[bearer(request)], request.match_info["id"]] = found
        self.changed.set()
        return web.json_response({"id": request.match_info["id"], **found}, status=201)

    def refused(self, request: web.Request, status: int) -> web.StreamResponse:
        """An answer that is no file; status 0 is a connection that breaks."""
        if not status and request.transport:
            request.transport.close()
        return web.json_response({}, status=status or 500, headers={"Retry-After": self.retry_after})

    def echo(self, token: str, body: dict[str, Any]) -> None:
        """The customer's own words come back under the client's id."""
        if self.echoes:
            conversation, scope = self.conversations[self.sessions[token]], self.scopes[token]
            files = [self.files[scope, one] | {"url": f"{self.origin}/files/{one}"} for one in body.get("files", ())]
            text = pressed(conversation, body["press"]) if "press" in body else body.get("text", "")
            more = {"files": files} if files else {}
            self.record(conversation, {"from": "customer", "id": body["id"], "text": text, **more})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /web/events."""
        if bearer(request) not in self.sessions:
            return web.json_response({}, status=401)
        last = request.headers.get("Last-Event-ID")
        conversation = self.conversations[self.sessions[bearer(request)]]
        missed = [m for m in conversation.messages if m["seq"] > int(last)] if last else conversation.messages[-50:]
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        conversation.streams.add(queue)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **cors(request)})
        try:
            await response.prepare(request)
            await response.write(b": hello\n\n" + b"".join(frame("message", m, m["seq"]) for m in missed))
            self.resumed.append(last)
            self.changed.set()
            while (data := await queue.get()) is not None:
                await response.write(data)
        except ConnectionResetError:
            pass
        finally:
            conversation.streams.discard(queue)
            self.changed.set()
        return response

    async def shop_page(self, request: web.Request) -> web.StreamResponse:
        """A site that includes the widget."""
        return web.Response(text=self.page, content_type="text/html", headers=self.page_headers)


def send(conversation: Conversation, data: bytes | None) -> None:
    """Bytes to everyone who listens; None cuts the stream."""
    for queue in conversation.streams:
        queue.put_nowait(data)


def frame(event: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """One server-sent event."""
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def bearer(request: web.Request) -> str:
    """The session's token."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def identity(subject: str) -> str:
    """An identity as a site would sign it; nobody checks the signature here."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def conversation_of(token: str | None, current: str | None) -> str:
    """All devices of a person share a conversation; a stranger has one of their own, which an identity makes theirs."""
    if not token:
        return current or f"visitor:{secrets.token_hex(4)}"
    claims = token.split(".")[1]
    person = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
    return current if current and current.startswith("visitor:") else f"person:{person}"


def pressed(conversation: Conversation, press: dict[str, str]) -> str:
    """The label of a pressed button."""
    message = next(m for m in conversation.messages if m["id"] == press["message"])
    return next(str(b["label"]) for b in message["buttons"] if b["id"] == press["button"])


def cors(request: web.Request) -> dict[str, str]:
    """Only the shop may call from elsewhere."""
    origin = request.headers.get("Origin", "")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin.startswith("http://localhost:") else {}


@web.middleware
async def allow_shop(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights, and let the shop read the answers."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST, PUT",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
        "Access-Control-Max-Age": "600",
    }
    if request.method == "OPTIONS":
        return web.Response(status=204, headers={**cors(request), **allowed})
    response = await handler(request)
    if not response.prepared:
        response.headers.update({**cors(request), "Access-Control-Expose-Headers": "Retry-After"})
    return response


async def asset(request: web.Request) -> web.StreamResponse:
    """/widget.js, /chat and /w/<hash>/…, as the gateway serves them."""
    named = {"/widget.js": "widget.js", "/chat": "chat.html"}
    path = WIDGET / (named.get(request.path) or request.match_info["name"])
    text = packed(path.name, path.read_bytes()).decode().replace("__PANEL__", f"w/{HASH}/panel.js")
    headers = {"Access-Control-Allow-Origin": "*", "Content-Security-Policy": OWN_POLICY}
    return web.Response(text=text, content_type=KINDS[path.suffix], headers=headers)


async def no_icon(request: web.Request) -> web.StreamResponse:
    """Browsers ask for one."""
    return web.Response(status=204)


@asynccontextmanager
async def serve() -> AsyncIterator[StandIn]:
    """A stand-in that listens on a free port."""
    standin = StandIn()
    app = web.Application(middlewares=[allow_shop], client_max_size=30_000_000)
    app.router.add_post("/web/sessions", standin.begin)
    app.router.add_post("/web/messages", standin.take)
    app.router.add_put("/web/files/{id:[A-Za-z0-9_-]{1,64}}/{name}", standin.keep)
    app.router.add_get("/web/events", standin.stream)
    app.router.add_get("/shop", standin.shop_page)
    app.router.add_get("/favicon.ico", no_icon)
    for path in ("/widget.js", "/chat", f"/w/{HASH}/{{name:.+}}"):
        app.router.add_get(path, asset)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    standin.port = runner.addresses[0][1]
    try:
        yield standin
    finally:
        standin.cut()
        await runner.cleanup()
