"""What the page `/shop` shows: the products, who is signed in, and the widget with that person's signed identity."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web

from demo import tokens
from demo.shop import Shop
from demo.stock import ANA, Customer

IDENTITY = timedelta(hours=1)
SIGNED_IN = (ANA, "cus_1003", "cus_1002", "cus_1006")
ANYBODY = (
    "How do I pair the Aurora headphones?",
    "How long do I have to return something?",
    "Where is my order?",
    "I want to talk to a real person",
)
SENTENCES = {
    ANA: (
        "Hi, I returned the headphones two weeks ago and still haven't seen the refund on my card. Order #A-48291.",
        "Yes please, and also can you check on the second pair I ordered last Friday? It hasn't shipped.",
        "Please refund order A-47810, I sent the speaker back",
        "Where is order A-48466?",
        "Send order A-48519 to Calle Mayor 3, 28013 Madrid",
        "I want to talk to a real person",
    ),
    "cus_1003": (
        "Hola, ¿dónde está mi pedido?",
        "¿Cuánto tiempo tengo para devolver un producto?",
        "Devolví un producto y todavía no he recibido el reembolso",
        "Quiero hablar con una persona",
    ),
    "cus_1002": (
        "Hallo, wo ist meine Bestellung?",
        "Wie lange habe ich Garantie?",
        "Ich möchte mit einem Menschen sprechen",
    ),
}


@dataclass
class Storefront:
    shop: Shop
    identity_secret: str = field(repr=False)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/demo/api/shop/orders", self.orders)]

    def page(self, wanted: str | None) -> dict[str, Any]:
        """What the template needs; an unknown name is nobody."""
        customer = self.shop.stock.customers.get(ANA if wanted is None else wanted)
        return {
            "customer": customer,
            "customers": [self.shop.stock.customers[name] for name in SIGNED_IN],
            "identity": self.identity(customer) if customer else None,
            "products": list(self.shop.stock.products.values()),
            "sentences": SENTENCES.get(customer.id, ANYBODY) if customer else ANYBODY,
        }

    def identity(self, customer: Customer) -> str:
        """The site's word on who this is, with the customer's own session token inside."""
        return tokens.sign(
            {
                "sub": customer.id, "name": customer.name, "email": customer.email, "locale": customer.locale,
                "token": self.shop.session(customer.id), "iat": self.shop.clock() // 1000,
                "exp": self.shop.clock() // 1000 + int(IDENTITY.total_seconds()),
            },
            self.identity_secret,
        )  # fmt: skip

    async def orders(self, request: web.Request) -> web.Response:
        """The orders in "My orders", as they stand now."""
        customer = self.shop.stock.customers.get(request.query.get("customer", ""))
        orders = self.shop.orders(customer)[:6] if customer else []
        rows = [
            {
                "order_id": o.order_id, "title": o.title, "status": o.status, "placed_at": o.placed_at.isoformat(),
                "total": float(o.total), "refund_ref": o.refund_ref, "held": "warehouse_hold" in o.flags,
                "sku": o.sku, "address": o.address,
            }
            for o in orders
        ]  # fmt: skip
        return web.json_response({"orders": rows})
