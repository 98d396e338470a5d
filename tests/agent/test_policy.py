"""Policy over recorded results: strict where anything is uncertain."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agent import policy
from agent.conditions import Undecidable, holds
from agent.policy import Scope
from agent.results import MAX_AGE, Known, newest, profile
from agent.spec import Rule, Spec, Tool

HTTP = {"method": "POST", "url": "https://shop.example/refunds"}
SCOPE = Scope("default", "c_1", "site:u1")


def tool(**fields: Any) -> Tool:
    args = {"type": "object", "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}}}
    return Tool.model_validate({"http": HTTP, "args": args, **fields})


def verdict(amount: Any, *, draft: bool = False, **fields: Any) -> str:
    return policy.decide(tool(**fields), {"args": {"amount": amount}}, draft=draft).verdict


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (80, "allow"), (100, "allow"), (Decimal("100.00"), "allow"), (Decimal("100.01"), "confirm"), (Decimal("189.40"), "confirm"),
        (200, "confirm"), (Decimal("200.01"), "confirm_then_approve"), (10**17, "confirm_then_approve"),
    ],
)  # fmt: skip
def test_thresholds_are_exact(amount: Any, expected: str) -> None:
    assert verdict(amount, confirm="args.amount > 100", approve="args.amount > 200") == expected


def test_a_number_that_a_double_cannot_hold_is_uncertain() -> None:
    close = Decimal("100.0000000000000000001")
    assert verdict(close, confirm="args.amount > 100") == "confirm"
    assert verdict(Decimal("99.99999999999999999999"), require="args.amount < 100", confirm="false") == "refuse"
    assert verdict(2**70, confirm="args.amount > 1", approve="args.amount > 1") == "confirm_then_approve"


@pytest.mark.parametrize(
    "broken", ["args.nothing > 1", "nobody.knows", "args.amount", "args.amount > 'x'", "1 / 0 > 1"]
)
def test_a_condition_that_fails_is_the_stricter_answer(broken: str) -> None:
    assert verdict(5, require=broken) == "refuse"
    assert verdict(5, confirm=broken) == "confirm"
    assert verdict(5, confirm="false", approve=broken) == "approve"
    assert policy.escalation([Rule.model_validate({"if": broken, "reason": "r"})], {"args": {"amount": 5}}) == "r"


def test_a_writing_tool_without_any_rule_asks_staff() -> None:
    assert verdict(5) == "approve"
    assert verdict(5, run="always") == "allow"
    assert verdict(5, confirm="false") == "allow"
    assert verdict(5, confirm=False, approve=True) == "approve"


def test_in_draft_every_writing_call_asks_staff() -> None:
    assert verdict(5, draft=True, run="always") == "approve"
    assert verdict(5, draft=True, confirm="true") == "approve"
    assert verdict(5, draft=True, require="false") == "refuse"
    assert verdict(5, draft=True, effect="read") == "allow"


def test_rules_about_an_absent_profile_are_skipped() -> None:
    rules = [Rule.model_validate({"if": 'customer.tier == "vip"', "reason": "vip"})]
    assert policy.escalation(rules, {}, ["customer"]) == ""
    assert policy.escalation(rules, {"customer": {"tier": "vip"}}) == "vip"
    assert policy.escalation(rules, {"customer": {}}) == "vip"
    assert policy.escalation(rules, {"customer": {"tier": "basic"}}) == ""


@pytest.mark.parametrize(
    ("given", "recorded", "expected"),
    [
        ({"customer"}, "confirm", True), ({"customer"}, "approve", False), ({"customer"}, "confirm_then_approve", False),
        ({"staff"}, "confirm", True), ({"staff"}, "confirm_then_approve", True), ({"customer", "staff"}, "refuse", False),
        (set(), "allow", True), (set(), "confirm", False),
    ],
)  # fmt: skip
def test_who_must_have_agreed(given: set[str], recorded: Any, expected: bool) -> None:
    assert policy.covered(policy.Verdict(recorded), frozenset(given)) is expected


def spec(**tools: Any) -> Spec:
    return Spec.parse({"name": "x", "tools": tools})


def known(at: int, status: str = "ok", **args: Any) -> Known:
    return Known("check", args, status, {"at": at}, at)


def test_the_newest_ok_result_with_the_same_arguments_counts() -> None:
    rules = spec(check={"http": {"url": "https://x.example"}})
    results = [known(1, order_id="A"), known(2, order_id="A"), known(3, order_id="B"), known(4, "error", order_id="A")]
    found = newest(results, rules, "check", {"order_id": "A", "amount": 5}, 10)
    assert found is not None
    assert found.at == 2
    assert newest(results, rules, "check", {"order_id": "C"}, 10) is None
    assert newest(results, rules, "other", {"order_id": "A"}, 10) is None


def test_an_old_result_does_not_count() -> None:
    rules = spec(
        check={"http": {"url": "https://x.example"}}, quick={"http": {"url": "https://x.example"}, "max_age": "1m"}
    )
    assert newest([known(0)], rules, "check", {}, MAX_AGE) is not None
    assert newest([known(0)], rules, "check", {}, MAX_AGE + 1) is None
    assert newest([known(0)], rules, "check", {}, 60_001, 60_000) is None
    quick = [Known("quick", {}, "ok", {}, 0)]
    assert newest(quick, rules, "quick", {}, 60_001) is None
    assert newest(quick, rules, "quick", {}, 60_000) is not None


def test_numbers_compare_by_value() -> None:
    rules = spec(check={"http": {"url": "https://x.example"}})
    assert newest([known(0, amount=Decimal("5.0"))], rules, "check", {"amount": 5}, 1) is not None


def test_once_is_one_place_in_the_ledger() -> None:
    refund = tool(
        once=["order_id"], limits=[{"per": "customer", "window": "24h", "sum": "amount", "max": 300, "count": 2}]
    )
    one = policy.claim("refund", refund, {"order_id": "A", "amount": 5}, SCOPE, "step 1")
    same = policy.claim("refund", refund, {"order_id": "A", "amount": 6}, SCOPE, "step 2")
    other = policy.claim("refund", refund, {"order_id": "B", "amount": 5}, SCOPE, "step 1")
    assert one.idempotency_key == one.once == same.idempotency_key != other.idempotency_key
    assert [(cap.scope, cap.amount, cap.maximum) for cap in one.caps] == [
        ("customer:site:u1:amount", Decimal(5), Decimal(300)), ("customer:site:u1:calls", Decimal(1), Decimal(2)),
    ]  # fmt: skip
    foreign = policy.claim("refund", refund, {"order_id": "A"}, Scope("other", "c_1", "site:u1"), "step 1")
    assert foreign.idempotency_key != one.idempotency_key


def test_without_once_the_step_is_the_key() -> None:
    mail = tool(limits=[{"per": "order_id", "window": "1h", "max": 1}, {"per": "global", "window": "1h", "max": 9}])
    one, two = (policy.claim("mail", mail, {"order_id": "A"}, SCOPE, step) for step in ("1", "2"))
    assert (one.once, one.idempotency_key == two.idempotency_key) == ("", False)
    assert [cap.scope for cap in one.caps] == ["order_id:A:calls", "global:calls"]


def test_bands() -> None:
    rules = Spec.parse(
        {"name": "x", "confidence": {"channels": {"phone": {"send": 0.9}}, "categories": {"technical": {"send": 0.8}}}}
    )
    assert [policy.band(score, rules, "web", "billing") for score in (0.85, 0.849, 0.60, 0.599)] == [
        "send",
        "flag",
        "flag",
        "hold",
    ]
    assert policy.band(0.8, rules, "web", "technical") == "send"
    assert policy.band(0.89, rules, "phone", "technical") == "flag"


def test_profiles_merge_in_order() -> None:
    results = [
        Known("a", {}, "ok", {"tier": "x", "id": 1}, 0),
        Known("b", {}, "ok", {"tier": "y"}, 0),
        Known("c", {}, "error", {"tier": "z"}, 0),
    ]
    assert profile(results, ["a", "b", "c"]) == {"tier": "y", "id": 1}


def test_conditions_say_why_they_cannot_be_decided() -> None:
    with pytest.raises(Undecidable, match=r"args\.amount"):
        holds("args.amount > 1", {})
