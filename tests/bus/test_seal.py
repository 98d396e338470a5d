"""Sealing: the first key seals, all open, and a copy of the store shows nothing."""

from __future__ import annotations

import pytest

from bus.seal import Seal, Unsealable

OLD = "an old secret key of more than thirty-two bytes"
NEW = "a new secret key of more than thirty-two bytes!"


def test_what_was_sealed_opens_and_shows_nothing_before() -> None:
    seal = Seal([OLD])
    sealed = seal.seal("the customer's token ✓")
    assert seal.open(sealed) == "the customer's token ✓"
    assert "token" not in sealed
    assert seal.seal("the customer's token ✓") != sealed


def test_the_first_key_seals_and_all_open() -> None:
    sealed = Seal([OLD]).seal("x")
    rotated = Seal([NEW, OLD])
    assert rotated.open(sealed) == "x"
    assert Seal([NEW]).open(rotated.seal("y")) == "y"


@pytest.mark.parametrize(
    "sealed",
    ["", "garbage", "é", Seal([NEW]).seal("x"), Seal([OLD]).seal("x")[:-5] + "AAAA="],
    ids=["nothing", "garbage", "not ASCII", "another key's", "tampered with"],
)
def test_what_no_key_opens_is_unsealable(sealed: str) -> None:
    with pytest.raises(Unsealable):
        Seal([OLD]).open(sealed)


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(ValueError, match="secret_key"):
        Seal([])
