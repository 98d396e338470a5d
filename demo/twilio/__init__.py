"""Twilio with WhatsApp on loopback: the REST API of one account, its webhooks and people with phones, as strict as Twilio itself."""

from demo.twilio.account import Account
from demo.twilio.phone import Phone

__all__ = ["Account", "Phone"]
