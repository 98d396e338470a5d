"""Templates of the spec, filled in: jinja2 in a sandbox, every value as literal text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, Template, TemplateError, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
DAY = {"en": "{d} {m}", "es": "{d} de {m}", "de": "{d}. {m}", "fr": "{d} {m}", "pt": "{d} de {m}"}
TENTHS = re.compile(r"((?:[$€£¥]|\b[A-Z]{3})\s?\d+\.\d)(?!\d)|(?<![\d.])(\d+\.\d)(?=\s?(?:[$€£¥]|[A-Z]{3}\b))")


class Unworded(Exception):
    """The template names something that is not there, or is no template."""


class _Sandbox(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """A field of a result before a method of its dict: `order.items` is what the tool answered."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def literal(value: Any) -> str:
    """A value that reads as itself in Markdown: no link, no emphasis, no line of its own making."""
    text = " ".join(number(value).split())
    text = re.sub(r"([\\`*\[\]<&])", r"\\\1", text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~", lambda found: "\\" + found[0], text)
    return re.sub(
        r"^([#>+-])(?=\s)|^(\d+)([.)])(?=\s)", lambda found: f"{found[2] or ''}\\{found[1] or found[3]}", text
    )


def number(value: Any) -> str:
    """A value as people write it: no exponents, yes and no as words of the data."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | float):
        return format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    return "" if value is None else str(value)


def fill(template: str, values: Mapping[str, Any], language: str = "en", zone: str = "UTC") -> str:
    """The text with its values in it, as Markdown. Raises Unworded."""
    text = _rendered(_environment, template, {**values, "_language": language, "_zone": zone})
    return TENTHS.sub(lambda found: found[0] + "0", text).strip()


def fill_plainly(template: str, values: Mapping[str, Any], language: str = "en", zone: str = "UTC") -> str:
    """The text with its values in it as they are, for what is not Markdown: a title, an address. Raises Unworded."""
    return _rendered(_plain, template, {**values, "_language": language, "_zone": zone}).strip()


def _rendered(environment: ImmutableSandboxedEnvironment, template: str, values: dict[str, Any]) -> str:
    if "{" not in template:
        return template
    try:
        return _template(environment, template).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise Unworded(str(error)[:200]) from error


def check(template: str) -> str:
    """What is wrong with a template, "" when it compiles."""
    try:
        _template(_environment, template)
    except TemplateError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1024)
def _template(environment: ImmutableSandboxedEnvironment, source: str) -> Template:
    return environment.from_string(source)


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup | StrictUndefined) else literal(value)


def _money(value: Any, currency: str = "") -> str:
    amount = format(Decimal(str(value)).quantize(Decimal("0.01")), "f")
    return f"{amount} {currency}".strip()


@pass_context
def _date(context: Context, value: Any) -> Markup:
    """An ISO date or time as a day in the reply's language and the spec's time zone."""
    return Markup(day(value, context["_language"], context["_zone"]))  # noqa: S704 - nothing of the value is in it


def day(value: Any, language: str, zone: str) -> str:
    """An ISO date or time as people say it. Raises ValueError."""
    found = _day(value, ZoneInfo(zone))
    spoken = language.partition("-")[0]
    month = MONTHS.get(spoken, MONTHS["en"]).split()[found.month - 1]
    return DAY.get(spoken, DAY["en"]).format(d=found.day, m=month)


def _day(value: Any, zone: ZoneInfo) -> date:
    text = str(value).replace("Z", "+00:00")
    if len(text) <= 10:
        return date.fromisoformat(text)
    at = datetime.fromisoformat(text)
    return (at.astimezone(zone) if at.tzinfo else at).date()


_environment = _Sandbox(undefined=StrictUndefined, autoescape=False, finalize=_finalize)
_environment.filters |= {"money": _money, "date": _date}
_environment.globals.clear()
_plain = _environment.overlay(
    finalize=lambda value: value if isinstance(value, Markup | StrictUndefined) else number(value)
)
