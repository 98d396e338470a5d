"""WhatsApp through Twilio: signed webhooks in, the REST API out, and a reconciler for what Twilio gave up on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.whatsapp.settings import LIMITS, Settings

if TYPE_CHECKING:
    from channels.port import Lent
    from channels.whatsapp.channel import WhatsApp

__all__ = ["LIMITS", "Settings", "build"]


def build(name: str, settings: Settings, lent: Lent) -> WhatsApp:
    """See channels.port.Kind."""
    from channels.whatsapp.channel import WhatsApp

    return WhatsApp(name, settings, lent)
