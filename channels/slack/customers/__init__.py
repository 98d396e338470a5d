"""Customers who write in Slack: direct messages to the bot, mentions, and the listed channels. Loads no SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.slack.customers.settings import LIMITS, NEEDS, Settings

if TYPE_CHECKING:
    from channels.port import Lent
    from channels.slack.customers.channel import Customers

__all__ = ["LIMITS", "NEEDS", "Settings", "build"]


def build(name: str, settings: Settings, lent: Lent) -> Customers:
    """See channels.port.Kind. Raises ValueError where the app has no connection."""
    from channels.slack.customers.channel import Customers

    if lent.slack is None:
        raise ValueError(f"needs the section `{NEEDS}:`, the connection of the app")
    return Customers(name, settings, lent.slack, lent)
