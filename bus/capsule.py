"""The handoff package: one typed object, rendered to every desk from the same source."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Proof = Literal["none", "channel", "link", "site"]
"""Who says that customers are who they say: nobody, their platform, a link that the site signed, or the site itself."""


class Line(msgspec.Struct, frozen=True):
    """One line of the transcript; `at` in UTC ms. `flagged`: the agent was not quite sure of it."""

    speaker: Literal["customer", "agent", "staff", "system"]
    name: str
    text: str
    at: int
    flagged: bool = False


class ToolRun(msgspec.Struct, frozen=True):
    """One tool call as recorded: what was asked, what policy said, what came back."""

    tool: str
    args: dict[str, Any]
    status: str
    result: Any
    at: int
    policy: str = ""


class Source(msgspec.Struct, frozen=True):
    """A passage the agent read."""

    source: str
    heading: str
    score: float


class Who(msgspec.Struct, frozen=True):
    """The customer, with what is proved about them. `id` is empty for an anonymous visitor."""

    name: str
    id: str = ""
    email: str = ""
    verified: Proof = "none"


class Capsule(msgspec.Struct, frozen=True):
    """Everything a person needs to go on without asking the customer again.

    `state`: agent (it still answers), waiting (for a person), claimed, resolved. `reason` is the rule's name, `reason_text` the sentence.
    `reply_until`: until when the customer's platform lets anybody write to them, 0 where it always does.
    `proposal` says what the agent would do next; `pending` names actions that await a word. Times in UTC ms.
    """

    conversation: str
    channel: str
    customer: Who
    episode: int
    state: Literal["agent", "waiting", "claimed", "resolved"]
    reason: str
    reason_text: str
    summary: str
    proposal: str
    last_message: str
    opened_at: int
    updated_at: int
    owner_name: str = ""
    intent: str = ""
    category: str = ""
    sentiment: str = ""
    sentiment_score: float = 0.0
    urgency: str = ""
    language: str = ""
    entities: dict[str, Any] = {}
    transcript: tuple[Line, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    sources: tuple[Source, ...] = ()
    executed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    link: str = ""
    reply_until: int = 0
    v: int = 1
