"""Who holds the two phones, and what they might ask; the shop knows them by their numbers, but for one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Owner:
    """`id` is the phone number, or Telegram's number of a person."""

    id: str
    name: str
    about: str
    sentences: tuple[str, ...]


PERSON = "I want to talk to a real person"
WHATSAPP = (
    Owner("+447700900123", "Priya Nair", "customer", (
        "Hi, I sent the headphones back. Where is my refund for order A-46901?",
        "How long do I have to return something?",
        PERSON,
    )),
    Owner("+34600111222", "Ana Ruiz", "customer", (
        "Where is order A-48466?",
        "Please refund order A-47810, I sent the speaker back",
        PERSON,
    )),
    Owner("+34600333444", "Lucía Gómez", "VIP, writes Spanish", (
        "Hola, ¿dónde está mi pedido A-46050?",
        "¿Cuánto tiempo tengo para devolver un producto?",
        "Quiero hablar con una persona",
    )),
)  # fmt: skip
TELEGRAM = (
    Owner("10004", "Marie Dupont", "customer", (
        "Hi, I returned the microphone. Where is my refund for order A-46420?",
        "Where is order A-46087?",
        PERSON,
    )),
    Owner("10006", "Emma Clarke", "VIP", (
        "How do I pair the Aurora headphones?",
        "Please refund order A-47160",
        PERSON,
    )),
    Owner("10002", "Jonas Weber", "the shop does not know him here", (
        "Hallo, wie lange habe ich Garantie?",
        "Where is my order A-46013?",
        "Ich möchte mit einem Menschen sprechen",
    )),
)  # fmt: skip
