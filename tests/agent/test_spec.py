"""The spec: every key of the contract is understood, everything else is an error that names its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from agent.problems import problems
from agent.replies import TEXTS, Replies
from agent.spec import Spec
from tests.agent.shop import SPEC


def parse(text: str) -> Spec:
    return Spec.parse(YAML(typ="safe").load(text.replace("{BASE}", "https://shop.example")))


def test_the_shops_spec_is_sound() -> None:
    spec = parse(SPEC)
    assert problems(spec) == []
    refund = spec.tools["create_refund"]
    assert (refund.limits[0].window, refund.limits[0].max, refund.writes) == (86_400_000, Decimal(300), True)
    assert spec.entities["order_id"].rows == "list_orders.orders"
    assert (spec.category("refund_status"), spec.category("nonsense")) == ("billing", "general")


WRONG: list[tuple[str, str, str]] = [
    ("args.amount > 100", "arg.amount > 100", "did you mean 'args'"),
    ("args.amount > 100", "args.amuont > 100", "did you mean 'amount'"),
    ("get_refund_eligibility.eligible", "get_refund_eligability.eligible", "did you mean 'get_refund_eligibility'"),
    ("bind: {amount: get_refund_eligibility.amount}", "bind: {amount: nowhere.amount}", "'nowhere' is not a tool"),
    ("    once: [order_id]\n", "", "says `once: [arguments]`"),
    ("once: [order_id]", "once: [order]", "did you mean 'order_id'"),
    ("intents: [refund_status]\n    confirm", "intents: [refund_stat]\n    confirm", "did you mean 'refund_status'"),
    ("context: [get_customer]", "context: [get_custmer]", "did you mean 'get_customer'"),
    ("context: [get_customer]", "context: [create_refund]", "must be a reading tool"),
    ("from: list_orders.orders", "from: list_order.orders", "did you mean 'list_orders'"),
    ("sum: amount", "sum: amonut", "did you mean 'amount'"),
    ('{order_id}"', '{orderid}"', "http.url"),
    ("{{ status }}", "{% if %}", "say: not a template"),
    ('customer.tier == "vip"', 'custmer.tier == "vip"', "escalate.rules.0.if"),
    ('"warehouse" in result.flags', '"warehouse" in reslt.flags', "escalate.0.if"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), WRONG)
def test_what_cannot_work_is_named(before: str, after: str, expected: str) -> None:
    assert before in SPEC
    assert expected in "\n".join(problems(parse(SPEC.replace(before, after))))


def test_a_writing_tool_says_how_it_runs() -> None:
    text = SPEC.replace("    confirm: args.amount > 100\n    approve: args.amount > 200\n", "")
    assert "says `confirm`, `approve` or `run: always`" in "\n".join(problems(parse(text)))
    assert problems(parse(text.replace("    effect: write\n", "    effect: write\n    run: always\n"))) == []


def test_loop_variables_are_no_names() -> None:
    text = SPEC.replace(
        '"warehouse" in result.flags', 'result.flags.exists(flag, flag == "warehouse") && type(result.x) == string'
    )
    assert problems(parse(text)) == []


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("nonsense", 1, ("nonsense",)), ("languages", [], ("languages",)), ("time_zone", "Mars/Olympus", ("time_zone",)),
        ("confidence", {"send": 2}, ("confidence", "send")), ("escalate", {"turns": 0}, ("escalate", "turns")),
        ("intents", {"a b": {}}, ("intents", "a b", "[key]")), ("intents", {"a": {"category": "legal"}}, ("intents", "a", "category")),
        ("replies", {"hallo": "x"}, ("replies", "hallo")), ("entities", {"x": {"pattern": "("}}, ("entities", "x", "pattern")),
    ],
)  # fmt: skip
def test_an_error_names_its_place(key: str, value: Any, place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        Spec.parse({"name": "x", key: value})
    assert error.value.errors()[0]["loc"] == place


def test_the_digest_is_that_of_the_content_and_holds_no_secret() -> None:
    tool = {"http": {"url": "https://x.example", "auth": {"bearer": "s3cret"}}}
    one, same = (
        Spec.parse({"name": "x", "tools": {"t": {**tool, "http": {**tool["http"], "auth": {"bearer": key}}}}})
        for key in ("a", "b")
    )
    assert one.digest == same.digest != Spec.parse({"name": "y"}).digest
    assert "s3cret" not in repr(Spec.parse({"name": "x", "tools": {"t": tool}}))


def test_the_gateway_has_every_word_in_five_languages() -> None:
    assert set(TEXTS) == set(Replies.model_fields) - {"yes", "no"}
    assert all(set(texts) == {"en", "es", "de", "fr", "pt"} and all(texts.values()) for texts in TEXTS.values())


def test_own_words_override_one_language_or_all() -> None:
    replies = Replies(handover={"es": "Ahora viene alguien."}, error="Oops.")
    assert (replies.text("handover", "es"), replies.text("handover", "de")) == (
        "Ahora viene alguien.",
        TEXTS["handover"]["de"],
    )
    assert (replies.text("error", "de"), replies.text("ask", "xx", "fr")) == ("Oops.", TEXTS["ask"]["fr"])


def test_the_schema_lists_every_key() -> None:
    schema = Spec.model_json_schema(by_alias=True)
    assert {"from", "match", "ask", "pattern"} <= set(schema["$defs"]["Entity"]["properties"])
    assert {"if", "reason"} == set(schema["$defs"]["Rule"]["properties"])
    assert set(TEXTS) <= set(schema["$defs"]["Replies"]["properties"])
