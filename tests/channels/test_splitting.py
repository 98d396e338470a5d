"""Long texts in pieces: everything is there, in order, within the limit, and no sign is torn apart."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.splitting import pieces, utf16

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f1eb\U0001f1f7"


def test_a_short_text_is_one_piece() -> None:
    assert pieces("  hello \n", 10) == ["hello"]
    assert pieces(" \n ", 10) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one one\n\ntwo two", ["one one", "two two"]),
        ("one one\ntwo two", ["one one", "two two"]),
        ("One one. Two two", ["One one.", "Two two"]),
        ("one one two two", ["one one", "two two"]),
        ("oneonetwotwo", ["oneonetw", "otwo"]),
    ],
)
def test_it_is_cut_at_the_best_pause(text: str, expected: list[str]) -> None:
    assert pieces(text, 8) == expected


@pytest.mark.parametrize("sign", [FAMILY, FLAG, "e\u0301", "\U0001f44d\U0001f3fd"])
def test_no_sign_is_torn_apart(sign: str) -> None:
    text = "a" + sign * 40
    for room in range(utf16(sign) + 1, utf16(sign) + 12):
        cut = pieces(text, room, utf16)
        assert "".join(cut) == text
        assert all(utf16(piece) <= room for piece in cut)
        assert all(piece.removeprefix("a").replace(sign, "") == "" for piece in cut), f"{room}: {cut}"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400), st.integers(8, 80))
def test_nothing_but_white_space_is_lost(text: str, room: int) -> None:
    cut = pieces(text, room, utf16)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(0 < utf16(piece) <= room for piece in cut)


def test_a_long_text_is_cut_quickly() -> None:
    dice = random.Random(1)
    text = "".join(dice.choice("ab .\n") for _ in range(200_000))
    assert all(len(piece) <= 4096 for piece in pieces(text, 4096, utf16))
