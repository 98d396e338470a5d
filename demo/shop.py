"""The shop: its books and the JSON API in front of them.

Every call carries a customer's word: the shop's own session token, or the gateway's signed assertion for a customer
whom a channel knows. Other people's orders do not exist (404).
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from aiohttp import web

from demo import tokens
from demo.faults import Faults, middleware
from demo.idempotency import Keys, problem
from demo.stock import CURRENCY, Customer, Order, opening

SESSION = timedelta(hours=8)
FIRST_REFUND = 7711
RETURN_WINDOW = timedelta(days=30)
VERIFIED = ("channel", "link", "site")

Json = dict[str, Any]


@dataclass
class Shop:
    """`token_secret` signs the customers' sessions; `assertion_secret` is the one shared with the gateway."""

    clock: Callable[[], int]
    token_secret: str = field(repr=False)
    assertion_secret: str = field(default="", repr=False)
    ledger_path: Path | None = None
    faults: Faults = field(default_factory=Faults)
    ledger: list[Json] = field(default_factory=list)
    keys: Keys = field(default_factory=Keys)
    watchers: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stock = opening(self.clock())
        self.refunds = 0

    def session(self, customer_id: str) -> str:
        """A customer's own session token, as the shop's login would hand it out."""
        expires = self.clock() // 1000 + int(SESSION.total_seconds())
        return tokens.sign({"sub": customer_id, "aud": "shop", "exp": expires}, self.token_secret)

    def who(self, token: str, hosts: tuple[str, ...]) -> Customer | None:
        """Whom this bearer token speaks for."""
        claims = tokens.read(token, self.token_secret, self.clock())
        if claims is not None and claims.get("aud") == "shop":
            return self.stock.customers.get(str(claims.get("sub")))
        return self._vouched(token, hosts) if self.assertion_secret else None

    def _vouched(self, token: str, hosts: tuple[str, ...]) -> Customer | None:
        claims = tokens.read(token, self.assertion_secret, self.clock())
        if claims is None or claims.get("aud") not in hosts or claims.get("verified") not in VERIFIED:
            return None
        return self._by_handle(str(claims.get("sub")))

    def _by_handle(self, handle: str) -> Customer | None:
        channel, _, peer = handle.partition(":")
        if channel == "web":
            return self.stock.customers.get(peer)
        return next((c for c in self.stock.customers.values() if handle in c.handles), None)

    def orders(self, customer: Customer) -> list[Order]:
        """This customer's orders, newest first."""
        mine = (order for order in self.stock.orders.values() if order.customer == customer.id)
        return sorted(mine, key=lambda order: order.placed_at, reverse=True)

    def order(self, customer: Customer, order_id: str) -> Order:
        order = self.stock.orders.get(order_id)
        if order is None or order.customer != customer.id:
            raise Refused(404, "order_not_found", f"There is no order {order_id}.")
        return order

    def obstacle(self, order: Order) -> str | None:
        """Why this order cannot be refunded, or nothing."""
        if order.refund_ref:
            return "already_refunded"
        if order.status == "cancelled":
            return "cancelled"
        return None if order.return_received_at else self._not_back(order)

    def _not_back(self, order: Order) -> str:
        arrived = order.delivered_at
        over = arrived is not None and arrived + RETURN_WINDOW < self.now()
        return "return_window_over" if over else "return_not_received"

    def refund(self, order: Order, amount: Decimal, key: str | None) -> Json:
        """Issue it, once per order."""
        if reason := self.obstacle(order):
            raise Refused(409, reason, f"Order {order.order_id} cannot be refunded: {reason}.")
        if not 0 < amount <= order.total:
            raise Refused(422, "amount_invalid", f"At most {order.total} can be refunded.")
        order.refund_ref, order.status = f"R-{FIRST_REFUND + self.refunds}", "refunded"
        self.refunds += 1
        done = {"ref": order.refund_ref, "order_id": order.order_id, "amount": float(amount), "currency": CURRENCY}
        self.record("refund", order, **done, key=key)
        return done

    def move(self, order: Order, address: str) -> Json:
        """Send an order that has not left yet to another address."""
        if order.status != "paid":
            raise Refused(409, "already_shipped", f"Order {order.order_id} is {order.status}; its address is fixed.")
        order.address = address
        self.record("address", order, address=address)
        return {"order_id": order.order_id, "address": address}

    def record(self, what: str, order: Order, **details: Any) -> None:
        """Add an effect to the ledger, on disk before the answer goes out."""
        entry = {"what": what, "at": self.clock(), "customer": order.customer, "order_id": order.order_id, **details}
        self.ledger.append(entry)
        if self.ledger_path is not None:
            with self.ledger_path.open("a") as file:
                file.write(json.dumps(entry) + "\n")
                file.flush()
                os.fsync(file.fileno())
        for watcher in self.watchers:
            watcher()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock() / 1000, UTC)


