"""Cases find their channel by conditions over the capsule."""

from __future__ import annotations

import pytest

from handoff.case import build
from handoff.routing import facts, router, unknown_names
from tests.handoff.stage import NOW, WAITING, conversation

CASE = build(conversation(), WAITING, [], now=NOW)


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ('reason == "warehouse_flag"', "C2"),
        ('channel == "web" && customer.verified == "none"', "C2"),
        ("sentiment_score < -0.5", "C1"),
        ('entities.order_id == "A-1"', "C1"),  # not there: does not match
        ('tier == "vip"', "C1"),
        ('"true"', "C1"),  # only true itself is true
    ],
)
def test_the_first_condition_that_holds_decides(condition: str, place: str) -> None:
    assert router([(condition, "C2"), ("true", "C1")], "C9")(CASE) == place


def test_no_match_goes_to_the_desks_channel() -> None:
    assert router([], "C9")(CASE) == "C9"


def test_a_condition_that_does_not_parse_is_an_error_at_start() -> None:
    with pytest.raises(ValueError, match="Failed to parse"):
        router([("reason ==", "C2")], "C9")


def test_misspelt_names_are_found() -> None:
    assert unknown_names('reson == "x" && category == "billing"') == ["reson"]
    assert unknown_names('["x", "y"].exists(one, one == reason)') == []
    assert unknown_names("size(transcript) > 3") == ["transcript"]


def test_the_long_lists_are_left_out() -> None:
    assert not {"transcript", "tools", "sources"} & facts(CASE).keys()
