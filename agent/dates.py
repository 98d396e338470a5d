"""Dates in words, read on a calendar: "last Friday", "vor zwei Wochen", "el 14 de mayo", "il y a trois jours", "14/05".

Own tables for five languages: of the libraries, dateparser 1.5 takes "may I" for a month and "sun" for a day, reads "14.05." as a time,
finds neither "hace dos semanas" nor "há duas semanas" in a sentence, and cannot say that "two weeks ago" is about a week wide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.words import fold

ONE_DAY = timedelta(days=1)


class Period(NamedTuple):
    """Days that words name, both ends included; `start` and `end` are where in the folded text."""

    first: date
    last: date
    start: int
    end: int

    def holds(self, day: date) -> bool:
        """True when the day is one of them."""
        return self.first <= day <= self.last

    @property
    def one_day(self) -> date | None:
        """The day, when it is exactly one."""
        return self.first if self.first == self.last else None


MONTHS = {
    "en": "january february march april may june july august september october november december",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "de": "januar februar marz april mai juni juli august september oktober november dezember",
    "fr": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "pt": "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
}
SHORT_MONTHS = {
    "en": "jan feb mar apr may jun jul aug sep|sept oct nov dec",
    "es": "ene feb mar abr may jun jul ago sep|sept oct nov dic",
    "de": "jan|janner feb mrz|maerz apr mai jun jul aug sep|sept okt nov dez",
    "fr": "janv fevr avr_ avr mai_ juin_ juil aout_ sept oct nov dec",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
}
WEEKDAYS = {
    "en": "monday|mon tuesday|tue|tues wednesday|wed thursday|thu|thurs friday|fri saturday sunday",
    "es": "lunes martes miercoles jueves viernes sabado domingo",
    "de": "montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "pt": "segunda|segunda-feira terca|terca-feira quarta|quarta-feira quinta|quinta-feira sexta|sexta-feira sabado domingo",
}
NUMBERS = {
    "en": "one|a|an two|couple_of|a_couple_of three|few|a_few four five six seven eight nine ten eleven twelve",
    "es": "un|una|uno dos|un_par_de tres cuatro cinco seis siete ocho nueve diez once doce",
    "de": "ein|eine|einem|einer|einen zwei|ein_paar|zwo drei vier funf sechs sieben acht neun zehn elf zwolf",
    "fr": "un|une deux trois|quelques quatre cinq six sept huit neuf dix onze douze",
    "pt": "um|uma dois|duas tres quatro cinco seis sete oito nove dez onze doze",
}
UNITS = {
    "en": {"day": "days?", "week": "weeks?", "month": "months?", "year": "years?", "hour": "hours?|hrs?"},
    "es": {"day": "dias?", "week": "semanas?", "month": "mes|meses", "year": "anos?", "hour": "horas?"},
    "de": {
        "day": "tag|tage|tagen",
        "week": "wochen?",
        "month": "monat|monate|monaten",
        "year": "jahr|jahre|jahren",
        "hour": "stunden?",
    },
    "fr": {"day": "jours?", "week": "semaines?", "month": "mois", "year": "ans?|annees?", "hour": "heures?"},
    "pt": {"day": "dias?", "week": "semanas?", "month": "mes|meses", "year": "anos?", "hour": "horas?"},
}
AGO = {
    "en": r"{n} {u} (?:ago|back)|(?:for|since|over) (?:the )?(?:last |past )?{n} {u}",
    "es": r"(?:hace|desde hace|hara) (?:unos |unas |ya |casi |como )?{n} {u}|{n} {u} atras",
    "de": r"(?:vor|seit) (?:etwa |rund |ungefahr |uber |schon )?{n} {u}",
    "fr": r"(?:il y a|ca fait|depuis) (?:environ |deja |presque )?{n} {u}",
    "pt": r"(?:ha|faz) (?:cerca de |quase |ja )?{n} {u}|{n} {u} atras",
}
AHEAD = {
    "en": r"in {n} {u}|{n} {u} from (?:now|today)",
    "es": r"(?:dentro de|en) {n} {u}",
    "de": r"in {n} {u}",
    "fr": r"dans {n} {u}",
    "pt": r"(?:daqui a|dentro de|em) {n} {u}",
}
DAYS = {
    "en": {-2: "day before yesterday", -1: "yesterday|last night", 0: "today|tonight|this (?:morning|afternoon|evening)",
           2: "day after tomorrow", 1: "tomorrow"},
    "es": {-2: "anteayer|antes de ayer", -1: "ayer|anoche", 0: "hoy|esta (?:manana|tarde|noche)", 2: "pasado manana",
           1: "(?<!esta )(?<!la )(?<!por la )manana"},
    "de": {-2: "vorgestern", -1: "gestern", 0: "heute", 2: "ubermorgen", 1: "(?<!guten )(?<!am )(?<!heute )(?<!gestern )morgen"},
    "fr": {-2: "avant hier|avant-hier", -1: "hier", 0: "aujourd'hui|ce (?:matin|soir)|cet apres midi", 2: "apres demain|apres-demain", 1: "demain"},
    "pt": {-2: "anteontem", -1: "ontem", 0: "hoje|esta (?:manha|tarde|noite)", 2: "depois de amanha", 1: "amanha"},
}  # fmt: skip
LAST = {
    "en": (r"(?:last|past|previous)\s", ""),
    "es": (r"pasad[oa]\s", r"\s(?:pasad[oa]|anterior|ultim[oa])"),
    "de": (r"(?:(?:vor)?letzt\w*|vergangen\w*|vorig\w*)\s", ""),
    "fr": (r"", r"\s(?:dernier|derniere|passee?)"),
    "pt": (r"(?:ultim[oa]|passad[oa])\s", r"\s(?:passad[oa]|anterior)"),
}
NEXT = {
    "en": (r"(?:next|coming|this coming)\s", ""),
    "es": (r"(?:proxim[oa]|siguiente)\s", r"\s(?:que viene|proxim[oa]|siguiente)"),
    "de": (r"(?:nachst\w*|kommend\w*)\s", ""),
    "fr": (r"prochain\w*\s", r"\s(?:prochain\w*|qui vient)"),
    "pt": (r"(?:proxim[oa])\s", r"\s(?:que vem|proxim[oa]|seguinte)"),
}
PAST_WORDS = {"last": -1, "next": 1}
Reader = Callable[[re.Match[str], date], tuple[date, date] | None]


def find(text: str, language: str, today: date) -> list[Period]:
    """The days that a message names, in order; overlapping readings give way to the longer one."""
    plain = fold(text)
    found = [
        period
        for pattern, reader in _readers(language.partition("-")[0])
        for period in _read(pattern, reader, plain, today)
    ]
    chosen: list[Period] = []
    for period in sorted(found, key=lambda period: (-(period.end - period.start), period.start)):
        if all(period.end <= other.start or period.start >= other.end for other in chosen):
            chosen.append(period)
    return sorted(chosen, key=lambda period: period.start)


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


def _read(pattern: re.Pattern[str], reader: Reader, text: str, today: date) -> Iterator[Period]:
    for match in pattern.finditer(text):
        try:
            days = reader(match, today)
        except (ValueError, OverflowError):
            continue
        if days:
            yield Period(days[0], days[1], match.start(), match.end())


@cache
def _readers(language: str) -> list[tuple[re.Pattern[str], Reader]]:
    """Patterns of one language and of figures, each with what it means."""
    known = language if language in MONTHS else "en"
    own = [*_relative(known), *_named_days(known), *_months(known), *_weekdays(known), *_last_and_next(known)]
    return [(re.compile(rf"(?<![\w]){pattern}(?![\w])"), reader) for pattern, reader in [*own, *_figures(known)]]


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
    def read(match: re.Match[str], today: date) -> tuple[date, date]:
        word = next(group for group in match.groups() if group)
        count = int(word) if word.isdigit() else numbers[word]
        return _around(today, unit, sign * count)

    return read


def _around(today: date, unit: str, count: int) -> tuple[date, date]:
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
    return lambda _match, today: (today + days * ONE_DAY, today + days * ONE_DAY)


def _months(language: str) -> Iterator[tuple[str, Reader]]:
    months = {**_table(SHORT_MONTHS[language].replace("_", "-")), **_table(MONTHS[language])}
    name = rf"(?P<month>{_either(months)})\.?"
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|o)?"
    year = r"(?:,?\s+(?:de\s+|del\s+|of\s+)?(?P<year>20\d\d))?"
    read = _day_of_month(months)
    yield rf"{day}\s+(?:of\s+|de\s+)?{name}{year}", read
    yield rf"{name}\s+(?:the\s+)?{day}{year}", read
    yield rf"{name}\s+(?:de\s+|del\s+|of\s+)?(?P<year>20\d\d)", _whole_month(months)
    before = {
        "en": "in|since|from|of|last",
        "es": "en|de|desde",
        "de": "im|vom|seit|letzten",
        "fr": "en|de|depuis",
        "pt": "em|de|desde",
    }
    yield rf"(?:{before[language]})\s+{name}", _whole_month(months)


def _day_of_month(months: dict[str, int]) -> Reader:
    def read(match: re.Match[str], today: date) -> tuple[date, date]:
        day = _nearest(match.groupdict().get("year"), months[match["month"]], int(match["day"]), today)
        return day, day

    return read


def _nearest(year: str | None, month: int, day: int, today: date) -> date:
    """Without a year: the one that is nearest to today, for people speak of the last or the next such day."""
    if year:
        return date(int(year) + (2000 if int(year) < 100 else 0), month, day)
    candidates = []
    for guess in (today.year - 1, today.year, today.year + 1):
        try:
            candidates.append(date(guess, month, day))
        except ValueError:
            continue
    return min(candidates, key=lambda found: abs(found - today))


def _whole_month(months: dict[str, int]) -> Reader:
    def read(match: re.Match[str], today: date) -> tuple[date, date]:
        first = _nearest(match.groupdict().get("year"), months[match["month"]], 1, today)
        return first, (first + 31 * ONE_DAY).replace(day=1) - ONE_DAY

    return read


def _weekdays(language: str) -> Iterator[tuple[str, Reader]]:
    days = _table(WEEKDAYS[language])
    either = rf"(?P<weekday>{_either(days)})"
    lasts, nexts = LAST[language], NEXT[language]
    yield from ((rf"{before}{either}", _weekday(days, -1)) for before in [lasts[0]] if before)
    yield from ((rf"{either}{after}", _weekday(days, -1)) for after in [lasts[1]] if after)
    yield from ((rf"{before}{either}", _weekday(days, 1)) for before in [nexts[0]] if before)
    yield from ((rf"{either}{after}", _weekday(days, 1)) for after in [nexts[1]] if after)
    yield either, _weekday(days, 0)


def _weekday(days: dict[str, int], sign: int) -> Reader:
    def read(match: re.Match[str], today: date) -> tuple[date, date]:
        back = (today.isoweekday() - days[match["weekday"]]) % 7 or 7
        last, coming = today - back * ONE_DAY, today + (7 - back if back < 7 else 7) * ONE_DAY
        if sign == 0:
            return (last, last) if back < 7 else (today, today)
        return (last, last) if sign < 0 else (coming, coming)

    return read


def _last_and_next(language: str) -> Iterator[tuple[str, Reader]]:
    for forms, sign in ((LAST, -1), (NEXT, 1)):
        for unit in ("week", "month", "year"):
            names = f"(?:{UNITS[language][unit]})"
            before, after = forms[language]
            pattern = "|".join([f"{before}{names}"] * bool(before) + [f"{names}{after}"] * bool(after))
            yield f"(?:{pattern})", _whole(unit, sign)


def _whole(unit: str, sign: int) -> Reader:
    def read(_match: re.Match[str], today: date) -> tuple[date, date]:
        if unit == "week":
            monday = today - (today.isoweekday() - 1) * ONE_DAY + sign * 7 * ONE_DAY
            return monday, monday + 6 * ONE_DAY
        if unit == "month":
            first = (today.replace(day=1) + (32 if sign > 0 else -1) * ONE_DAY).replace(day=1)
            return first, (first + 31 * ONE_DAY).replace(day=1) - ONE_DAY
        return date(today.year + sign, 1, 1), date(today.year + sign, 12, 31)

    return read


def _figures(language: str) -> Iterator[tuple[str, Reader]]:
    """ISO everywhere; 05/14 is read month first only in English and only where it cannot be a day."""
    yield r"(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})", _figure
    yield r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?:\s?(?P<year>(?:20)?\d\d))?", _figure
    yield (
        r"(?P<day>\d{1,2})[/-](?P<month>\d{1,2})(?:[/-](?P<year>(?:20)?\d\d))?",
        _figure_en if language == "en" else _figure,
    )


def _figure(match: re.Match[str], today: date) -> tuple[date, date]:
    day = _nearest(match["year"], int(match["month"]), int(match["day"]), today)
    return day, day


def _figure_en(match: re.Match[str], today: date) -> tuple[date, date] | None:
    first, second = int(match["day"]), int(match["month"])
    readings = []
    for month, day in ((first, second), (second, first)):
        try:
            readings.append(_nearest(match["year"], month, day, today))
        except ValueError:
            continue
    return (readings[0], readings[0]) if len(set(readings)) == 1 else None


def offset_zone(minutes: int) -> timezone:
    """A fixed zone, for tests of stamps with an offset."""
    return timezone(timedelta(minutes=minutes))
