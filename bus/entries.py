"""The log's lines, in the past tense. The log is journal, audit, live feed and the source of every figure.

Every kind is a typed model; its tag is the `kind` that the outside sees. `v` is the body's version: a reader accepts v and v-1 through
`UPCASTERS`. A line with `step` > 0 is also a journal step of its turn, found again by (turn, step, digest).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, Literal

import msgspec

from bus.canonical import decode, decode_numbers, encode
from bus.capsule import Proof


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One line's body. Subclasses name what happened."""

    v: ClassVar[int] = 1

    @classmethod
    def kind(cls) -> str:
        """The line's name, as the outside sees it."""
        return str(cls.__struct_config__.tag)


class Spoken(Entry, frozen=True, kw_only=True):
    """Words that the customer may see. `id` is the platform's or the client's id of the message, `by` who spoke."""

    text: str
    id: str = ""
    by: str = ""
    name: str = ""


class CustomerSaid(Spoken, frozen=True, kw_only=True, tag="customer_said"):
    """The customer wrote. `verified` is what is proved of who wrote it."""

    attachments: tuple[dict[str, Any], ...] = ()
    verified: Proof = "none"


class CustomerEdited(Spoken, frozen=True, kw_only=True, tag="customer_edited"):
    """The customer changed a message (`of`: its platform id); deleted when `text` is empty."""

    of: str = ""


class CustomerPressed(Spoken, frozen=True, kw_only=True, tag="customer_pressed"):
    """The customer pressed `button` on message `of`; `text` is its label."""

    button: str = ""
    of: str = ""


class AgentSaid(Spoken, frozen=True, kw_only=True, tag="agent_said"):
    """The agent spoke: Markdown, with buttons as {id, label, detail?} and link cards as {url, title, text?}."""

    buttons: tuple[dict[str, str], ...] = ()
    cards: tuple[dict[str, str], ...] = ()
    sources: tuple[str, ...] = ()


class SystemSaid(Spoken, frozen=True, kw_only=True, tag="system_said"):
    """The gateway spoke in its own words."""


class StaffSaid(Spoken, frozen=True, kw_only=True, tag="staff_said"):
    """A person of the team answered; `name` is theirs, `id` the desk's message. A later line of the same id stands in its place.

    `attachments` are the files as bus.message.Attachment, and each one's `url` where people fetch. Nothing at all: taken back.
    """

    attachments: tuple[dict[str, Any], ...] = ()


class StaffNoted(Spoken, frozen=True, kw_only=True, tag="staff_noted"):
    """A person of the team wrote something that stays inside."""


class Drafted(Spoken, frozen=True, kw_only=True, tag="drafted"):
    """The agent wrote words that wait for a person."""

    action: str = ""


class Step(Entry, frozen=True, kw_only=True):
    """A journal step. `digest` is that of the request; `step` counts within the turn from 1 (0: recorded outside a turn's steps)."""

    step: int = 0
    digest: str = ""


class Understood(Step, frozen=True, kw_only=True, tag="understood"):
    """What the message means. `sentiment` is {label, score}; `entities` name → values; `model` did the reading.

    `requests` holds one {text, intent, confidence, entities} for each thing asked in the message.
    """

    intent: str
    sentiment: dict[str, Any]
    language: str
    urgency: str
    entities: dict[str, Any]
    category: str
    confidence: float
    requests: tuple[dict[str, Any], ...] = ()
    model: str = ""
    usage: dict[str, int] = {}
    cost: Decimal = Decimal(0)


class Retrieved(Step, frozen=True, kw_only=True, tag="retrieved"):
    """Knowledge was searched; passages are {source, heading, score, text}."""

    query: str
    passages: tuple[dict[str, Any], ...]


class ModelReplied(Step, frozen=True, kw_only=True, tag="model_replied"):
    """A model answered with `text` and/or `calls` ({id, tool, args}); recorded before anything is acted on.

    `usage` in tokens {input, output}, `cost` in USD, `milliseconds` of waiting, `confidence` the model's own score where it has one.
    """

    model: str
    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    usage: dict[str, int] = {}
    cost: Decimal = Decimal(0)
    milliseconds: int = 0
    confidence: float | None = None
    error: str = ""


class ToolAsked(Step, frozen=True, kw_only=True, tag="tool_asked"):
    """A call as it will be made (or was refused): `policy` is {verdict, because}; a writing call carries its key.

    `ledger` is the ledger's verdict on a writing call (bus.effect.Reservation), filled in by the journal.
    """

    tool: str
    args: dict[str, Any]
    policy: dict[str, Any]
    effect: Literal["read", "write"] = "read"
    idempotency_key: str = ""
    action: str = ""
    ledger: str = ""


class ToolAnswered(Step, frozen=True, kw_only=True, tag="tool_answered"):
    """What came back. status: ok, error (the far end said no), refused (policy), unknown (no answer to a writing call)."""

    tool: str
    status: Literal["ok", "error", "refused", "unknown"]
    result: Any
    args: dict[str, Any] = {}
    effect: Literal["read", "write"] = "read"
    milliseconds: int = 0
    action: str = ""


class ConfirmationAsked(Entry, frozen=True, kw_only=True, tag="confirmation_asked"):
    """The customer was asked before a call."""

    action: str
    tool: str
    args: dict[str, Any]
    digest: str


