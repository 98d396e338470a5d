"""The Channel contract: what a platform must offer the bus, and what the bus offers a platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from bus.message import Address, Outbound, Side

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef

Mode = Literal["off", "draft", "live"]


class Rate(msgspec.Struct, frozen=True):
    """So many messages at once, and as many per `period` ms in the long run."""

    amount: int
    period: int


def unhurried(_: Address) -> Mapping[str, Rate]:
    """No rate: the platform keeps a line itself, or says when it was too much."""
    return {}


class Limits(msgspec.Struct, frozen=True):
    """What a platform can do, as data, so that nobody outside its file asks which platform it is.

    `pull`: people fetch (a stream), so the commit is the send. `names`: shows who speaks; else a person's words begin with the name.
    `withdraws`: a preview can be taken back. `replaces`: a sent message can be changed. `files`: Words may carry one file, alone.
    `text`: characters in one message. `rates`: how fast an address may be written to, by the name of what counts together, widest first
    (the account, then a group or a chat). A platform that asks us to wait is believed for the narrowest.
    `window`: milliseconds after a customer's last words in which anything may be written to them, 0 when there is no end.
    """

    pull: bool = False
    names: bool = True
    withdraws: bool = False
    replaces: bool = True
    files: bool = False
    text: int = 4000
    window: int = 0
    rates: Callable[[Address], Mapping[str, Rate]] = unhurried


class Person(msgspec.Struct, frozen=True):
    """A member of staff as the platform knows them; roles are `member` (may answer) and `approver` (may decide)."""

    id: str
    name: str
    avatar: str = ""
    roles: frozenset[str] = frozenset()


class Sending(msgspec.Struct, frozen=True):
    """One attempt at an Outbound. `anchor` is the platform id of the thread's root when the thread is ours and open.

    `target` is the platform id to replace, remove or mark. `attempt` names this try and is put where the platform can give it back.
    """

    outbound: Outbound
    attempt: str
    anchor: str = ""
    target: str = ""


class Channel(Protocol):
    """A platform. It knows its platform and nothing else.

    `mode` may change while running (configuration is reloaded). A refusal is raised as Retryable, Permanent or Uncertain.
    """

    name: str
    side: Side
    mode: Mode
    limits: Limits

    async def open(self) -> None:
        """Called once before anything else, with the event loop running; must not wait for the platform."""

    async def close(self) -> None:
        """Called once at the end; ends streams and sessions."""

    async def send(self, sending: Sending) -> str:
        """Do it at the platform and return the platform's id. Raises Retryable, Permanent or Uncertain. May wait."""

    async def find(self, sending: Sending) -> str | None:
        """After a lost answer: the platform id if the attempt is there, "" if it certainly is not, None if nobody can know.

        Asked again when it raises (Retryable says when), until the row is too old; an attempt is never repeated without an answer.
        """

    def thinking(self, conversation: str, address: Address) -> None:
        """The agent has begun to answer: show it, where the platform can, until the hub says that it rests. Returns at once."""

    async def people(self, sender: str) -> Person:
        """Name and roles of a member of staff, cached at most 60 s. A failure gives no roles, never an error."""

    async def locate(self, address: Address) -> str:
        """The conversation that the thread at `address` was opened for, from our root's metadata; "" when it is not ours."""

    def routes(self) -> Sequence[AbstractRouteDef]:
        """HTTP routes to mount, [] when there are none."""

    def status(self) -> dict[str, Any]:
        """What operators see: last event, errors, counters."""
