"""The small port that every model sits behind: messages and tools in, words and tool calls out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Literal, Protocol

import msgspec


class ModelFailed(Exception):
    """The model gave no usable answer; the turn ends at a person."""


class ToolOffer(msgspec.Struct, frozen=True):
    """A tool as the model sees it: bound arguments are not in `parameters` (JSON schema)."""

    name: str
    description: str
    parameters: dict[str, Any]
    effect: Literal["read", "write"] = "read"


class Call(msgspec.Struct, frozen=True):
    """A tool call that a model asks for."""

    id: str
    tool: str
    args: dict[str, Any]


class Message(msgspec.Struct, frozen=True):
    """One message of the prompt. A `tool` message answers the call `call_id`; an assistant message may carry `calls`."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    calls: tuple[Call, ...] = ()
    call_id: str = ""


class Request(msgspec.Struct, frozen=True):
    """One thing asked in a customer's message: its words, what they mean, and the values found or looked up for it."""

    text: str
    intent: str
    confidence: float
    entities: dict[str, Any] = {}


class Result(msgspec.Struct, frozen=True):
    """A recorded tool answer of this episode. `fresh`: it came in this turn. `wording`: its `say`, rendered, "" without one.

    `asked` holds the question when the call waits for the customer's or a person's word (status asked).
    """

    tool: str
    args: dict[str, Any]
    status: Literal["ok", "error", "refused", "unknown", "asked"]
    result: Any
    fresh: bool
    wording: str = ""
    because: str = ""


class Passage(msgspec.Struct, frozen=True):
    """Knowledge found for this turn; `score` 0 to 1."""

    source: str
    heading: str
    text: str
    score: float


class Facts(msgspec.Struct, frozen=True):
    """What the prompt's text says, as data, for a model that computes instead of reading (the offline model).

    `known` holds the episode's settled entity values. `plans` maps an intent to the names of its tools in the spec's order.
    `ask` maps an entity to the question that asks for it. `replies` are the gateway's own words in the reply's language.
    `today` is the turn's day in the spec's time zone (ISO): arguments that are dates are read against it. `patterns` maps an entity to
    the pattern of its values, "" without one.
    """

    language: str
    requests: tuple[Request, ...]
    results: tuple[Result, ...] = ()
    passages: tuple[Passage, ...] = ()
    known: dict[str, Any] = {}
    plans: dict[str, tuple[str, ...]] = {}
    ask: dict[str, str] = {}
    replies: dict[str, str] = {}
    today: str = ""
    patterns: dict[str, str] = {}


class Prompt(msgspec.Struct, frozen=True):
    """Everything a model is given for one step of a turn."""

    instructions: str
    messages: tuple[Message, ...]
    tools: tuple[ToolOffer, ...]
    facts: Facts
    max_tokens: int = 1024


class Answer(msgspec.Struct, frozen=True):
    """A model's whole answer: words, or calls, or both. `cost` in USD, `usage` in tokens {input, output}.

    `confidence` is the model's own score where it has one (0 to 1), else None.
    """

    text: str
    calls: tuple[Call, ...]
    model: str
    usage: dict[str, int] = {}
    cost: Decimal = Decimal(0)
    confidence: float | None = None


class Reading(msgspec.Struct, frozen=True):
    """A message to understand. `intents` maps name → examples, `entities` name → pattern; `before` are the last lines said."""

    text: str
    before: tuple[Message, ...]
    intents: dict[str, tuple[str, ...]]
    entities: dict[str, str]
    languages: tuple[str, ...]


class Read(msgspec.Struct, frozen=True):
    """What a model understood; code checks every field against the spec before it is recorded."""

    requests: tuple[Request, ...]
    sentiment: float
    language: str
    urgency: Literal["low", "normal", "high", "urgent"]
    model: str
    usage: dict[str, int] = {}
    cost: Decimal = Decimal(0)


class Model(Protocol):
    """A language model, or something that does its work."""

    name: str

    def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """Words as they come (str), then exactly one Answer. Raises ModelFailed."""

    async def understand(self, reading: Reading) -> Read | None:
        """What the message means; None when this model cannot tell, and the built-in reader's result stands. Raises ModelFailed."""