class ConfirmationGiven(Entry, frozen=True, kw_only=True, tag="confirmation_given"):
    """The customer decided: verdict approved, denied, expired or withdrawn."""

    action: str
    verdict: str
    by: str = ""
    tool: str = ""
    args: dict[str, Any] = {}
    digest: str = ""


class ApprovalAsked(Entry, frozen=True, kw_only=True, tag="approval_asked"):
    """Staff was asked before a call or a reply (tool empty)."""

    action: str
    tool: str
    args: dict[str, Any]
    digest: str


class ApprovalDecided(Entry, frozen=True, kw_only=True, tag="approval_decided"):
    """Staff decided: verdict approved, denied, expired, withdrawn, or refused (that person may not decide)."""

    action: str
    verdict: str
    by: str = ""
    name: str = ""
    tool: str = ""
    args: dict[str, Any] = {}
    digest: str = ""
    spec: str = ""


class Decided(Entry, frozen=True, kw_only=True, tag="decided"):
    """How the agent's turn ended, and why. `cost` in USD over the turn; `spec` the version it ran on."""

    decision: Literal["send", "flag", "ask", "confirm", "approve", "draft", "hand_over"]
    reason: str
    confidence: float
    band: Literal["send", "flag", "hold"]
    cost: Decimal
    spec: str
    usage: dict[str, int] = {}
    parts: dict[str, Any] = {}


class By(Entry, frozen=True, kw_only=True):
    """Somebody did it: `by` is their id at the desk (or customer, agent, gateway), `name` what people call them."""

    by: str = ""
    name: str = ""


class HandedOver(By, frozen=True, kw_only=True, tag="handed_over"):
    """The matter went to people."""

    reason: str
    detail: str = ""


class Claimed(By, frozen=True, kw_only=True, tag="claimed"):
    """A person took the case."""


class TakenOver(By, frozen=True, kw_only=True, tag="taken_over"):
    """A person spoke while the agent owned the conversation; it is theirs now."""


class Returned(By, frozen=True, kw_only=True, tag="returned"):
    """A person gave the conversation back to the agent."""


class Resolved(By, frozen=True, kw_only=True, tag="resolved"):
    """The matter is closed; the next message opens a new episode."""


class Reopened(By, frozen=True, kw_only=True, tag="reopened"):
    """The customer wrote after the matter was resolved."""


class SupersededBy(Entry, frozen=True, kw_only=True, tag="superseded"):
    """A newer message came before anything was done; a new turn reads them all."""

    what: str
    why: str


class InterruptedBy(Entry, frozen=True, kw_only=True, tag="interrupted"):
    """A person's word ended the agent's turn without words."""

    what: str
    why: str


class Parked(Entry, frozen=True, kw_only=True, tag="parked"):
    """Given up after repeated attempts; a person decides."""

    what: str
    why: str


class Expired(Entry, frozen=True, kw_only=True, tag="expired"):
    """Too old to be sent or decided; it ended visibly."""

    what: str
    why: str
    of: int = 0


class Delivered(Entry, frozen=True, kw_only=True, tag="delivered"):
    """Line `of` reached the customer."""

    of: int
    reason: str = ""


class DeliveryFailed(Entry, frozen=True, kw_only=True, tag="delivery_failed"):
    """Line `of` did not reach the customer; reason `ambiguous` when nobody can know."""

    of: int
    reason: str


class Erased(Entry, frozen=True, kw_only=True, tag="erased"):
    """A line whose body was deleted with the person it was about; `was` is its kind. Never written: it is how such a line reads."""

    was: str


KINDS: dict[str, type[Entry]] = {
    cls.kind(): cls
    for cls in (
        CustomerSaid,
        CustomerEdited,
        CustomerPressed,
        AgentSaid,
        SystemSaid,
        StaffSaid,
        StaffNoted,
        Drafted,
        Understood,
        Retrieved,
        ModelReplied,
        ToolAsked,
        ToolAnswered,
        ConfirmationAsked,
        ConfirmationGiven,
        ApprovalAsked,
        ApprovalDecided,
        Decided,
        HandedOver,
        Claimed,
        TakenOver,
        Returned,
        Resolved,
        Reopened,
        SupersededBy,
        InterruptedBy,
        Parked,
        Expired,
        Delivered,
        DeliveryFailed,
    )
}

UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""(kind, version) → body of the next version. Empty: every kind is at its first version."""


class Recorded(msgspec.Struct, frozen=True):
    """A line where it stands: `seq` gap-free per conversation, `at` in UTC ms, `turn` 0 outside any turn."""

    seq: int
    at: int
    episode: int
    turn: int
    entry: Entry

    @property
    def kind(self) -> str:
        """The line's name."""
        return self.entry.kind()


def to_body(entry: Entry) -> bytes:
    """The body as canonical JSON, without its tag (kind and version stand beside it)."""
    fields = msgspec.structs.asdict(entry)
    return encode(fields)


def from_body(kind: str, version: int, body: bytes | str) -> Entry:
    """The typed line of a stored body. Raises KeyError for a kind and ValueError for a version nobody here can read."""
    cls = KINDS[kind]
    if version == cls.v:
        return decode(body, cls)
    if version > cls.v:
        raise ValueError(f"{kind} version {version} is newer than this gateway reads ({cls.v})")
    fields = decode_numbers(body)
    for step in range(version, cls.v):
        fields = UPCASTERS[kind, step](fields)
    return msgspec.convert({**fields, "type": kind}, cls)
