"""Moods and how much a matter presses. Stating a problem is no mood."""

from __future__ import annotations

import pytest

from agent.sentiment import label, score, urgency

SENTENCES = """
en|neutral|Hi, I returned the headphones two weeks ago and still haven't seen the refund
en|neutral|My package says delivered but it never arrived
en|neutral|my internet is down, please help
en|neutral|where is my order? It's late and I'm worried
en|neutral|I've been waiting for a week, could you check?
en|neutral|no problem
en|neutral|Is this product any good?
en|neutral|I want to make a complaint
en|neutral|I'd like to speak to a manager
en|negative|third time I am asking. Where is my money?
en|negative|not good, I am not happy
en|negative|I am very disappointed
en|angry|This is unacceptable!! I want my money back NOW
en|angry|worst service ever, scammers
en|angry|ARE YOU KIDDING ME?? THIS IS RIDICULOUS
en|angry|I'm fed up with this, nobody answers my emails
en|positive|thanks, that's perfect
en|positive|Great, thank you so much for your help
es|neutral|¿Dónde está mi pedido? Llevo esperando una semana
es|negative|es la tercera vez que escribo y nadie responde
es|angry|Estoy harto, sois unos ladrones
es|positive|¡Perfecto, muchas gracias!
de|neutral|Wo ist meine Bestellung?
de|neutral|Ich möchte mein Abo kündigen
de|neutral|Das Bad ist schmutzig
de|negative|Ich bin sehr enttäuscht, schon wieder das gleiche Problem
de|angry|Das ist eine Frechheit!
fr|neutral|ma commande n'est pas arrivée
fr|neutral|Je voudrais annuler ma réservation s'il vous plaît
fr|angry|C'est honteux, j'attends depuis des mois
fr|angry|Votre service est nul, j'en ai marre
fr|positive|merci beaucoup
pt|neutral|Ainda não recebi a minha encomenda
pt|angry|Isto é uma vergonha, vou chamar o meu advogado
"""
ROWS = [tuple(line.split("|")) for line in SENTENCES.strip().splitlines()]


@pytest.mark.parametrize(("language", "mood", "text"), ROWS)
def test_moods(language: str, mood: str, text: str) -> None:
    value = score(text, language)
    assert label(value) == ("negative" if mood == "angry" else mood), value
    assert -1 <= value <= 1
    if mood == "angry":
        assert value <= -0.6


def test_shouting_makes_a_bad_mood_worse_and_a_calm_one_no_worse() -> None:
    assert score("THIS IS RIDICULOUS!!!") < score("This is ridiculous")
    assert score("WHERE IS MY ORDER!!!") == score("where is my order") == 0


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("where is my order", "en", "normal"),
        ("please help asap, I am locked out", "en", "urgent"),
        ("Es dringend, bitte sofort", "de", "urgent"),
        ("es urgente", "es", "urgent"),
        ("I need it before the deadline tomorrow", "en", "high"),
        ("no rush, whenever you have time", "en", "low"),
        ("ce n'est pas urgent", "fr", "low"),
    ],
)
def test_urgency_is_what_the_customer_says(text: str, language: str, expected: str) -> None:
    assert urgency(text, 0.0, language) == expected


def test_an_angry_customer_presses() -> None:
    assert urgency("nothing works", -0.7) == "high"
