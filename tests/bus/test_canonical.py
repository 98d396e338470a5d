"""Equal values have equal digests, unequal ones do not, and no digit is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.canonical import decode, decode_numbers, digest, encode

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | NUMBERS
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_with_every_digit(value: Any) -> None:
    assert encode(decode_numbers(encode(value))) == encode(value)


@given(VALUES)
def test_a_digest_survives_the_store(value: Any) -> None:
    assert digest(decode_numbers(encode(value))) == digest(value)


@given(NUMBERS, st.integers(0, 8))
def test_a_number_has_one_digest_however_it_is_written(number: Decimal, zeros: int) -> None:
    longer = Decimal(f"{number:f}" + ("" if "." in f"{number:f}" else ".") + "0" * zeros)
    assert digest({"a": number}) == digest({"a": longer})


@given(NUMBERS, NUMBERS)
def test_different_numbers_have_different_digests(one: Decimal, two: Decimal) -> None:
    assert (digest(one) == digest(two)) == (one == two)


def test_the_forms_of_one_amount() -> None:
    forms = (189.4, Decimal("189.40"), Decimal("189.4"), Decimal("1.894E+2"))
    assert len({digest(form) for form in forms}) == 1
    assert digest(1) == digest(1.0) == digest(Decimal("1.00")) == digest(Decimal("1E0"))
    assert digest(0) == digest(-0.0) == digest(Decimal("-0.00"))
    assert digest(True) != digest(1)
    assert digest("1") != digest(1)
    assert digest(10**25) == digest(Decimal("1E+25")) != digest(10**25 + 1)


def test_keys_have_no_order_and_lists_do() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) == digest((1, 2)) != digest([2, 1])


@pytest.mark.parametrize("number", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_no_number_is_refused(number: Any) -> None:
    with pytest.raises(ValueError, match="finite"):
        digest({"amount": number})


def test_fractions_in_untyped_corners_are_decimals() -> None:
    assert decode(b'{"a": 0.10}', dict[str, Any]) == {"a": Decimal("0.10")}
    assert str(decode_numbers(b"189.40")) == "189.40"
