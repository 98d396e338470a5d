"""The section of customers in Slack, and what a message there can be."""

from __future__ import annotations

from pydantic import Field, field_validator

from bus.channel import Limits
from channels.port import Section

LIMITS = Limits(
    files=True, text=12_000
)  # of a markdown block: https://docs.slack.dev/reference/block-kit/blocks/markdown-block
NEEDS = "slack"


class Settings(Section):
    """What `channels.slack` may say. Direct messages to the bot and mentions of it are always heard."""

    channels: tuple[str, ...] = Field((), description="channels whose every message is for us, by id: C…")

    @field_validator("channels")
    @classmethod
    def _ids(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        for channel in channels:
            if channel[:1] not in ("C", "G") or not channel.isalnum():
                raise ValueError(f"{channel!r} is no channel's id; it begins with C, at the end of “Copy link”")
        return channels
