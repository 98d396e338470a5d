"""The shapes that travel: Inbound, Turn, Outbound. Frozen, no I/O."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, unquote

import msgspec

from bus.action import Action, ActionState
from bus.capsule import Capsule
from bus.entries import Entry

Side = Literal["customer", "staff"]
Owner = Literal["agent", "staff"]
Status = Literal["open", "waiting_customer", "waiting_staff", "resolved", "closed"]
Speaker = Literal["customer", "agent", "staff", "system"]
InboundKind = Literal["message", "press", "edit", "delete", "delivery", "memo"]
Act = Literal["say", "replace", "remove", "mark"]
CASE_PREFIX = "case:"
PLATFORM = "platform:"


@lru_cache(8192)
def _key(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


class Address(msgspec.Struct, frozen=True):
    """Where a person can be reached. `account` is the provider's own id of bot, number or app; `thread` may be empty.

    A thread of the form `case:<id>` is one that we open ourselves: its first `say` becomes the root.
    """

    tenant: str
    channel: str
    account: str
    peer: str
    thread: str = ""

    @property
    def key(self) -> str:
        """The address as one string, unique per tenant, safe as a database key."""
        return _key(self.channel, self.account, self.peer, self.thread)

    @classmethod
    def from_key(cls, tenant: str, key: str) -> Address:
        """The address whose `key` this is."""
        channel, account, peer, thread = (unquote(part) for part in key.split("/"))
        return cls(tenant, channel, account, peer, thread)

    @property
    def opened_by_us(self) -> bool:
        """True for a thread that exists only once its root was posted."""
        return self.thread.startswith(CASE_PREFIX)


class Sender(msgspec.Struct, frozen=True):
    """Who wrote, as the platform names them. `verified` says what the platform or the site has proved."""

    id: str
    name: str = ""
    verified: Literal["none", "channel", "link", "site"] = "none"


class Attachment(msgspec.Struct, frozen=True):
    """A file beside a text. `size` in bytes; `source` is the platform's own reference to it, `channel` where it was shared."""

    name: str
    media_type: str
    size: int = 0
    source: str = ""
    channel: str = ""


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    """One choice offered below a message. Choices with a `detail` are a list: each says a little more than its label."""

    id: str
    label: str
    detail: str = ""


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A link that stands for itself below a message: where it leads, what it is called, and a line about it. All literal text."""

    url: str
    title: str
    text: str = ""


class Inbound(msgspec.Struct, frozen=True):
    """One thing that came in. `key` is natural and prefixed (`message:…`, `press:…`), unique per channel account.

    `text` is what was said; of a press it is the button's label. `target` names the message that is pressed, edited, deleted or
    delivered (the platform's id of it). `memo` is the memo's name and `data` what it carries. `at` is UTC milliseconds.
    A platform's word on a message of ours is a `delivery` whose `data` is {status: accepted | delivered | failed, reason, attempt?};
    `attempt` is Sending.attempt, where the platform gives it back.
    """

    key: str
    address: Address
    sender: Sender
    kind: InboundKind
    at: int
    text: str = ""
    button: str = ""
    target: str = ""
    attachments: tuple[Attachment, ...] = ()
    memo: str = ""
    data: dict[str, Any] = {}


class Words(msgspec.Struct, frozen=True, tag="words"):
    """Something said. `text` is Markdown when `speaker` is the agent or the system, literal text otherwise.

    `picture` is the address of a person's portrait, where the desk knows one.
    """

    text: str
    speaker: Speaker
    name: str = ""
    buttons: tuple[Button, ...] = ()
    cards: tuple[Card, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    broadcast: bool = False
    picture: str = ""


class CaseCard(msgspec.Struct, frozen=True, tag="case_card"):
    """The desk's one message that stands for a conversation, edited in place as its state changes. Its capsule tells no story."""

    capsule: Capsule


class CaseDetails(msgspec.Struct, frozen=True, tag="case_details"):
    """Transcript, tool calls with results, sources and proposal: the thread's first message."""

    capsule: Capsule


class ApprovalCard(msgspec.Struct, frozen=True, tag="approval_card"):
    """What waits for a person's word, drawn from recorded fields and never from a model's words."""

    action: Action
    customer: str
    outcome: str = ""


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """A small sign on a message, `unknown` where nobody knows whether it was delivered; `note` explains it to its author alone."""

    sign: Literal["delivered", "failed", "unknown", "private", "refused", "seen"]
    author: str = ""
    note: str = ""


class Template(msgspec.Struct, frozen=True, tag="template"):
    """Words that the platform has approved beforehand, by the name they have in the channel's section; `values` fill its gaps in order."""

    name: str
    values: tuple[str, ...] = ()


Content = Words | CaseCard | CaseDetails | ApprovalCard | Mark | Template


class Outbound(msgspec.Struct, frozen=True):
    """One thing to do at an address. `to` is a copy of the destination and is never looked up again.

    `key` makes it unique; `target_key` (key of an earlier Outbound) or `target` (a platform id) says what is replaced, removed or
    marked; `cause` is the log's seq it stands for (0: none; negative: an index into this Turn's entries, -1 the last);
    `epoch` set: not sent once the conversation's epoch has moved on; `max_age` in milliseconds, then it ends `expired`.
    """

    key: str
    act: Act
    to: Address
    content: Content | None = None
    target: str = ""
    target_key: str = ""
    cause: int = 0
    epoch: int | None = None
    max_age: int = 24 * 3_600_000


class Memo(msgspec.Struct, frozen=True):
    """An internal Inbound to the same conversation, due at `due_at` (UTC ms). The same key again moves the old one."""

    key: str
    name: str
    due_at: int
    data: dict[str, Any] = {}


class Move(msgspec.Struct, frozen=True):
    """A change of an action's state by compare-and-set: the commit fails when `before` no longer holds."""

    action: str
    before: ActionState
    after: ActionState
    by: str = ""
    changed: Action | None = None


class Turn(msgspec.Struct, frozen=True):
    """What a consumer returns. Only the bus writes it, all of it in one transaction.

    None leaves the conversation's field as it is. `bump_epoch` silences the agent's older words; `new_episode` closes the matter.
    `owner_name` is the person's name as the customer may see it.
    """

    entries: tuple[Entry, ...] = ()
    outbounds: tuple[Outbound, ...] = ()
    actions: tuple[Action, ...] = ()
    moves: tuple[Move, ...] = ()
    memos: tuple[Memo, ...] = ()
    cancel: tuple[str, ...] = ()
    owner: Owner | None = None
    owner_name: str | None = None
    status: Status | None = None
    language: str | None = None
    summary: str | None = None
    bump_epoch: bool = False
    new_episode: bool = False


class Customer(msgspec.Struct, frozen=True):
    """A verified identity. `token` is sealed; `token_expires_at` in UTC ms, 0 when there is none.

    `source` is who vouches for it: the site's channel, `link`, or `platform:<channel>` for a platform that signs its people in itself.
    """

    source: str
    id: str
    name: str = ""
    email: str = ""
    locale: str = ""
    token: str = ""
    token_expires_at: int = 0

    @property
    def proof(self) -> Literal["channel", "link", "site"]:
        """What its source proves."""
        return "channel" if self.source.startswith(PLATFORM) else "link" if self.source == "link" else "site"


class Conversation(msgspec.Struct, frozen=True):
    """All that passes between one customer address and us, as the consumer finds it. Times in UTC ms."""

    id: str
    address: Address
    owner: Owner
    owner_name: str
    epoch: int
    episode: int
    status: Status
    language: str
    summary: str
    created_at: int
    updated_at: int
    customer: Customer | None = None
    desk: Address | None = None


class Received(msgspec.Struct, frozen=True):
    """An Inbound in the inbox: `id` orders it, `seq` is its line in the log (0: it has none), `attempts` counts its turns."""

    id: int
    inbound: Inbound
    side: Side
    seq: int = 0
    attempts: int = 0
    superseded: int = 0


class Work(msgspec.Struct, frozen=True):
    """What one claim hands to one consumer: rows of one kind of work, in order, under one lease."""

    conversation: Conversation
    consumer: Literal["agent", "relay"]
    rows: tuple[Received, ...]
    turn: int
    token: int
