"""What the shop has in its books when it opens: products, customers and orders, all dated relative to one moment."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

SHOP_ZONE = ZoneInfo("Europe/Madrid")
FRIDAY = 4
CURRENCY = "USD"


@dataclass(frozen=True)
class Product:
    sku: str
    title: str
    price: Decimal
    blurb: str


@dataclass(frozen=True)
class Customer:
    """`handles` are the addresses the customer has linked to the account, written as `channel:peer`."""

    id: str
    name: str
    email: str
    tier: str
    locale: str
    handles: tuple[str, ...] = ()


@dataclass
class Order:
    """Status: paid, shipped, delivered, returned, refunded or cancelled."""

    order_id: str
    customer: str
    sku: str
    title: str
    status: str
    placed_at: datetime
    total: Decimal
    flags: tuple[str, ...] = ()
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    return_received_at: datetime | None = None
    refund_ref: str | None = None
    address: str = ""


@dataclass(frozen=True)
class Stock:
    products: dict[str, Product]
    customers: dict[str, Customer]
    orders: dict[str, Order] = field(default_factory=dict)


def _product(sku: str, title: str, price: str, blurb: str) -> Product:
    return Product(sku, title, Decimal(price), blurb)


def _customer(number: str, name: str, tier: str, locale: str, *handles: str) -> Customer:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return Customer(number, name, f"{ascii_name.lower().replace(' ', '.')}@example.com", tier, locale, handles)


PRODUCTS = (
    _product("AUR-1", "Aurora wireless headphones", "189.40", "Noise cancelling, 38 hours on one charge"),
    _product("LYR-2", "Lyra earbuds", "119.00", "Small, light, six hours and a pocket case"),
    _product("NIM-3", "Nimbus portable speaker", "249.00", "A room full of sound, rain or shine"),
    _product("SOL-4", "Solstice turntable", "329.00", "Belt drive, walnut plinth, ready in a minute"),
    _product("PAD-5", "Aurora replacement ear pads", "45.00", "Soft again in two clicks"),
    _product("CBL-6", "Braided USB-C cable", "19.00", "Two metres, made to be stepped on"),
    _product("STD-7", "Oak headphone stand", "59.00", "Oiled oak, felt foot"),
    _product("MIC-8", "Vega desk microphone", "139.00", "Your voice without the room"),
    _product("BAR-9", "Horizon soundbar", "279.00", "Film sound under any screen"),
    _product("DAC-10", "Quartz headphone amplifier", "159.00", "Quiet, warm and small"),
    _product("CAS-11", "Aurora travel case", "35.00", "Recycled felt, closes with one hand"),
    _product("CHG-12", "Pebble charging pad", "49.00", "Put it down, it charges"),
)

CUSTOMERS = (
    _customer("cus_1001", "Ana Ruiz", "standard", "en", "whatsapp:+34600111222", "telegram:10001"),
    _customer("cus_1002", "Jonas Weber", "standard", "de", "whatsapp:+4915112345678"),
    _customer("cus_1003", "Lucía Gómez", "vip", "es", "whatsapp:+34600333444", "telegram:10003"),
    _customer("cus_1004", "Marie Dupont", "standard", "fr", "telegram:10004"),
    _customer("cus_1005", "Tomás Almeida", "standard", "pt", "whatsapp:+351912345678"),
    _customer("cus_1006", "Emma Clarke", "vip", "en", "telegram:10006"),
    _customer("cus_1007", "Noah Fischer", "standard", "de"),
    _customer("cus_1008", "Priya Nair", "standard", "en", "whatsapp:+447700900123", "slack:U0PRIYA001"),
    _customer("cus_1009", "Oliver Grant", "standard", "en"),
    _customer("cus_1010", "Inés Navarro", "standard", "es", "whatsapp:+34600555666"),
)

ANA = CUSTOMERS[0].id
ADDRESSES = ("Calle de Alcalá 48, 28014 Madrid", "Lindenstraße 7, 10969 Berlin", "14 Mill Lane, Bristol BS1 5QD")


def last_friday(now: datetime) -> datetime:
    """The newest Friday that is over, at 18:40 in the shop's time zone."""
    today = now.astimezone(SHOP_ZONE).replace(hour=18, minute=40, second=0, microsecond=0)
    return (today - timedelta(days=(today.weekday() - FRIDAY - 1) % 7 + 1)).astimezone(UTC)


def _ana(now: datetime) -> Iterator[Order]:
    """The orders of the story. Only A-48519 was placed on the last Friday."""
    friday = last_friday(now)
    pads, nimbus = timedelta(days=31), timedelta(days=52)
    recently = now - timedelta(days=2)
    if recently.astimezone(SHOP_ZONE).date() == friday.astimezone(SHOP_ZONE).date():
        recently -= timedelta(days=1)
    yield _order("A-48291", ANA, "AUR-1", "returned", now - timedelta(days=41), back=now - timedelta(days=12))
    yield _order("A-48519", ANA, "AUR-1", "paid", friday, title="Aurora wireless headphones – second pair",
                 flags=("warehouse_hold",))  # fmt: skip
    yield _order("A-48466", ANA, "CBL-6", "shipped", recently)
    yield _order("A-48033", ANA, "PAD-5", "returned", friday - pads, back=now - timedelta(days=4))
    yield _order("A-47810", ANA, "NIM-3", "returned", friday - nimbus, back=now - timedelta(days=9))
    yield _order("A-47555", ANA, "SOL-4", "delivered", friday - timedelta(days=75))
    yield _order("A-47902", ANA, "STD-7", "cancelled", friday - timedelta(days=45))


def _others(now: datetime) -> Iterator[Order]:
    """36 more, spread over the other customers, the products and the states."""
    fresh, settled = ("paid", "shipped"), ("delivered", "returned", "delivered", "cancelled", "returned")
    for n, number in zip(range(36), count(46013, 37), strict=False):
        placed = now - timedelta(days=3 + n * 2, hours=n % 11)
        states, sku = fresh if n < 6 else settled, PRODUCTS[n * 5 % len(PRODUCTS)].sku
        status = states[n % len(states)]
        back = now - timedelta(days=1 + n % 20) if status == "returned" else None
        yield _order(f"A-{number}", CUSTOMERS[1 + n % 9].id, sku, status, placed, back=back)


def _order(
    order_id: str, customer: str, sku: str, status: str, placed: datetime, *,
    back: datetime | None = None, title: str | None = None, flags: tuple[str, ...] = (),
) -> Order:  # fmt: skip
    product = next(product for product in PRODUCTS if product.sku == sku)
    sent = placed + timedelta(days=1) if status in ("shipped", "delivered", "returned") else None
    arrived = placed + timedelta(days=4) if status in ("delivered", "returned") else None
    address = ADDRESSES[(int(customer[-2:]) - 1) % len(ADDRESSES)]
    return Order(order_id, customer, sku, title or product.title, status, placed, product.price, flags, sent, arrived,
                 back, None, address)  # fmt: skip


def opening(now_ms: int) -> Stock:
    """The books as they stand at this moment (UTC ms)."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).replace(microsecond=0)
    orders = {order.order_id: order for order in (*_ana(now), *_others(now))}
    return Stock({p.sku: p for p in PRODUCTS}, {c.id: c for c in CUSTOMERS}, orders)
