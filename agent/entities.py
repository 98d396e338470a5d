"""Values in a message: found by their pattern, or looked up among rows by the dates and words that the customer used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import msgspec
import regex  # type: ignore[import-untyped]  # ships none; typed at this door

from agent import dates
from agent.spec import Entity
from agent.words import stem, stopwords, words

LONGEST_TEXT = 8_000
TIME_FOR_ONE = 0.02
"""Seconds one pattern may take over one message: a pattern that explodes finds nothing."""
DASHES = str.maketrans("‐‑‒–—−", "------")


class Resolved(msgspec.Struct, frozen=True):
    """What rows say about a value that was not written: one, several to choose from, or none. `rows` belong to `values`."""

    verdict: Literal["one", "several", "none"]
    values: tuple[Any, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()


def find(patterns: Mapping[str, str | None], text: str) -> dict[str, list[str]]:
    """Every value of every entity, in the order of the text, each once."""
    plain = text[:LONGEST_TEXT].translate(DASHES)
    found = {name: _values(pattern, plain) for name, pattern in patterns.items() if pattern}
    return {name: values for name, values in found.items() if values}


def dated(patterns: Mapping[str, str | None], text: str, language: str, today: date) -> dict[str, list[str]]:
    """Days named in words, for the entities whose values are ISO dates."""
    names = [name for name, pattern in patterns.items() if pattern and matches(pattern, today.isoformat())]
    days = (
        [day for period in dates.find(text, language, today) if (day := period.day(today, ahead=True))] if names else []
    )
    return {name: [day.isoformat() for day in days] for name in names if days}


def matches(pattern: str | None, value: object) -> bool:
    """True when a whole value is one of the entity's."""
    if pattern is None:
        return True
    try:
        return bool(_compiled(pattern, False).fullmatch(str(value)[:LONGEST_TEXT], timeout=TIME_FOR_ONE))
    except TimeoutError:
        return False


def _values(pattern: str, text: str) -> list[str]:
    exact = _search(pattern, text, False)
    loose = [] if exact else [_as_written_in_spec(pattern, value) for value in _search(pattern, text, True)]
    return list(dict.fromkeys(exact or loose))


def _search(pattern: str, text: str, ignore_case: bool) -> list[str]:
    try:
        return [
            match.group()
            for match in _compiled(pattern, ignore_case).finditer(text, timeout=TIME_FOR_ONE)
            if match.group()
        ]
    except TimeoutError:
        return []


def _as_written_in_spec(pattern: str, value: str) -> str:
    return next((form for form in (value.upper(), value.lower(), value.title()) if matches(pattern, form)), value)


@lru_cache(maxsize=512)
def _compiled(pattern: str, ignore_case: bool) -> Any:
    """The pattern as a value of its own: not inside a longer word or number."""
    core = pattern.removeprefix("^").removesuffix("$") if not pattern.endswith("\\$") else pattern.removeprefix("^")
    return regex.compile(rf"(?<![^\W_])(?:{core})(?![^\W_])", regex.IGNORECASE if ignore_case else 0)


def resolve(
    name: str,
    entity: Entity,
    text: str,
    rows: Sequence[Any],
    *,
    settled: Iterable[Any] = (),
    now: int,
    time_zone: str = "UTC",
    language: str = "en",
    arguments: Iterable[str] = (),
) -> Resolved:
    """Which row's value the customer means. `settled` are values already dealt with; `arguments` are other names the value goes by."""
    known = {str(value) for value in settled}
    candidates = [
        (value, row)
        for row in rows
        if isinstance(row, dict) and (value := value_of(name, entity, row, arguments)) is not None
    ]
    candidates = [(value, row) for value, row in candidates if str(value) not in known]
    chosen = _agreeing(entity, text, candidates, language, dates.today(now, time_zone), time_zone)
    unique = {str(value): (value, row) for value, row in chosen}
    verdict: Literal["one", "several", "none"] = "none" if not unique else "one" if len(unique) == 1 else "several"
    return Resolved(verdict, tuple(v for v, _ in unique.values()), tuple(r for _, r in unique.values()))


def called(argument: str, names: Iterable[str]) -> str:
    """The entity whose value an argument holds: that of its name, else the only one it is called after (`booking_id` → `booking`)."""
    known = list(names)
    if argument in known:
        return argument
    parts = set(argument.split("_"))
    alike = [name for name in known if set(name.split("_")) <= parts or parts <= set(name.split("_"))]
    return alike[0] if len(alike) == 1 else ""


def value_of(name: str, entity: Entity, row: dict[str, Any], arguments: Iterable[str] = ()) -> Any:
    """The entity's value in a row: the field of its name, else one whose value fits the pattern, else an argument's name, else `id`."""
    if row.get(name) not in (None, ""):
        return row[name]
    if entity.pattern:
        fitting = [value for value in row.values() if isinstance(value, (str, int)) and matches(entity.pattern, value)]
        if fitting:
            return fitting[0]
    return next((row[key] for key in (*arguments, "id") if row.get(key) not in (None, "")), None)


Candidates = list[tuple[Any, dict[str, Any]]]


def _agreeing(entity: Entity, text: str, candidates: Candidates, language: str, today: date, zone: str) -> Candidates:
    fields = entity.match or sorted({key for _, row in candidates for key in row})
    periods = dates.find(text, language, today)
    by_date = [c for c in candidates if any(_on(c[1].get(field), periods, zone) for field in fields)]
    by_word = _by_words(text, candidates, fields, language)
    both = [c for c in by_date if c in by_word]
    if both:
        return both
    if by_word or by_date:
        return by_word or by_date
    return [] if periods else candidates


def _on(value: object, periods: list[dates.Period], zone: str) -> bool:
    day = dates.as_day(value, zone)
    return day is not None and any(period.holds(day) for period in periods)


def _by_words(text: str, candidates: Candidates, fields: list[str], language: str) -> Candidates:
    """The rows that share most with the message; words that every row has tell nothing."""
    said = _stems(text, language)
    texts = [
        _stems(" ".join(str(row[field]) for field in fields if isinstance(row.get(field), str)), language)
        for _, row in candidates
    ]
    common = set.intersection(*texts) if len(texts) > 1 else set()
    shared = [len((said & own) - common) for own in texts]
    best = max(shared, default=0)
    return [candidate for candidate, count in zip(candidates, shared, strict=True) if count == best] if best else []


def _stems(text: str, language: str) -> set[str]:
    small = stopwords(language)
    return {stem(word, language) for word in words(text) if word not in small and not word.isdigit()}
