"""The ledger as a whole: whatever is reserved, settled and asked again, in any order, one effect per key and no limit passed."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.effect import Cap, Claim, Reservation
from bus.store import Tenant, Transaction, effects
from bus.store.migrate import migrate
from bus.store.sqlite import _Transaction
from tests.bus.scripts import NOW

MAXIMUM = Decimal(100)
STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 60), st.sampled_from(["ok", "error", "refused", "unknown", ""])),
    max_size=25,
)


def claim(key: int, amount: int) -> Claim:
    cap = Cap("customer:1", 86_400_000, Decimal(amount), MAXIMUM)
    return Claim("refund", f"k{key}", caps=(cap,), amounts=(("customer:1", Decimal(amount)),))


@settings(max_examples=60)
@given(steps=STEPS)
def test_one_effect_per_key_and_no_sum_above_its_limit(steps: list[tuple[int, int, str]]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection)
    tx = _Transaction(connection, "default")
    paid: dict[int, int] = {}
    held: dict[int, int] = {}
    for turn, (key, amount, ends) in enumerate(steps):
        place = effects.reserve(tx, claim(key, amount), "c", turn, NOW)
        expected = "done" if key in paid else "held" if key in held else ""
        if expected:
            assert place.verdict in ("done", "busy", "unknown")
            continue
        full = sum(paid.values()) + sum(held.values()) + amount > MAXIMUM
        assert place.verdict == ("limit" if full else "go")
        if place.verdict == "go":
            held[key] = amount
            if ends:
                effects.settle(tx, claim(key, amount), "c", turn, ends, {"of": amount})
            if ends == "ok":
                paid[key] = held.pop(key)
            elif ends in ("error", "refused"):
                held.pop(key)
        assert sum(paid.values()) + sum(held.values()) <= MAXIMUM
    connection.close()


async def test_an_answer_of_then_is_the_answer_after_a_crash(tenant: Tenant) -> None:
    one = Claim("refund", "k")

    async def standing(verdict: str, turn: int = 1) -> Reservation:
        return await tenant.write(effects.standing, one, verdict, "c1", turn)  # type: ignore[arg-type]

    assert (await standing("go")).verdict == "unknown", "a place that is gone"
    await tenant.write(effects.reserve, one, "c1", 1, NOW)
    assert await standing("go") == Reservation("go")
    assert (await standing("go", turn=2)).verdict == "unknown", "another turn's"
    assert await standing("busy") == Reservation("busy")
    await tenant.write(effects.settle, one, "c1", 1, "ok", {"amount": Decimal("1.50")})
    assert await standing("go") == Reservation("done", {"amount": Decimal("1.50")})
    assert await standing("done") == Reservation("done", {"amount": Decimal("1.50")})


async def test_what_is_settled_is_settled(tenant: Tenant) -> None:
    one = Claim("refund", "k")
    await tenant.write(effects.reserve, one, "c1", 1, NOW)
    for conversation, turn, status in (("c2", 1, "ok"), ("c1", 2, "ok"), ("c1", 1, "ok"), ("c1", 1, "error")):
        await tenant.write(effects.settle, one, conversation, turn, status, f"{conversation} {turn}")
    assert await tenant.write(effects.reserve, one, "c9", 9, NOW) == Reservation("done", "c1 1")
    assert await tenant.read(effects.reserved, "c1", 1) == []


async def test_calls_without_an_answer_are_known_by_their_turn(tenant: Tenant) -> None:
    def three(tx: Transaction) -> None:
        for key, turn in (("a", 1), ("b", 1), ("c", 2)):
            effects.reserve(tx, Claim("refund", key), "c1", turn, NOW)

    await tenant.write(three)
    assert await tenant.read(effects.reserved, "c1", 1) == [("refund", "a"), ("refund", "b")]
