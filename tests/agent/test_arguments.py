"""Arguments that must never reach a tool."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import arguments
from agent.spec import Spec, Tool

TOOL = Tool.model_validate({
    "http": {"method": "POST", "url": "https://shop.example/refunds/{order_id}"},
    "args": {
        "type": "object",
        "required": ["order_id", "amount"],
        "properties": {"order_id": {"type": "string", "pattern": r"^A-\d{5}$"}, "amount": {"type": "number"}, "count": {"type": "integer"}},
    },
    "bind": {"count": "other.count"},
})  # fmt: skip


def problem(**args: Any) -> str:
    return arguments.problem(arguments.complete(TOOL), arguments.plain(args))


def test_a_proper_call_passes() -> None:
    assert problem(order_id="A-48291", amount=189.4, count=3) == ""
    assert problem(order_id="A-48291", amount=Decimal("0.01"), count=Decimal("3.0")) == ""


@pytest.mark.parametrize(
    "amount",
    [
        -1,
        0,
        Decimal("-0.01"),
        float("nan"),
        float("inf"),
        -float("inf"),
        Decimal("1e309"),
        "189.40",
        "",
        None,
        True,
        [1],
        {"a": 1},
        10**18,
    ],
)
def test_an_amount_that_is_no_sum_of_money_is_refused(amount: Any) -> None:
    assert problem(order_id="A-48291", amount=amount) != ""


@pytest.mark.parametrize(
    "order", ["A-4829", "A-482911", "A-48291\n", "a-48291", "A-٤٨٢٩١", "A-48291/../admin", 48291, None, "", "x" * 9000]
)
def test_an_id_that_is_not_quite_one_is_refused(order: Any) -> None:
    assert problem(order_id=order, amount=5) != ""


def test_nothing_unnamed_is_accepted() -> None:
    assert problem(order_id="A-48291", amount=5, customer_id="u2") != ""
    assert "count" not in arguments.offered(TOOL)["properties"]


def test_what_the_schema_allows_on_purpose_is_allowed() -> None:
    schema = {
        "type": "object",
        "properties": {"points": {"type": "integer", "minimum": -5}, "big": {"type": "number", "maximum": 10**18}},
    }
    tool = Tool.model_validate({"http": {"method": "POST", "url": "https://x.example/"}, "args": schema})
    assert arguments.problem(arguments.complete(tool), {"points": -5, "big": Decimal(10**15)}) == ""
    assert arguments.problem(arguments.complete(tool), {"points": -6}) != ""


def test_a_multiple_of_a_cent_is_exact() -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "number", "multipleOf": 0.01}}}
    assert arguments.problem(schema, {"amount": Decimal("1.10")}) == ""
    assert arguments.problem(schema, {"amount": Decimal("1.101")}) != ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(anything, anything)
def test_no_arguments_break_it(order: Any, amount: Any) -> None:
    wrong = problem(order_id=order, amount=amount)
    fine = isinstance(order, str) and isinstance(amount, int | float | Decimal) and not isinstance(amount, bool)
    assert wrong or fine


def test_a_value_inside_a_result() -> None:
    assert arguments.value_at({"open": {"amount": 5}, "rows": [{"id": 1}]}, "open.amount") == 5
    assert arguments.value_at({"rows": [{"id": 1}]}, "rows.0.id") == 1
    for path in ("open.none", "rows.7.id", "x"):
        with pytest.raises(KeyError):
            arguments.value_at({"open": {"amount": 5}, "rows": []}, path)


def test_the_spec_refuses_tools_that_are_no_tools() -> None:
    for wrong in (
        {"http": {"url": "ftp://x.example/"}}, {"http": {"url": "https://user:pw@x.example/"}}, {"http": {"url": "https://{host}/"}},
        {"http": {"url": "/relative"}}, {}, {"http": {"url": "https://x.example"}, "args": {"type": "array"}},
        {"http": {"url": "https://x.example"}, "args": {"properties": {"a": {"type": "nonsense"}}}},
        {"http": {"url": "https://x.example"}, "confirm": "args.amount >"}, {"http": {"url": "https://x.example"}, "unknown": 1},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"validation error"):
            Spec.parse({"name": "x", "tools": {"t": wrong}})
