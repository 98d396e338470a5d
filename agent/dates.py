"""Dates in words, read on a calendar: "last Friday", "vor zwei Wochen", "el 14 de mayo", "il y a trois jours", "14/05".

Own tables for five languages: of the libraries, dateparser 1.5 takes "may I" for a month and "sun" for a day, reads "14.05." as a time,
finds neither "hace dos semanas" nor "há duas semanas" in a sentence, and cannot say that "two weeks ago" is about a week wide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.words import fold
from agent.words.calendar import (
    AGO,
    AHEAD,
    BEFORE_MONTH,
    DATE,
    DAYS,
    LAST,
    MONTHS,
    NEXT,
    NUMBERS,
    SHORT_MONTHS,
    UNITS,
    WEEKDAYS,
)

ONE_DAY = timedelta(days=1)
Days = tuple[date, date]
"""First and last day, both included."""
Readings = tuple[Days, ...]
Reader = Callable[[re.Match[str], date], Readings]


class Period(NamedTuple):
    """Days that words name. Several readings: a year that was not said, or 03/04; the likeliest comes first.

    `start` and `end` are where in the folded text. `sure` is False where day and month may be swapped.
    """

    readings: Readings
    start: int
    end: int
    sure: bool = True

    @property
    def first(self) -> date:
        """The first day of the likeliest reading."""
        return self.readings[0][0]

    @property
    def last(self) -> date:
        """The last day of the likeliest reading."""
        return self.readings[0][1]

    def holds(self, day: date) -> bool:
        """True when the day may be one of them."""
        return any(first <= day <= last for first, last in self.readings)

    def day(self, today: date, *, ahead: bool = False) -> date | None:
        """The one day it names, None when it names several; `ahead`: of the years that were not said, the first that is not over."""
        single = [first for first, last in self.readings if first == last]
        if not self.sure or len(single) != len(self.readings):
            return None
        coming = [day for day in sorted(single) if day >= today]
        return coming[0] if ahead and coming else single[0]


def find(text: str, language: str, today: date) -> list[Period]:
    """The days that a message names, in order; overlapping readings give way to the longer one."""
    plain = fold(text)
    found = [
        period for pattern, reader in _readers(_known(language)) for period in _read(pattern, reader, plain, today)
    ]
    chosen: list[Period] = []
    for period in sorted(found, key=lambda period: (period.start - period.end, period.start)):
        if all(period.end <= other.start or period.start >= other.end for other in chosen):
            chosen.append(period)
    return sorted(chosen, key=lambda period: period.start)


def mentions(text: str, language: str) -> bool:
    """True when a text names any day."""
    return any(pattern.search(fold(text)) for pattern, _ in _readers(_known(language)))


def without(text: str, language: str, *, named: bool = False) -> str:
    """The folded text without the days it names; `named`: with the word "date" in their place."""
    plain = fold(text)
    for pattern, _ in _readers(_known(language)):
        plain = pattern.sub(f" {DATE[_known(language)]} " if named else " ", plain)
    return plain


def today(now: int, zone: str) -> date:
    """The day it is at UTC milliseconds `now` in a time zone."""
    return datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone)).date()


def as_day(value: object, zone: str) -> date | None:
    """The calendar day of an ISO date or time, or of an epoch in seconds or milliseconds; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _epoch_day(float(value), zone)
    if not isinstance(value, str) or not re.match(r"\d{4}-?\d{2}-?\d{2}(?:[T ]|$)", value):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment.date() if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone)).date()


def _epoch_day(value: float, zone: str) -> date | None:
    seconds = value / 1000 if value > 1e11 else value
    if not 631152000 <= seconds <= 4102444800:  # 1990 to 2100
        return None
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone)).date()


def _known(language: str) -> str:
    name = language.partition("-")[0]
    return name if name in MONTHS else "en"


