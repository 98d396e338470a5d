"""Numbers are Decimal and digests canonical: one way to write a value, so that equal values have equal digests."""

from __future__ import annotations

import hashlib
from decimal import Context, Decimal
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
WHOLE = 10**20
_exactly = Context(prec=1000)
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_typed: dict[type, msgspec.json.Decoder[Any]] = {}


def encode(value: Any) -> bytes:
    """Canonical JSON: sorted keys, Decimals as numbers as they were written."""
    return _encoder.encode(value)


def decode_numbers(data: bytes | str) -> Any:
    """JSON whose fractions are Decimals. Raises msgspec.DecodeError."""
    return _decoder.decode(data)


def decode(data: bytes | str, into: type[T]) -> T:
    """JSON as a typed value; fractions in its untyped corners are Decimals. Raises msgspec.DecodeError."""
    if into not in _typed:
        _typed[into] = msgspec.json.Decoder(into, float_hook=Decimal)
    decoder: msgspec.json.Decoder[T] = _typed[into]
    return decoder.decode(data)


def normal(value: Any) -> Any:
    """The value with every number in one form: 189.40 and 189.4 and Decimal('189.4') become one."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):  # most items are texts, and a call costs more than looking
        return {str(key): item if type(item) is str else normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [item if type(item) is str else normal(item) for item in value]
    if isinstance(value, (int, float, Decimal)):
        return _normal_number(Decimal(str(value)))
    return value


def _normal_number(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("a number must be finite")
    if number == 0:
        return Decimal(0)
    if abs(number) < WHOLE and number == number.to_integral_value():
        return number.quantize(Decimal(1))
    return number.normalize(_exactly)


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(encode(normal(value))).hexdigest()
