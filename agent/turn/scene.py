"""What one turn knows: who writes, what was said and found in this episode, and what it has used so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from agent import results
from agent.identity import Identity
from agent.models.port import Model, Passage, Request
from agent.policy import Scope
from agent.results import Known
from agent.spec import HttpCall, Mcp, Spec, Tool
from agent.tools.http import Reply
from bus.action import Action
from bus.channel import Limits, Mode
from bus.consumer import Journal
from bus.entries import ConfirmationAsked, CustomerPressed, CustomerSaid, Decided, Recorded, Spoken, Step, Understood
from bus.message import Attachment, Button, Conversation, Work

CLEAR = 0.5
"""From here on an intent is taken seriously by gates and bands."""


class Specs(Protocol):
    """The spec's versions."""

    def current(self) -> tuple[Spec, str]:
        """The live spec and its version id."""

    async def version(self, version: str) -> Spec | None:
        """An older version, None when nobody has it any more."""


class Knowledge(Protocol):
    """What can be looked up."""

    async def search(self, query: str, language: str, limit: int) -> Sequence[Passage]:
        """The best passages, best first."""


class Caller(Protocol):
    """Runs a declared call."""

    async def call(self, http: HttpCall, args: dict[str, Any], who: Identity, *, write: bool, key: str = "") -> Reply:
        """What became of it. Never raises for what the far end does."""


class Servers(Protocol):
    """MCP servers."""

    async def resolve(self, spec: Spec) -> Spec:
        """The spec with the schemas of the servers' tools, without those that cannot be had."""

    async def call(self, mcp: Mcp, args: dict[str, Any], *, write: bool) -> Reply:
        """What became of a call. Never raises for what the server does."""


async def _unread(_: Attachment) -> str:
    return ""


@dataclass(frozen=True)
class Parts:
    """What the roof lends the agent.

    `models` gives the model of a name, "" the configured one; `reader` understands, None: code alone. `servers` are the MCP servers,
    None: their tools do not exist. `mode_of` and `limits_of` answer for a channel; `secrets` sign the gateway's own word, the first one
    signs; `unseal` opens a token; `count` is told the band of each reply that goes out; `read_file` gives what a model can be shown of
    a file, "" for nothing.
    """

    specs: Specs
    models: Callable[[str], Model]
    knowledge: Knowledge
    tools: Caller
    mode_of: Callable[[str], Mode]
    limits_of: Callable[[str], Limits]
    unseal: Callable[[str], str]
    reader: Callable[[], Model | None] = lambda: None
    secrets: Callable[[], Sequence[str]] = tuple
    servers: Servers | None = None
    read_file: Callable[[Attachment], Awaitable[str]] = _unread
    count: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Choice:
    """Several values agree with what was said: the customer picks one."""

    name: str
    buttons: tuple[Button, ...]