def _read(pattern: re.Pattern[str], reader: Reader, text: str, today: date) -> Iterator[Period]:
    for match in pattern.finditer(text):
        try:
            readings = reader(match, today)
        except (ValueError, OverflowError):
            continue
        if readings:
            yield Period(readings, match.start(), match.end(), sure=not _swapped(readings))


def _swapped(readings: Readings) -> bool:
    days = {(first.month, first.day) for first, _ in readings}
    return len(days) > 1 and len({frozenset(day) for day in days}) == 1


@cache
def _readers(language: str) -> list[tuple[re.Pattern[str], Reader]]:
    """Patterns of one language and of figures, each with what it means."""
    own = [
        *_relative(language),
        *_named_days(language),
        *_months(language),
        *_weekdays(language),
        *_last_and_next(language),
    ]
    return [(re.compile(rf"(?<!\w){pattern}(?!\w)"), reader) for pattern, reader in [*own, *_figures(language)]]


def _table(column: str) -> dict[str, int]:
    return {
        name.replace("_", " "): number for number, names in enumerate(column.split(), 1) for name in names.split("|")
    }


def _either(names: dict[str, int]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def _relative(language: str) -> Iterator[tuple[str, Reader]]:
    numbers = _table(NUMBERS[language])
    number = rf"(\d{{1,3}}|{_either(numbers)})"
    for unit, names in UNITS[language].items():
        for forms, sign in ((AGO, -1), (AHEAD, 1)):
            pattern = forms[language].replace("{n}", number).replace("{u}", f"(?:{names})")
            yield f"(?:{pattern})", _counted(numbers, unit, sign)


def _counted(numbers: dict[str, int], unit: str, sign: int) -> Reader:
    def read(match: re.Match[str], today: date) -> Readings:
        word = next(group for group in match.groups() if group)
        count = int(word) if word.isdigit() else numbers[word]
        return (_around(today, unit, sign * count),)

    return read


def _around(today: date, unit: str, count: int) -> Days:
    """People round: "two weeks ago" is a week wide, "three days ago" a day either side."""
    if unit == "hour":
        return today + min(0, count // 24) * ONE_DAY, today + max(0, count // 24) * ONE_DAY
    if unit == "day":
        slack = 0 if abs(count) == 1 else 1 if abs(count) < 8 else 2
        return today + (count - slack) * ONE_DAY, today + (count + slack) * ONE_DAY
    if unit == "week":
        return today + (count * 7 - 4) * ONE_DAY, today + (count * 7 + 4) * ONE_DAY
    wide = 16 if unit == "month" else 183
    days = round(count * (30.44 if unit == "month" else 365.25))
    return today + (days - wide) * ONE_DAY, today + (days + wide) * ONE_DAY


def _named_days(language: str) -> Iterator[tuple[str, Reader]]:
    for offset, names in DAYS[language].items():
        yield f"(?:{names})", _offset(offset)


def _offset(days: int) -> Reader:
    return lambda _match, today: ((today + days * ONE_DAY,) * 2,)


def _months(language: str) -> Iterator[tuple[str, Reader]]:
    months = {**_table(SHORT_MONTHS[language]), **_table(MONTHS[language])}
    name = rf"(?P<month>{_either(months)})\.?"
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|o)?"
    year = r"(?:,?\s+(?:de\s+|del\s+|of\s+)?(?P<year>20\d\d))?"
    yield rf"{day}\s+(?:of\s+|de\s+)?{name}{year}", _day_of_month(months)
    yield rf"{name}\s+(?:the\s+)?{day}{year}", _day_of_month(months)
    yield rf"{name}\s+(?:de\s+|del\s+|of\s+)?(?P<year>20\d\d)", _whole_month(months)
    yield rf"(?:{BEFORE_MONTH[language]})\s+{name}", _whole_month(months)


def _day_of_month(months: dict[str, int]) -> Reader:
    def read(match: re.Match[str], today: date) -> Readings:
        return tuple(
            (day, day) for day in _days(match.groupdict().get("year"), months[match["month"]], int(match["day"]), today)
        )

    return read


def _days(year: str | None, month: int, day: int, today: date) -> list[date]:
    """The day in the year that was said; without one, in the years around, the nearest first."""
    if year:
        return [date(int(year) + (2000 if int(year) < 100 else 0), month, day)]
    found = []
    for guess in (today.year - 1, today.year, today.year + 1):
        try:
            found.append(date(guess, month, day))
        except ValueError:  # 29 February
            continue
    return sorted(found, key=lambda found: abs(found - today))


def _whole_month(months: dict[str, int]) -> Reader:
    def read(match: re.Match[str], today: date) -> Readings:
        firsts = _days(match.groupdict().get("year"), months[match["month"]], 1, today)
        return tuple((first, _end_of_month(first)) for first in firsts)

    return read


def _end_of_month(first: date) -> date:
    return (first + 31 * ONE_DAY).replace(day=1) - ONE_DAY


def _weekdays(language: str) -> Iterator[tuple[str, Reader]]:
    days = _table(WEEKDAYS[language])
    either = rf"(?P<weekday>{_either(days)})"
    for (before, after), sign in ((LAST[language], -1), (NEXT[language], 1)):
        if before:
            yield rf"{before}{either}", _weekday(days, sign)
        if after:
            yield rf"{either}{after}", _weekday(days, sign)
    yield either, _weekday(days, 0)


def _weekday(days: dict[str, int], sign: int) -> Reader:
    """A bare weekday may be the last or the next one."""

    def read(match: re.Match[str], today: date) -> Readings:
        back = (today.isoweekday() - days[match["weekday"]]) % 7
        last, coming = today - (back or 7) * ONE_DAY, today + (7 - back) * ONE_DAY
        either = (today, last, coming) if back == 0 else (last, coming)
        chosen = (last,) if sign < 0 else (coming,) if sign > 0 else either
        return tuple((day, day) for day in chosen)

    return read


def _last_and_next(language: str) -> Iterator[tuple[str, Reader]]:
    for forms, sign in ((LAST, -1), (NEXT, 1)):
        for unit in ("week", "month", "year"):
            names = f"(?:{UNITS[language][unit]})"
            before, after = forms[language]
            pattern = "|".join([f"{before}{names}"] * bool(before) + [f"{names}{after}"] * bool(after))
            yield f"(?:{pattern})", _whole(unit, sign)


def _whole(unit: str, sign: int) -> Reader:
    def read(_match: re.Match[str], today: date) -> Readings:
        if unit == "week":
            monday = today - (today.isoweekday() - 1) * ONE_DAY + sign * 7 * ONE_DAY
            return ((monday, monday + 6 * ONE_DAY),)
        if unit == "month":
            first = (today.replace(day=1) + (32 if sign > 0 else -1) * ONE_DAY).replace(day=1)
            return ((first, _end_of_month(first)),)
        return ((date(today.year + sign, 1, 1), date(today.year + sign, 12, 31)),)

    return read


def _figures(language: str) -> Iterator[tuple[str, Reader]]:
    """ISO everywhere. 03/04 is day and month; in English it may be either."""
    yield r"(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})", _figure
    yield r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?:\s?(?P<year>(?:20)?\d\d))?", _figure
    yield (
        r"(?P<day>\d{1,2})[/-](?P<month>\d{1,2})(?:[/-](?P<year>(?:20)?\d\d))?",
        _either_way if language == "en" else _figure,
    )


def _figure(match: re.Match[str], today: date) -> Readings:
    return tuple((day, day) for day in _days(match["year"], int(match["month"]), int(match["day"]), today))


def _either_way(match: re.Match[str], today: date) -> Readings:
    one, other = int(match["day"]), int(match["month"])
    found: list[date] = []
    for day, month in {(one, other), (other, one)}:
        try:
            found += _days(match["year"], month, day, today)
        except ValueError:
            continue
    return tuple((day, day) for day in sorted(dict.fromkeys(found), key=lambda day: (abs(day - today), day)))
