"""Values in messages, and rows that agree with what was said."""

from __future__ import annotations

import time
from typing import Any

import pytest

from agent.entities import dated, find, matches, resolve, value_of
from agent.spec import Entity
from tests.agent.test_dates import FRIDAY

NOW = 1_795_176_000_000  # 2026-11-20T12:00:00Z, a Friday
ORDER = {"order": r"A-\d{5}"}


def test_all_values_in_their_order_each_once() -> None:
    assert find(ORDER, "A-22222 and #A-11111, A-22222 again") == {"order": ["A-22222", "A-11111"]}
    assert find(ORDER, "nothing here") == {}


@pytest.mark.parametrize("text", ["BA-123456", "A-123456", "xA-12345", "A-12345b"])
def test_a_value_is_not_part_of_a_longer_one(text: str) -> None:
    assert find(ORDER, text) == {}


@pytest.mark.parametrize("text", ["a-12345", "A–12345", "A‑12345", "(A-12345)", "A-12345."])
def test_a_value_is_written_as_people_do(text: str) -> None:
    assert find(ORDER, text) == {"order": ["A-12345"]}


def test_several_entities_and_anchored_patterns() -> None:
    patterns = {"order": r"^A-\d{5}$", "email": r"[\w.+-]+@[\w-]+\.\w+", "loose": None}
    assert find(patterns, "A-12345 for ada@example.com") == {"order": ["A-12345"], "email": ["ada@example.com"]}


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){25}b", r"([a-zA-Z]+)*1", r"(\w+\s?)*!"])
def test_no_pattern_takes_long(pattern: str) -> None:
    began = time.thread_time()
    find({"evil": pattern}, "a" * 50_000 + " " + "aa " * 10_000)
    assert time.thread_time() - began < 0.15
    assert not matches(pattern, "a" * 40 + "!" * 3) or pattern.endswith("!")


def test_days_in_words_are_values_of_entities_that_are_days() -> None:
    patterns = {"day": r"\d{4}-\d{2}-\d{2}", "order": r"A-\d{5}"}
    assert dated(patterns, "move A-12345 to next Monday", "en", FRIDAY) == {"day": ["2026-11-23"]}
    assert dated(patterns, "some time in the last two weeks", "en", FRIDAY) == {}
    assert dated({"order": r"A-\d{5}"}, "yesterday", "en", FRIDAY) == {}


ENTITY = Entity.model_validate({"pattern": r"A-\d{5}", "from": "list.orders", "match": ["placed_at", "title"]})
ROWS: list[dict[str, Any]] = [
    {
        "order_id": "A-48291",
        "title": "Wireless headphones, black",
        "placed_at": "2026-11-02T10:00:00Z",
        "status": "returned",
    },
    {
        "order_id": "A-48519",
        "title": "Wireless headphones, white",
        "placed_at": "2026-11-13T22:30:00Z",
        "status": "paid",
    },
    {"order_id": "A-10002", "title": "Running shoes", "placed_at": 1_778_715_000, "status": "delivered"},
]


def meant(text: str, *, settled: tuple[str, ...] = (), language: str = "en", entity: Entity = ENTITY) -> list[str]:
    found = resolve(
        "order_id", entity, text, ROWS, settled=settled, now=NOW, time_zone="Europe/Madrid", language=language
    )
    assert found.verdict == ("none", "one", "several")[min(2, len(found.values))]
    return [str(value) for value in found.values]


def test_a_day_tells_rows_apart() -> None:
    assert meant("the pair I ordered last Friday") == ["A-48519"]
    assert meant("bought on May 14") == ["A-10002"]
    assert meant("las zapatillas que compré el 14 de mayo", language="es") == ["A-10002"]


def test_words_tell_rows_apart() -> None:
    assert meant("where are my running shoes?") == ["A-10002"]
    assert meant("the white ones") == ["A-48519"]
    assert meant("headphones") == ["A-48291", "A-48519"]


def test_day_and_words_together() -> None:
    assert meant("the headphones I ordered last Friday") == ["A-48519"]
    assert meant("I returned the black headphones two weeks ago") == ["A-48291"]


def test_a_day_of_something_else_does_not_hide_the_row_that_was_named() -> None:
    assert meant("the running shoes arrived broken yesterday") == ["A-10002"]


def test_a_day_that_no_row_has_means_none() -> None:
    assert meant("what I ordered on 3 March") == []


def test_without_evidence_every_row_may_be_meant() -> None:
    assert meant("where is my order?") == ["A-48291", "A-48519", "A-10002"]


def test_settled_values_are_not_meant_again() -> None:
    assert meant("and the other one?", settled=("A-48291", "A-10002")) == ["A-48519"]
    assert meant("the other headphones", settled=("A-48291",)) == ["A-48519"]
    assert meant("and the rest?", settled=("A-48291", "A-48519", "A-10002")) == []


def test_small_words_and_words_of_every_row_are_no_evidence() -> None:
    assert meant("the second order of the two, in black or white, wireless") == ["A-48291", "A-48519"]


def test_rows_that_are_no_rows_are_passed_over() -> None:
    found = resolve("order_id", ENTITY, "shoes", [None, "x", {}, ROWS[2]], now=NOW)
    assert (found.verdict, found.values, found.rows) == ("one", ("A-10002",), (ROWS[2],))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"order_id": "A-1"}, "A-1"),
        ({"number": "A-12345", "id": 7}, "A-12345"),
        ({"ref": "R-1", "id": 7}, 7),
        ({"reference": "R-1"}, "R-1"),
        ({"name": "x"}, None),
    ],
)
def test_the_value_of_a_row(row: dict[str, Any], expected: Any) -> None:
    assert value_of("order_id", ENTITY, row, ["reference"]) == expected
