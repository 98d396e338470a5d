"""Telegram's channel: people write to a bot, by webhook or by polling, and are answered in the same chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.telegram.settings import LIMITS, Settings

if TYPE_CHECKING:
    from channels.port import Lent
    from channels.telegram.channel import TelegramChannel

__all__ = ["LIMITS", "Settings", "build"]


def build(name: str, settings: Settings, lent: Lent) -> TelegramChannel:
    """See channels.port.Kind."""
    from channels.telegram.channel import TelegramChannel

    return TelegramChannel(name, settings, lent)