class Refused(Exception):
    """The shop says no: status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = (status, code, message)


SHOP = web.AppKey("shop", Shop)


def app(shop: Shop) -> web.Application:
    api = web.Application(middlewares=[middleware(shop.faults), _refusals])
    api[SHOP] = shop
    api.add_routes([
        web.get("/customer", get_customer),
        web.get("/orders", list_orders),
        web.get("/orders/{order_id}", get_order),
        web.get("/orders/{order_id}/tracking", get_tracking),
        web.post("/orders/{order_id}/address", post_address),
        web.get("/refunds/eligibility", get_eligibility),
        web.post("/refunds", post_refund),
        web.get("/products", list_products),
    ])  # fmt: skip
    return api


@web.middleware
async def _refusals(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    try:
        return await _answered(request, handler)
    except Refused as refused:
        return problem(*refused.answer)


async def _answered(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    answer: web.StreamResponse = await handler(request)
    if request.method == "GET":
        await request.app[SHOP].faults.pause()  # a write pauses before its result is saved
    return answer


def signed_in(request: web.Request) -> Customer:
    """The customer this call speaks for."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    customer = request.app[SHOP].who(token, _own_names(request)) if scheme == "Bearer" else None
    if customer is None:
        raise Refused(401, "unauthorized", "A valid customer token is needed.")
    return customer


def _own_names(request: web.Request) -> tuple[str, ...]:
    """What this server is called, from its own socket and never from a header."""
    assert request.transport is not None
    host, port = request.transport.get_extra_info("sockname")[:2]
    return host, f"{host}:{port}", "localhost", f"localhost:{port}"


def _own_order(request: web.Request, order_id: str | None) -> Order:
    return request.app[SHOP].order(signed_in(request), order_id or "")


async def get_customer(request: web.Request) -> web.Response:
    customer = signed_in(request)
    fields = ("id", "name", "email", "tier", "locale")
    return web.json_response({name: getattr(customer, name) for name in fields})


async def list_orders(request: web.Request) -> web.Response:
    orders = request.app[SHOP].orders(signed_in(request))
    return web.json_response({"orders": [_row(order) for order in orders]})


async def get_order(request: web.Request) -> web.Response:
    return web.json_response(_whole(_own_order(request, request.match_info["order_id"])))


async def get_tracking(request: web.Request) -> web.Response:
    order = _own_order(request, request.match_info["order_id"])
    if order.shipped_at is None:
        raise Refused(404, "not_shipped", f"Order {order.order_id} has not been shipped.")
    return web.json_response(_tracking(order))


async def get_eligibility(request: web.Request) -> web.Response:
    order = _own_order(request, request.query.get("order_id"))
    reason = request.app[SHOP].obstacle(order)
    amount = float(order.total) if reason is None else 0.0
    return web.json_response({
        "order_id": order.order_id, "eligible": reason is None, "amount": amount, "currency": CURRENCY,
        "reason": reason, "return_received_at": _iso(order.return_received_at),
    })  # fmt: skip


async def post_refund(request: web.Request) -> web.Response:
    shop, customer = request.app[SHOP], signed_in(request)
    body = await _json(request)
    order, amount = shop.order(customer, str(body.get("order_id"))), _amount(body.get("amount"))
    key = request.headers.get("Idempotency-Key")

    async def run() -> web.Response:
        answer = _refunded(shop, order, amount, key)
        await shop.faults.pause()
        return answer

    return await shop.keys.once(customer.id, key, await request.read(), run)


def _refunded(shop: Shop, order: Order, amount: Decimal, key: str | None) -> web.Response:
    try:
        return web.json_response(shop.refund(order, amount, key), status=201)
    except Refused as refused:
        return problem(*refused.answer)


async def post_address(request: web.Request) -> web.Response:
    order = _own_order(request, request.match_info["order_id"])
    address = (await _json(request)).get("address")
    if not isinstance(address, str) or not 8 <= len(address.strip()) <= 200:
        raise Refused(422, "address_invalid", "`address` is a text of 8 to 200 characters.")
    answer = web.json_response(request.app[SHOP].move(order, address.strip()))
    await request.app[SHOP].faults.pause()
    return answer


async def list_products(request: web.Request) -> web.Response:
    products = request.app[SHOP].stock.products.values()
    rows = [{"sku": p.sku, "title": p.title, "price": float(p.price), "blurb": p.blurb} for p in products]
    return web.json_response({"products": rows})


async def _json(request: web.Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.read(), parse_float=Decimal)
    except ValueError:
        raise Refused(400, "invalid_json", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "invalid_json", "The body is not an object.")
    return body


def _amount(value: object) -> Decimal:
    try:
        if isinstance(value, bool):
            raise ValueError
        amount = Decimal(value) if isinstance(value, int | Decimal) else Decimal("NaN")
        if amount != amount.quantize(Decimal("0.01")):  # NaN, infinities and fractions of a cent differ
            raise ValueError
    except (InvalidOperation, ValueError):
        raise Refused(422, "amount_invalid", "`amount` is a number with at most two decimals.") from None
    return amount


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _row(order: Order) -> Json:
    return {
        "order_id": order.order_id, "title": order.title, "status": order.status, "placed_at": _iso(order.placed_at),
        "total": float(order.total), "currency": CURRENCY,
    }  # fmt: skip


def _whole(order: Order) -> Json:
    return _row(order) | {
        "flags": list(order.flags), "shipped_at": _iso(order.shipped_at), "delivered_at": _iso(order.delivered_at),
        "return_received_at": _iso(order.return_received_at), "refund_ref": order.refund_ref,
        "address": order.address, "tracking": _tracking(order) if order.shipped_at else None,
    }  # fmt: skip


def _tracking(order: Order) -> Json:
    assert order.shipped_at is not None
    due = order.delivered_at or order.shipped_at + timedelta(days=3)
    return {
        "order_id": order.order_id, "carrier": "Seur", "number": f"ES{order.order_id[2:]}08214",
        "status": "delivered" if order.delivered_at else "on its way", "due_at": _iso(due),
    }  # fmt: skip
