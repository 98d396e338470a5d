"""Templates: values are literal text, numbers read as people write them, nothing escapes the sandbox."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agent.wording import Unworded, check, fill, literal


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("Refund of ${{ amount }} issued — confirmation #{{ ref }}.", {"amount": Decimal("189.4"), "ref": "R-7711"},
         "Refund of $189.40 issued — confirmation #R-7711."),
        ("{{ amount }} € on {{ day | date }}", {"amount": Decimal("89.5"), "day": "2024-05-14T22:30:00Z"}, "89.50 € on 15 May"),
        ("{{ amount }} USD", {"amount": 80}, "80 USD"), ("{{ rating }} stars", {"rating": Decimal("4.5")}, "4.5 stars"),
        ("{{ amount | money('EUR') }}", {"amount": Decimal(5)}, "5.00 EUR"), ("{{ n }}", {"n": Decimal("1E+3")}, "1000"),
        ("{{ order.items }}", {"order": {"items": 3}}, "3"), ("{{ open.amount }}", {"open": {"amount": 1}}, "1"),
        ("{% if flags %}a{% else %}b{% endif %}", {"flags": []}, "b"),
    ],
)  # fmt: skip
def test_values(template: str, values: dict[str, Any], expected: str) -> None:
    assert fill(template, values, "en", "Europe/Madrid") == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [("es", "14 de mayo"), ("de", "14. Mai"), ("fr", "14 mai"), ("pt-BR", "14 de maio"), ("xx", "14 May")],
)
def test_days_in_the_customers_language(language: str, expected: str) -> None:
    assert fill("{{ day | date }}", {"day": "2024-05-14"}, language) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{{ x.y.z }}",
        "{{ day | date }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler }}",
        "{% for x in range(10**9) %}{% endfor %}",
    ],
)
def test_what_is_not_there_is_not_worded(template: str) -> None:
    with pytest.raises(Unworded):
        fill(template, {"x": {}, "day": "never"})


def test_a_broken_template_is_found_before_it_is_used() -> None:
    assert (check("{{ x }}"), check("{% if %}") != "", check("{{ x | nonsense }}") != "") == ("", True, True)


@given(st.text(max_size=60))
def test_a_value_reads_as_itself(text: str) -> None:
    html = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").render(f"a {literal(text)} b")
    assert html.count("<") == 2


@pytest.mark.parametrize(
    "value",
    [
        "[x](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "**bold**",
        "<b>",
        "a\n# Heading",
        "- item",
        "1. item",
        "> q",
        "`code`",
    ],
)
def test_a_value_formats_nothing(value: str) -> None:
    html = MarkdownIt("commonmark").render(fill("{{ value }}", {"value": value}))
    assert html.count("<") == 2
