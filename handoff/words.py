"""What the gateway itself says to customers around a handover, where the agent's spec has no words of its own."""

from __future__ import annotations

import re
from collections.abc import Callable

Words = Callable[[str, str], str]
"""(name, language) → Markdown with `{{ values }}` to be filled in, "" where there is none."""

DEFAULTS: dict[str, dict[str, str]] = {
    "handover": {
        "en": "I'm going to bring in someone from the team.",
        "es": "Voy a pedir ayuda a una persona del equipo.",
        "de": "Ich hole jemanden aus dem Team dazu.",
        "fr": "Je fais appel à une personne de l'équipe.",
        "pt": "Vou chamar uma pessoa da equipa.",
    },
    "talking_with": {
        "en": "You are now talking with {{ name }}.",
        "es": "Ahora hablas con {{ name }}.",
        "de": "Sie schreiben jetzt mit {{ name }}.",
        "fr": "Vous parlez maintenant avec {{ name }}.",
        "pt": "Agora está a falar com {{ name }}.",
    },
    "returned": {
        "en": "Our assistant is with you again.",
        "es": "Nuestro asistente vuelve a atenderte.",
        "de": "Unser Assistent ist wieder für Sie da.",
        "fr": "Notre assistant est de nouveau avec vous.",
        "pt": "O nosso assistente está de novo consigo.",
    },
    "welcome_back": {
        "en": "I'm back with you. How can I help?",
        "es": "Vuelvo a estar contigo. ¿En qué puedo ayudarte?",
        "de": "Ich bin wieder für Sie da. Wie kann ich helfen?",
        "fr": "Je suis de nouveau avec vous. Comment puis-je vous aider ?",
        "pt": "Estou de volta. Em que posso ajudar?",
    },
    "resolved": {
        "en": "We have closed this request. Write again at any time.",
        "es": "Hemos cerrado esta consulta. Puedes volver a escribirnos cuando quieras.",
        "de": "Wir haben diese Anfrage abgeschlossen. Schreiben Sie uns jederzeit wieder.",
        "fr": "Nous avons clos cette demande. Écrivez-nous à tout moment.",
        "pt": "Fechámos este pedido. Escreva-nos sempre que quiser.",
    },
    "denied": {
        "en": "Our team has looked at your request and could not approve it.",
        "es": "Nuestro equipo ha revisado tu solicitud y no ha podido aprobarla.",
        "de": "Unser Team hat Ihre Anfrage geprüft und konnte sie nicht genehmigen.",
        "fr": "Notre équipe a examiné votre demande et n'a pas pu l'approuver.",
        "pt": "A nossa equipa analisou o seu pedido e não o pôde aprovar.",
    },
    "expired": {
        "en": "Nobody could decide on your request in time, so nothing was done. Write again and we will look at it.",
        "es": "Nadie pudo decidir a tiempo sobre tu solicitud y no se ha hecho nada. Escríbenos y la revisaremos.",
        "de": "Über Ihre Anfrage wurde nicht rechtzeitig entschieden, es ist nichts geschehen. Schreiben Sie uns noch einmal.",
        "fr": "Personne n'a pu décider à temps, rien n'a été fait. Écrivez-nous et nous regarderons.",
        "pt": "Ninguém pôde decidir a tempo e nada foi feito. Escreva-nos e vamos ver.",
    },
}

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#~|&])")


def literal(text: str) -> str:
    """The text as Markdown that shows exactly these characters."""
    return _MARKDOWN.sub(r"\\\1", text)


def default_words(name: str, language: str) -> str:
    """The gateway's own words in the language, else in English, else ""."""
    texts = DEFAULTS.get(name, {})
    return texts.get(language.partition("-")[0]) or texts.get("en", "")


def text_for(words: Words, name: str, language: str, /, **values: str) -> str:
    """The spec's words, else the default ones; values are put in literally."""
    text = words(name, language) or default_words(name, language)
    return _PLACE.sub(lambda place: literal(values.get(place[1], "")), text)