class Stop(Exception):
    """The turn goes no further: a person takes over for this reason. `notice` is the reply said before the handover."""

    def __init__(self, reason: str, notice: str = "", detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.notice, self.detail = reason, notice, detail


@dataclass
class Scene:
    """One turn's view and its running account. `preface` is what must be said before anything else."""

    parts: Parts
    work: Work
    journal: Journal
    spec: Spec
    version: str
    mode: Mode
    identity: Identity
    lines: Sequence[Recorded]
    open_actions: Sequence[Action]
    now: int
    language: str
    understood: Understood | None = None
    results: list[Known] = field(default_factory=list)
    passages: tuple[Passage, ...] = ()
    actions: list[Action] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    choice: Choice | None = None
    values: dict[str, list[str]] = field(default_factory=dict)
    calls: int = 0
    milliseconds: int = 0
    cost: Decimal = Decimal(0)
    usage: dict[str, int] = field(default_factory=dict)
    profile_tools: frozenset[str] | None = None
    preface: str = ""
    worded: dict[tuple[int, str], tuple[Known, str]] = field(default_factory=dict)

    @property
    def conversation(self) -> Conversation:
        """The conversation as the turn found it."""
        return self.work.conversation

    @property
    def channel(self) -> str:
        """The channel's name, as conditions see it."""
        return self.conversation.address.channel

    @property
    def intent(self) -> str:
        """The main intent of this turn, else of the episode's last reading."""
        return self.reading.intent if self.reading else ""

    @property
    def category(self) -> str:
        """The category of the main intent."""
        return self.spec.category(self.intent)

    @property
    def intents(self) -> list[str]:
        """The intents of this message's requests, as far as they are clear; [""] where there are none."""
        requests = self.understood.requests if self.understood else ()
        clear = [str(request.get("intent", "")) for request in requests if float(request.get("confidence", 0)) >= CLEAR]
        return clear or [self.understood.intent if self.understood else ""]

    @property
    def waits_for_person(self) -> bool:
        """True where replies to one of the message's matters are sent by a person only."""
        named = {name for intent in self.intents for name in (intent, self.spec.category(intent))}
        return bool(named & set(self.spec.approve_replies))

    @property
    def reading(self) -> Understood | None:
        """This turn's reading, else the episode's newest."""
        return self.understood or self.last(Understood)

    @property
    def draft(self) -> bool:
        """True where nothing reaches the customer without a person."""
        return self.mode == "draft"

    @property
    def scope(self) -> Scope:
        """Whose limits count."""
        customer = self.conversation.customer
        who = f"{customer.source}:{customer.id}" if customer else self.conversation.address.key
        return Scope(self.conversation.address.tenant, self.conversation.id, who)

    @cached_property
    def asks(self) -> dict[str, int]:
        """How often this episode has asked for each value that was missing."""
        counts: dict[str, int] = {}
        for line in self.lines:
            if isinstance(line.entry, Decided) and (name := line.entry.parts.get("missing")):
                counts[name] = counts.get(name, 0) + 1
        return counts

    @property
    def turns_before(self) -> int:
        """Turns of this episode in which the customer spoke, before this one."""
        kinds = (CustomerSaid, CustomerPressed)
        return len({line.turn for line in self.lines if isinstance(line.entry, kinds) and line.turn != self.work.turn})

    @property
    def profile(self) -> dict[str, Any]:
        """The customer's profile, {} without one."""
        return results.profile(self.results, self.spec.context)

    def writes(self, name: str) -> bool:
        """True for a tool that changes something."""
        return name in self.spec.tools and self.spec.tools[name].writes

    def last(self, kind: type[Any]) -> Any:
        """The newest line of a kind in this episode, None without one."""
        return next((line.entry for line in reversed(self.lines) if isinstance(line.entry, kind)), None)

    def pending_question(self) -> Action | None:
        """The customer's pending action whose question is the last thing we said."""
        ours = next(
            (line for line in reversed(self.lines) if isinstance(line.entry, Spoken) and _is_ours(line.entry)), None
        )
        asked = {
            line.entry.action
            for line in self.lines
            if isinstance(line.entry, ConfirmationAsked) and ours and line.turn == ours.turn
        }
        waiting = [action for action in self.open_actions if action.state == "pending" and action.asks == "customer"]
        return next(
            (action for action in reversed(waiting) if action.id in asked and self.now < action.expires_at), None
        )

    def is_about(self, question: Action, seq: int) -> bool:
        """True when line `seq` asked this question; lines that nobody can name (0) are taken to."""
        turns = {
            line.turn
            for line in self.lines
            if isinstance(line.entry, ConfirmationAsked) and line.entry.action == question.id
        }
        return not seq or any(line.seq == seq and line.turn in turns for line in self.lines)

    def variables(self, args: dict[str, Any] | None = None, result: Any = None) -> dict[str, Any]:
        """What conditions see. Tools by name are those whose newest ok result agrees with `args`."""
        seen: dict[str, Any] = {
            "intent": self.intent, "category": self.category, "language": self.language, "channel": self.channel,
            "sentiment": self.reading.sentiment.get("score", 0.0) if self.reading else 0.0,
        }  # fmt: skip
        found = {name: results.newest(self.results, self.spec, name, args or {}, self.now) for name in self.spec.tools}
        seen |= {name: known.result for name, known in found.items() if known}
        if self.profile:
            seen["customer"] = self.profile
        if args is not None:
            seen["args"] = args
        return seen if result is None else {**seen, "result": result}

    def absent(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """Names that have no value yet: general rules that use them wait."""
        return frozenset({"customer", "args", "result", *self.spec.tools} - set(variables))

    def tools(self) -> dict[str, Tool]:
        """The tools that exist in this turn: of the profile, and usable with what is known of the customer."""
        return {name: tool for name, tool in self.spec.tools.items() if self.has(name) and self.usable(tool)}

    def has(self, name: str) -> bool:
        """True for a tool of the profile that serves this turn."""
        return name in self.spec.tools and (self.profile_tools is None or self._listed(name))

    def _listed(self, name: str) -> bool:
        """True for a tool that the profile names, itself or by its MCP server."""
        tool, listed = self.spec.tools[name], self.profile_tools or ()
        return name in listed or (tool.mcp is not None and name.removesuffix(f"_{tool.mcp.tools[0]}") in listed)

    def usable(self, tool: Tool) -> bool:
        """True when the tool can be called for this customer."""
        if tool.http is None:
            return self.parts.servers is not None
        return tool.http.auth != "customer" or self.identity.provable

    async def step(self, request: dict[str, Any], produce: Callable[[], Awaitable[Step]]) -> Any:
        """A journal step of this turn."""
        return await self.journal.step(request, produce)

    def spend(self, cost: Decimal, usage: dict[str, int], milliseconds: int = 0) -> None:
        """Account for a model's or a tool's work."""
        self.cost += cost
        self.milliseconds += milliseconds
        for name in ("input", "output"):
            self.usage[name] = self.usage.get(name, 0) + usage.get(name, 0)

    def check_budget(self) -> None:
        """Raises Stop when this turn has used what a turn may use."""
        budget = self.spec.budget
        tokens = sum(self.usage.values())
        if (
            self.calls > budget.calls
            or tokens > budget.tokens
            or self.cost > budget.cost
            or self.milliseconds > budget.time
        ):
            raise Stop("budget", "error")


def _is_ours(entry: Spoken) -> bool:
    return entry.kind() in ("agent_said", "system_said", "staff_said")
