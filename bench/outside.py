"""What stands outside the gateway in measurements and proofs: a tool server with a ledger on the disk, and a Slack.

Both live in the harness's process, so they survive whatever is done to the gateway.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol, Self

from aiohttp import web

from demo.slack import Workspace
from demo.slack import api as slack_api
from demo.slack.people import DESK, LENA, SARA

Json = dict[str, Any]


async def _at_once(_: str) -> None:
    """The answer follows the effect."""


class Orders:
    """Cancels and refunds orders, at an old and at a new address. An effect is in the ledger on the disk before its answer leaves.

    `paths` are the addresses that were called. `applied` is awaited between the effect and its answer, with the order's name.
    """

    def __init__(self, ledger: Path) -> None:
        self._file = ledger.open("a", encoding="utf-8")
        self._answers: dict[str, Json] = {}
        self.effects: Counter[str] = Counter()
        self.calls = 0
        self.paths: list[str] = []
        self.applied: Callable[[str], Awaitable[None]] = _at_once

    def app(self) -> web.Application:
        """The API: `GET /orders/{order}`; `POST /cancellations` and `POST /refunds` with an Idempotency-Key."""
        app = web.Application()
        app.add_routes([
            web.get("/orders/{order}", self._order),
            web.post("/{what:cancellations|refunds}", self._change),
            web.post("/new/{what:cancellations|refunds}", self._change),
        ])  # fmt: skip
        return app

    async def _order(self, request: web.Request) -> web.Response:
        return web.json_response({"order": request.match_info["order"], "status": "paid"})

    async def _change(self, request: web.Request) -> web.Response:
        key, asked = request.headers["Idempotency-Key"], await request.json()
        self.calls += 1
        self.paths.append(request.path)
        if key not in self._answers:
            self._apply(asked["order"], key)
            self._answers[key] = {"order": asked["order"], "ref": f"C-{len(self._answers) + 1}"}
            await self.applied(asked["order"])
        return web.json_response(self._answers[key])

    def _apply(self, order: str, key: str) -> None:
        self.effects[order] += 1
        self._file.write(json.dumps({"order": order, "key": key}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the ledger."""
        self._file.close()


class Desk:
    """A Slack that takes every post and says nothing by itself; `posts` holds (channel, thread, text)."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, str]] = []
        self._numbers = itertools.count(1)
        self.arrived: list[float] = []

    def app(self) -> web.Application:
        """The Web API's methods that the desk calls."""
        app = web.Application()
        app.add_routes([web.post("/api/{method}", self._method), web.get("/api/{method}", self._method)])
        return app

    async def _method(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body: Json = await request.json() if request.content_type == "application/json" else dict(await request.post())
        if method == "auth.test":
            return web.json_response({"ok": True, "team_id": "T1", "user_id": "UBOT", "bot_id": "B1"})
        if method == "users.info":
            profile = {"id": body.get("user", request.query.get("user", "")), "team_id": "T1", "real_name": "Sara"}
            return web.json_response({"ok": True, "user": {**profile, "profile": {"real_name": "Sara"}}})
        if method in ("conversations.replies", "conversations.history"):
            return web.json_response({"ok": True, "messages": [], "has_more": False})
        ts = f"1700000000.{next(self._numbers):06d}"
        if method == "chat.postMessage":
            self.posts.append((str(body.get("channel")), str(body.get("thread_ts", "")), str(body.get("text", ""))))
        return web.json_response({"ok": True, "ts": ts, "channel": body.get("channel")})


class Outside:
    """Both, listening on loopback. `workspace` is a Slack with people in it; without one, posts are merely taken."""

    def __init__(self, folder: Path, workspace: Workspace | None = None) -> None:
        self.orders = Orders(folder / "ledger.jsonl")
        self.desk = Desk()
        self.workspace = workspace
        self.orders_url = ""
        self.desk_url = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.orders_url = await self._serve(self.orders.app())
        self.desk_url = await self._serve(slack_api.app(self.workspace) if self.workspace else self.desk.app())
        if self.workspace:
            self.workspace.url = self.desk_url
            self._stack.push_async_callback(self.workspace.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        self.orders.close()

    async def _serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"


SECRET = "a-secret-of-the-measurements-0123456789"
BOT_TOKEN = "xoxb-bench"

GATEWAY = """\
listen: {{host: 127.0.0.1, port: {port}}}
store: sqlite:///data/gateway.db
operator_token: {secret}
secret_key: {secret}
assertion_secret: {secret}
log: {{level: error}}
slack: {{bot_token: "{bot}", signing_secret: {secret}, api_base: "{desk}/api/"}}
channels:
  web: {{mode: live, messages_per_10s: 100000, sessions_per_minute: 1000000, streams_per_address: 100000}}
desk: {{channel: {channel}, approvers: {{users: [{sara}, {lena}]}}}}
agent: {{spec: agent.yaml, model: offline}}
"""

AGENT = """\
name: bench
languages: [en]
intents:
  order_status:
    examples: [where is my order, what is the status of my order]
  cancel_order:
    examples: [please cancel my order, cancel the order]
  refund_order:
    examples: [please refund my order, I want my money back for the order]
entities:
  order: {{pattern: "X-\\\\d+", ask: "Which order?"}}
tools:
  get_order:
    description: Look up an order.
    http: {{method: GET, url: "{orders}/orders/{{order}}", auth: none}}
    args: {{type: object, required: [order], properties: {{order: {{type: string}}}}}}
    effect: read
    intents: [order_status]
    say: "Order {{{{ order }}}} is {{{{ status }}}}."
  cancel:
    description: Cancel an order.
    http: {{method: POST, url: "{orders}/cancellations", auth: none, idempotent: true}}
    args: {{type: object, required: [order], properties: {{order: {{type: string}}}}}}
    effect: write
    once: [order]
    run: always
    intents: [cancel_order]
    say: "Order {{{{ order }}}} is cancelled, reference {{{{ ref }}}}."
  refund:
    description: Refund an order.
    http: {{method: POST, url: "{orders}/refunds", auth: none, idempotent: true}}
    args: {{type: object, required: [order], properties: {{order: {{type: string}}}}}}
    effect: write
    once: [order]
    approve: "true"
    intents: [refund_order]
    say: "Order {{{{ order }}}} is refunded, reference {{{{ ref }}}}."
escalate: {{turns: 1000000}}
confidence: {{send: 0.0, flag: 0.0}}
"""


class Places(Protocol):
    """Where the outside is."""

    orders_url: str
    desk_url: str


def write_configuration(folder: Path, outside: Places, port: int) -> Path:
    """`gateway.yaml` and `agent.yaml` for a gateway on this port; the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.yaml").write_text(AGENT.format(orders=outside.orders_url))
    config = folder / "gateway.yaml"
    names = {"bot": BOT_TOKEN, "channel": DESK, "sara": SARA, "lena": LENA}
    config.write_text(GATEWAY.format(port=port, secret=SECRET, desk=outside.desk_url, **names))
    config.chmod(0o600)
    return config
