"""The web widget's channel: sessions, messages and a stream of events over HTTP, and the widget itself."""

from channels.web.channel import WebChannel
from channels.web.settings import Settings

__all__ = ["Settings", "WebChannel"]
