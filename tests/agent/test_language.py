"""Which language a message is in, and what holds when nobody can tell."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from agent.language import detect

FIVE = ("en", "es", "de", "fr", "pt")
SENTENCES = """
en|Hi, I returned the headphones two weeks ago and still haven't seen the refund. Order #A-48291.
en|WHERE IS MY MONEY
en|wifi down
es|¿Dónde está mi pedido?
es|donde esta mi pedido
es|no me funciona internet
es|hola
es|¿y el otro?
es|Cambiar a plan Premium
de|Ja, bitte, und schau auch nach dem zweiten Paar
de|storniere meine Buchung
de|und der andere?
de|Kündigen
fr|Où en est mon remboursement ?
fr|annuler ma reservation
fr|et l'autre ?
pt|onde está a minha encomenda
pt|a minha internet não funciona
pt|e o outro?
pt|obrigado
"""
PAIRS = [tuple(line.split("|")) for line in SENTENCES.strip().splitlines()]


@pytest.mark.parametrize(("language", "text"), PAIRS)
def test_a_message_tells_its_language(language: str, text: str) -> None:
    assert detect(text, FIVE, before=language) == language


def test_only_a_few_words_hang_on_what_was_spoken_before() -> None:
    wrong = [text for language, text in PAIRS if detect(text, FIVE) != language]
    assert len(wrong) <= 1, wrong


def test_a_customer_may_change_languages() -> None:
    assert detect("Y también quiero cambiar la dirección de entrega", FIVE, before="en") == "es"
    assert detect("Where is my order?", FIVE, before="es") == "en"


@pytest.mark.parametrize("text", ["", "A-48291", "ok", "👍", "12345", "https://example.com/hola-que-tal"])
def test_what_nobody_can_tell_is_inherited(text: str) -> None:
    assert detect(text, FIVE, before="de", locale="fr-CA") == "de"
    assert detect(text, FIVE, locale="fr-CA") == "fr"
    assert detect(text, FIVE) == "en"


def test_one_word_changes_no_language_that_is_spoken() -> None:
    assert detect("refund", FIVE, before="de") == "de"
    assert detect("gracias", FIVE, before="en") == "es"


def test_only_the_specs_languages_are_given() -> None:
    assert detect("¿Dónde está mi pedido?", ["en", "de"]) in ("en", "de")
    assert detect("¿Dónde está mi pedido?", ["en"]) == "en"
    assert detect("Dov'è il mio ordine? Non è ancora arrivato", ["en", "it"]) == "it"
    assert detect("hola", ["en"], before="es", locale="es") == "en"


def test_a_very_long_message_is_told_as_well() -> None:
    assert detect("Ich warte auf meine Bestellung. " * 5_000, FIVE) == "de"


def test_the_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert detect("Guten Tag, wo ist meine Bestellung?", FIVE) == "de"
