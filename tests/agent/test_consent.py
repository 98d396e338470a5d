"""Yes and no, in the customer's words: whatever is not plainly one of them is neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.consent import read
from agent.replies import NO, YES, Replies

ARGS = {"order_id": "A-48291", "amount": "189.40"}


def word(text: str, language: str = "en", replies: Replies | None = None) -> str:
    return read(text, replies or Replies(), language, "en", ARGS).word


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("yes", "en"), ("Yes!", "en"), ("YES PLEASE", "en"), ("ok", "en"), ("Yes - go ahead", "en"), ("👍", "en"), ("👍🏽", "en"),
        ("yes yes", "en"), ("Yes, thank you!", "en"), ("Yes, $189.40 is right", "en"), ("yes, 189,40 € please", "en"),
        ("sí", "es"), ("¡Sí, por favor!", "es"), ("vale", "es"), ("Ja, bitte.", "de"), ("gerne", "de"), ("Oui s’il vous plaît", "fr"),
        ("d'accord", "fr"), ("sim", "pt"), ("Sim, por favor", "pt"), ("yes", "es"),
    ],
)  # fmt: skip
def test_a_plain_yes(text: str, language: str) -> None:
    assert word(text, language) == "yes"


@pytest.mark.parametrize(
    ("text", "language"),
    [("no", "en"), ("No thanks", "en"), ("please don't", "en"), ("nein danke", "de"), ("mejor no", "es"), ("não", "pt")],
)  # fmt: skip
def test_a_plain_no(text: str, language: str) -> None:
    assert word(text, language) == "no"


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "?", "Yes, but only 50", "yes if it is free", "yes no", "no, yes", "not yes", "yes please don't",
        "Yes please refund 500",
        "Yes, $100 is enough", "Yes, 500 please", "yes and make it 500", "Yes. But not to my old card", "yes, but wait", "Yes and no",
        "yes, unless it takes long", "yes, and don't refund the other", "claro que no", "Sí, pero solo la mitad", "Sure thing, buddy",
        "I said yes yesterday", "is that a yes?", "yesterday", "Where is my order?", "yes if", "Yes, 1.000.000 €", "yes only",
    ],
)  # fmt: skip
def test_anything_doubtful_is_neither(text: str) -> None:
    assert (word(text), word(text, "es")) == ("unclear", "unclear")


def test_the_rest_of_the_message_is_kept() -> None:
    text = "Yes please, and also can you check on the second pair I ordered last Friday? It hasn't shipped."
    consent = read(text, Replies(), "en", "en", ARGS)
    assert (consent.word, consent.rest) == (
        "yes",
        "also can you check on the second pair I ordered last Friday? It hasn't shipped.",
    )
    assert (
        read("Sí, por favor. ¿Y puedes mirar el otro pedido?", Replies(), "es", "en", ARGS).rest
        == "puedes mirar el otro pedido?"
    )
    assert read("no, check order A-48519 instead", Replies(), "en", "en", ARGS).rest == "check order A-48519 instead"
    assert read("Perhaps. Where is it?", Replies(), "en", "en", ARGS).rest == "Perhaps. Where is it?"


def test_the_spec_says_what_counts() -> None:
    replies = Replies(yes={"en": ["aye"]}, no=["nay"])
    assert (word("aye", replies=replies), word("yes", replies=replies), word("nay", replies=replies)) == (
        "yes",
        "unclear",
        "no",
    )


@given(st.sampled_from(sorted(YES)), st.data())
def test_every_listed_word_counts_in_its_language(language: str, data: st.DataObject) -> None:
    assert word(data.draw(st.sampled_from(YES[language])), language) in ("yes", "unclear")
    assert word(data.draw(st.sampled_from(NO[language])), language) in ("no", "unclear")


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert word(text) in ("yes", "no", "unclear")
