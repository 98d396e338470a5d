"""Two phones in the browser: customers who write by WhatsApp and by Telegram."""

from demo.phones.page import Phones

__all__ = ["Phones"]
