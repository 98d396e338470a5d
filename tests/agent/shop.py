"""A shop of the tests' own, over real HTTP, that keeps a ledger of what was done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

ORDERS = {
    "A-48291": {
        "order_id": "A-48291",
        "title": "Headphones",
        "status": "returned",
        "placed_at": "2024-05-01T10:00:00Z",
    },
    "A-48519": {"order_id": "A-48519", "title": "Running shoes", "status": "paid", "placed_at": "2024-05-17T10:00:00Z"},
}
FLAGS: dict[str, list[str]] = {"A-48291": [], "A-48519": ["warehouse"]}
AMOUNTS = {"A-48291": 189.4, "A-48519": 80}

SPEC = """
name: shop
voice: Warm and brief.
intents:
  refund_status: {category: billing, examples: ["where is my refund", "I returned them and still haven't seen the refund on my card"]}
  order_status: {category: general, examples: ["where is my order", "it has not shipped", "check on my order"]}
  legal: {category: general, examples: ["my lawyer will sue you"], human: true}
entities:
  order_id:
    pattern: "A-\\\\d{5}"
    ask: "Which order is it? The number looks like A-12345."
    from: list_orders.orders
    match: [placed_at, title]
tools:
  list_orders:
    http: {method: GET, url: "{BASE}/orders", auth: customer}
    effect: read
  get_customer:
    http: {method: GET, url: "{BASE}/customer", auth: customer}
    effect: read
  get_order:
    description: Look up one order.
    http: {method: GET, url: "{BASE}/orders/{order_id}", auth: customer}
    args: {type: object, required: [order_id], properties: {order_id: {type: string, pattern: "^A-\\\\d{5}$"}}}
    effect: read
    intents: [refund_status, order_status]
    say: "Order {{ order_id }} is {{ status }}."
    escalate:
      - {if: '"warehouse" in result.flags', reason: warehouse_flag}
  get_refund_eligibility:
    description: Whether an order can be refunded.
    http: {method: GET, url: "{BASE}/eligibility", auth: customer}
    args: {type: object, required: [order_id], properties: {order_id: {type: string, pattern: "^A-\\\\d{5}$"}}}
    effect: read
    intents: [refund_status]
    say: "The refund would be ${{ amount }}."
  create_refund:
    description: Refund an order.
    http: {method: POST, url: "{BASE}/refunds", auth: customer, idempotent: true}
    args: {type: object, required: [order_id, amount], properties: {order_id: {type: string}, amount: {type: number}}}
    bind: {amount: get_refund_eligibility.amount}
    require: get_refund_eligibility.eligible
    once: [order_id]
    limits: [{per: customer, window: 24h, sum: amount, max: 300}]
    effect: write
    intents: [refund_status]
    confirm: args.amount > 100
    approve: args.amount > 200
    say: "Refund of ${{ amount }} issued — confirmation #{{ ref }}."
escalate:
  phrases: ["get me the boss"]
  sentiment_below: -0.6
  turns: 12
  missing_after: 2
  rules: [{if: 'customer.tier == "vip" && category == "billing"', reason: vip_billing}]
context: [get_customer]
languages: [en, es, de, fr, pt]
replies:
  handover: {en: "I'm going to bring in someone from the team.", es: "Voy a pedir ayuda a una persona del equipo."}
"""


class Shop:
    """The far end, with faults to order."""

    def __init__(self) -> None:
        self.url = ""
        self.refunds: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.orders: dict[str, dict[str, Any]] = {key: {**order, "flags": FLAGS[key]} for key, order in ORDERS.items()}
        self.amounts: dict[str, Any] = dict(AMOUNTS)
        self.eligible = True
        self.tier = "basic"
        self.saved: dict[str, tuple[int, Any]] = {}
        self.fault: Callable[[web.Request], Any] | None = None
        self.signed_in = True

    def reset(self) -> None:
        """Forget what was done."""
        self.refunds.clear()
        self.saved.clear()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._noted])
        app.router.add_get("/customer", self._customer)
        app.router.add_get("/orders", self._orders)
        app.router.add_get("/orders/{order_id}", self._order)
        app.router.add_get("/eligibility", self._eligibility)
        app.router.add_post("/refunds", self._refund)
        app.router.add_route("*", "/echo/{tail:.*}", self._echo)
        return app

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        if self.fault is not None and (answer := self.fault(request)) is not None:
            if asyncio.iscoroutine(answer):
                answer = await answer
            if isinstance(answer, web.StreamResponse):
                return answer
        result: web.StreamResponse = await handler(request)
        return result

    async def _customer(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization"):
            return web.json_response({"error": "who"}, status=401)
        return web.json_response({"id": "u1", "tier": self.tier, "email": "ada@example.com"})

    async def _orders(self, request: web.Request) -> web.Response:
        rows = [
            {key: order[key] for key in ("order_id", "title", "placed_at", "status")} for order in self.orders.values()
        ]
        return web.json_response({"orders": rows})

    async def _order(self, request: web.Request) -> web.Response:
        order = self.orders.get(request.match_info["order_id"])
        return web.json_response(order) if order else web.json_response({"error": "order_not_found"}, status=404)

    async def _eligibility(self, request: web.Request) -> web.Response:
        order = request.query["order_id"]
        if order not in self.orders:
            return web.json_response({"error": "order_not_found"}, status=404)
        return web.json_response({"order_id": order, "eligible": self.eligible, "amount": self.amounts[order]})

    async def _refund(self, request: web.Request) -> web.Response:
        body, key = await request.json(), request.headers.get("Idempotency-Key", "")
        if key and key in self.saved:
            status, saved = self.saved[key]
            return web.json_response(saved, status=status)
        done = {"ref": f"R-{7711 + len(self.refunds)}", "order_id": body["order_id"], "amount": body["amount"]}
        self.refunds.append(done | {"key": key, "authorization": request.headers.get("Authorization", "")})
        if key:
            self.saved[key] = (201, done)
        return web.json_response(done, status=201)

    async def _echo(self, request: web.Request) -> web.Response:
        return web.json_response({"path": request.path_qs, "headers": dict(request.headers)})
