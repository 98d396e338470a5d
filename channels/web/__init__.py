"""The web widget's channel: sessions, messages and a stream of events over HTTP, and the widget itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.web.settings import LIMITS, Settings

if TYPE_CHECKING:
    from channels.port import Lent
    from channels.web.channel import WebChannel

__all__ = ["LIMITS", "Settings", "build"]


def build(name: str, settings: Settings, lent: Lent) -> WebChannel:
    """See channels.port.Kind."""
    from channels.web.channel import WebChannel

    return WebChannel(name, settings, lent)
