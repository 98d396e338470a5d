"""Days in words, in five languages, on Friday 20 November 2026."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from agent.dates import as_day, find, mentions, today, without

FRIDAY = date(2026, 11, 20)


def one(text: str, language: str) -> tuple[date, date]:
    (period,) = find(text, language, FRIDAY)
    return period.first, period.last


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the pair I ordered last Friday"),
        ("es", "lo pedí el viernes pasado"),
        ("de", "am letzten Freitag bestellt"),
        ("fr", "commandé vendredi dernier"),
        ("pt", "pedi na sexta-feira passada"),
    ],
)
def test_last_friday_is_not_today(language: str, text: str) -> None:
    assert one(text, language) == (date(2026, 11, 13), date(2026, 11, 13))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "two weeks ago"), ("en", "2 weeks ago"), ("en", "a couple of weeks ago"), ("es", "hace dos semanas"),
        ("de", "vor zwei Wochen"), ("fr", "il y a deux semaines"), ("pt", "há duas semanas"),
    ],
)  # fmt: skip
def test_people_round_weeks(language: str, text: str) -> None:
    assert one(text, language) == (date(2026, 11, 2), date(2026, 11, 10))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "May 14"), ("en", "the 14th of May"), ("en", "14 May"), ("en", "5/14"), ("es", "el 14 de mayo"), ("de", "am 14. Mai"),
        ("de", "am 14.05."), ("fr", "le 14 mai"), ("pt", "14 de maio"), ("fr", "14/05"),
    ],
)  # fmt: skip
def test_a_day_without_a_year_is_any_years(language: str, text: str) -> None:
    (period,) = find(text, language, FRIDAY)
    assert period.holds(date(2026, 5, 14))
    assert period.holds(date(2027, 5, 14))
    assert not period.holds(date(2026, 5, 15))
    assert period.day(FRIDAY, ahead=True) == date(2027, 5, 14)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "yesterday", date(2026, 11, 19)), ("es", "ayer", date(2026, 11, 19)), ("de", "vorgestern", date(2026, 11, 18)),
        ("fr", "avant-hier", date(2026, 11, 18)), ("pt", "amanhã", date(2026, 11, 21)), ("en", "2026-05-14", date(2026, 5, 14)),
        ("en", "14 May 2025", date(2025, 5, 14)), ("es", "el 3 de noviembre de 2026", date(2026, 11, 3)),
        ("de", "03.11.2026", date(2026, 11, 3)), ("en", "next Monday", date(2026, 11, 23)), ("de", "nächsten Montag", date(2026, 11, 23)),
    ],
)  # fmt: skip
def test_other_days(language: str, text: str, expected: date) -> None:
    assert one(text, language) == (expected, expected)


def test_spans() -> None:
    assert one("last month", "en") == (date(2026, 10, 1), date(2026, 10, 31))
    assert one("la semana pasada", "es") == (date(2026, 11, 9), date(2026, 11, 15))
    assert one("letztes Jahr", "de") == (date(2025, 1, 1), date(2025, 12, 31))
    assert one("in October 2026", "en") == (date(2026, 10, 1), date(2026, 10, 31))


def test_day_and_month_may_be_swapped_in_english_and_then_no_day_is_sure() -> None:
    (period,) = find("03/04/2026", "en", FRIDAY)
    assert period.holds(date(2026, 4, 3))
    assert period.holds(date(2026, 3, 4))
    assert period.day(FRIDAY) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "may I have a refund"), ("en", "I sun myself"), ("en", "the second pair"), ("de", "guten Morgen"), ("es", "por la mañana"),
        ("en", "order A-48291"), ("en", "for 3 nights"), ("fr", "je marche"), ("en", "30/30"), ("en", "room 12.5"),
    ],
)  # fmt: skip
def test_what_is_no_date(language: str, text: str) -> None:
    assert find(text, language, FRIDAY) == []


def test_a_message_may_mention_no_day() -> None:
    assert mentions("last Friday", "en")
    assert not mentions("may I have a refund", "en")


def test_several_days_come_in_order() -> None:
    found = find("from 14 May to 16 May, ordered yesterday", "en", FRIDAY)
    assert [period.first.day for period in found] == [14, 16, 19]


def test_leap_days_and_nonsense_do_no_harm() -> None:
    assert [period.first for period in find("29 February", "en", FRIDAY)] == []
    assert find("99 years ago and 45 May", "en", FRIDAY) != [date.max]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-05-14", date(2026, 5, 14)), ("2026-05-14T23:30:00Z", date(2026, 5, 15)), ("2026-05-14 10:00", date(2026, 5, 14)),
        (1_778_715_000, date(2026, 5, 14)), (1_778_715_000_000, date(2026, 5, 14)), ("20260514", date(2026, 5, 14)), ("A-12345", None),
        (12345, None), (True, None), (None, None), ("2026-99-99", None),
    ],
)  # fmt: skip
def test_values_of_rows_as_days_of_the_time_zone(value: Any, expected: date | None) -> None:
    assert as_day(value, "Europe/Madrid") == expected


def test_today_is_the_time_zones() -> None:
    midnight = 1_795_132_800_000  # 2026-11-20T00:00:00Z
    assert today(midnight, "UTC") == FRIDAY
    assert today(midnight, "America/New_York") == date(2026, 11, 19)


def test_days_are_taken_out_or_named() -> None:
    assert without("Move it to June 21, please", "en").split() == ["move", "it", "to", ",", "please"]
    assert "date" in without("Move it to June 21", "en", named=True)
