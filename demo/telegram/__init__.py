"""Telegram's servers and its customers on loopback: the Bot API of one bot, as strict as Telegram itself."""

from demo.telegram.messenger import Messenger
from demo.telegram.people import ANA, JONAS, Person

__all__ = ["ANA", "JONAS", "Messenger", "Person"]
