"""The shop keeps its books straight: whose order it is, and one effect per key."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo import tokens
from demo.faults import Hold
from demo.stock import ANA, SHOP_ZONE, last_friday, opening
from demo.world import World

NOW_S = 1_779_271_200
REFUND = {"order_id": "A-48291", "amount": 189.40}


class Customer:
    """A customer's view of the API."""

    def __init__(self, http: aiohttp.ClientSession, base: str, token: str) -> None:
        self.http, self.base, self.headers = http, base, {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(self.base + path, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.base + path, json=body, headers=self.headers | named) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ana(http: aiohttp.ClientSession, world: World) -> Customer:
    return Customer(http, world.shop_url, world.shop.session("cus_1001"))


def assertion(http: aiohttp.ClientSession, world: World, **claims: Any) -> Customer:
    host = world.shop_url.removeprefix("http://")
    word = {"iss": "gateway", "aud": host, "sub": "whatsapp:+34600111222", "verified": "channel", "exp": NOW_S + 60}
    return Customer(http, world.shop_url, tokens.sign(word | claims, world.secrets.assertion_secret))


async def test_the_story_is_in_the_books(ana: Customer) -> None:
    _, returned = await ana.get("/orders/A-48291")
    assert (returned["status"], returned["return_received_at"]) == ("returned", "2026-05-08T10:00:00Z")
    _, held = await ana.get("/orders/A-48519")
    assert (held["status"], held["flags"], held["placed_at"]) == ("paid", ["warehouse_hold"], "2026-05-15T16:40:00Z")
    _, eligibility = await ana.get("/refunds/eligibility?order_id=A-48291")
    assert (eligibility["eligible"], eligibility["amount"]) == (True, 189.4)


async def test_only_one_order_was_placed_last_friday(ana: Customer) -> None:
    _, listed = await ana.get("/orders")
    assert [o["order_id"] for o in listed["orders"] if o["placed_at"].startswith("2026-05-15")] == ["A-48519"]


async def test_other_peoples_orders_do_not_exist(ana: Customer, http: aiohttp.ClientSession, world: World) -> None:
    jonas = Customer(http, world.shop_url, world.shop.session("cus_1002"))
    assert (await jonas.get("/orders/A-48291"))[0] == 404
    assert (await jonas.post("/refunds", REFUND))[0] == 404
    assert world.shop.ledger == []


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_a_call_without_a_good_token_is_refused(http: aiohttp.ClientSession, world: World, token: str) -> None:
    assert (await Customer(http, world.shop_url, token).get("/orders"))[0] == 401


async def test_the_gateways_word_counts_for_a_linked_address(http: aiohttp.ClientSession, world: World) -> None:
    assert (await assertion(http, world).get("/customer"))[1]["name"] == "Ana Ruiz"


@pytest.mark.parametrize(
    "claims",
    [{"exp": NOW_S - 1}, {"aud": "bank.example"}, {"verified": "none"}, {"sub": "whatsapp:+34999"}, {"aud": None}],
    ids=str,
)
async def test_a_bad_word_of_the_gateway_is_refused(
    http: aiohttp.ClientSession, world: World, claims: dict[str, Any]
) -> None:
    assert (await assertion(http, world, **claims).get("/customer"))[0] == 401


async def test_the_same_key_gives_the_first_result_again(ana: Customer, world: World) -> None:
    first = await ana.post("/refunds", REFUND, Idempotency_Key="k1")
    assert first == (201, {"ref": "R-7711", "order_id": "A-48291", "amount": 189.4, "currency": "USD"})
    assert await ana.post("/refunds", REFUND, Idempotency_Key="k1") == first
    assert len(world.shop.ledger) == 1


async def test_the_same_key_with_another_body_is_an_error(ana: Customer) -> None:
    await ana.post("/refunds", REFUND, Idempotency_Key="k1")
    status, body = await ana.post("/refunds", REFUND | {"amount": 10}, Idempotency_Key="k1")
    assert (status, body["error"]["code"]) == (400, "idempotency_error")


async def test_a_key_in_progress_is_a_conflict(ana: Customer, world: World) -> None:
    world.shop.faults.hold = Hold()
    first = asyncio.ensure_future(ana.post("/refunds", REFUND, Idempotency_Key="k1"))
    await world.shop.faults.hold.reached.wait()
    assert (await ana.post("/refunds", REFUND, Idempotency_Key="k1"))[0] == 409
    world.shop.faults.hold.released.set()
    assert (await first)[0] == 201


async def test_another_key_does_not_refund_twice(ana: Customer, world: World) -> None:
    await ana.post("/refunds", REFUND, Idempotency_Key="k1")
    status, body = await ana.post("/refunds", REFUND, Idempotency_Key="k2")
    assert (status, body["error"]["code"], len(world.shop.ledger)) == (409, "already_refunded", 1)


@pytest.mark.parametrize("amount", [0, -1, 189.41, 10**18, 1.005, "189.40", None, True, [1]], ids=str)
async def test_an_odd_amount_is_refused(ana: Customer, world: World, amount: Any) -> None:
    assert (await ana.post("/refunds", REFUND | {"amount": amount}))[0] == 422
    assert world.shop.ledger == []


async def test_a_lost_answer_has_still_taken_effect(ana: Customer, world: World) -> None:
    world.shop.faults.drop_next_answer = 1
    with pytest.raises(aiohttp.ClientError):
        await ana.post("/refunds", REFUND, Idempotency_Key="k1")
    assert (await ana.post("/refunds", REFUND, Idempotency_Key="k1"))[1]["ref"] == "R-7711"
    assert len(world.shop.ledger) == 1


async def test_a_failing_status_has_no_effect(ana: Customer, world: World) -> None:
    world.shop.faults.status_next = [503]
    assert (await ana.post("/refunds", REFUND, Idempotency_Key="k1"))[0] == 503
    assert world.shop.ledger == []


async def test_an_address_changes_until_the_order_leaves(ana: Customer) -> None:
    new = {"address": "Calle Mayor 3, 28013 Madrid"}
    assert (await ana.post("/orders/A-48519/address", new))[0] == 200
    assert (await ana.get("/orders/A-48519"))[1]["address"] == new["address"]
    assert (await ana.post("/orders/A-48466/address", new))[0] == 409


async def test_effects_are_on_disk_when_the_answer_comes(ana: Customer, world: World, tmp_path: Path) -> None:
    world.shop.ledger_path = tmp_path / "ledger.jsonl"
    await ana.post("/refunds", REFUND, Idempotency_Key="k1")
    assert [json.loads(line) for line in world.shop.ledger_path.read_text().splitlines()] == world.shop.ledger


@pytest.mark.parametrize("days", range(14))
def test_on_any_day_the_last_friday_names_one_order(days: int) -> None:
    for hour in range(24):
        now = NOW_S + days * 86_400 + hour * 3_600
        stock = opening(now * 1000)
        friday = last_friday(datetime.fromtimestamp(now, UTC)).astimezone(SHOP_ZONE).date()
        placed = {
            o.order_id: o.placed_at.astimezone(SHOP_ZONE).date() for o in stock.orders.values() if o.customer == ANA
        }
        assert [order_id for order_id, day in placed.items() if day == friday] == ["A-48519"]
        assert max(order.placed_at.timestamp() for order in stock.orders.values()) < now
