"""What comes in, what consumers do with it, and what is worth asking afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bus.consumer import Journal
from bus.entries import AgentSaid, ModelReplied, StaffSaid, Step
from bus.message import Address, Content, Inbound, InboundKind, Outbound, Sender, Turn, Words, Work
from bus.store import Transaction

NOW = 1_790_000_000_000
CUSTOMER, DESK = "tg", "desk"
Script = Callable[[Work, Journal], Awaitable[Turn]]


def raw(tx: Transaction, statement: str) -> list[tuple[Any, ...]]:
    """What a statement of the test's own finds, on either engine."""
    connection = tx._connection if hasattr(tx, "_connection") else tx._prepared._connection  # type: ignore[attr-defined]
    cursor = connection.execute(statement)
    rows = cursor.fetchall() if cursor.description else []
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]


def peer(name: str = "ada") -> Address:
    return Address("default", CUSTOMER, "bot", name)


def thread(root: str) -> Address:
    return Address("default", DESK, "slack", "C1", root)


def case(conversation: str) -> Address:
    return thread(f"case:{conversation}")


def message(
    number: int, text: str = "", at: Address | None = None, kind: InboundKind = "message", **more: Any
) -> Inbound:
    """The customer's (or, at a thread, the person's) Inbound number so and so."""
    address = at or peer()
    sender = Sender("U1" if address.channel == DESK else address.peer)
    key = f"{kind}:{address.peer}:{number}"
    return Inbound(key, address, sender, kind, NOW, text=text or f"message {number}", **more)


def words(work: Work, text: str, key: str = "reply", **more: Any) -> Outbound:
    """Words for the customer; by default the agent's, caused by the turn's last line and silenced by a takeover."""
    conversation = work.conversation
    name = f"{key}:{conversation.id}:{work.turn}"
    return Outbound(
        name, "say", conversation.address, Words(text, "agent"), **{"cause": -1, "epoch": conversation.epoch, **more}
    )


def answer(work: Work, text: str) -> Turn:
    """The agent says one thing."""
    return Turn(entries=(AgentSaid(text=text),), outbounds=(words(work, text),))


async def echo(work: Work, journal: Journal) -> Turn:
    """Says back what the customer said, once for the whole turn."""
    return answer(work, "re: " + " / ".join(row.inbound.text for row in work.rows))


async def relay(work: Work, journal: Journal) -> Turn:
    """A person's words go to the customer and take the conversation over; memo `handover` opens a thread; the rest is seen."""
    row = work.rows[0]
    if row.side == "staff" and row.inbound.kind == "message" and not row.inbound.text.startswith("note:"):
        said = words(work, row.inbound.text, "staff", epoch=None)
        return Turn(
            entries=(StaffSaid(text=row.inbound.text, id=row.inbound.target),),
            outbounds=(said,),
            owner="staff",
            bump_epoch=True,
        )
    if row.inbound.memo == "handover":
        return Turn(owner="staff", bump_epoch=True, outbounds=(root(work),))
    return Turn()


def root(work: Work, content: Content | None = None) -> Outbound:
    """The first words in the conversation's own thread."""
    conversation = work.conversation.id
    return Outbound(f"card:{conversation}", "say", case(conversation), content or Words("a case", "system"))


def says(*texts: str, **more: Any) -> Any:
    """A consumer that says these things in one turn."""

    async def turn(work: Work, journal: Journal) -> Turn:
        entries = tuple(AgentSaid(text=text) for text in texts)
        outbounds = tuple(
            words(work, text, f"part{number}", **{"cause": number - len(texts), **more})
            for number, text in enumerate(texts)
        )
        return Turn(entries=entries, outbounds=outbounds)

    return turn


def does(*outbounds: Outbound) -> Any:
    """A consumer that only sends these."""

    async def turn(work: Work, journal: Journal) -> Turn:
        return Turn(outbounds=outbounds)

    return turn


class Held:
    """A script that waits, once it was reached, until it may go on with `then`."""

    def __init__(self, then: Script = echo) -> None:
        self.then = then
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, work: Work, journal: Journal) -> Turn:
        self.reached.set()
        await self.go.wait()
        return await self.then(work, journal)


async def replied(journal: Journal, text: str, request: str = "what now?") -> ModelReplied:
    """One recorded step, as a model's answer would be."""

    async def produce() -> Step:
        return ModelReplied(model="m", text=text)

    step = await journal.step(request, produce)
    assert isinstance(step, ModelReplied)
    return step


class Scripted:
    """A consumer whose script may be changed while it runs; `works` is what it took."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.works: list[Work] = []

    async def take(self, work: Work, journal: Journal) -> Turn:
        """The script's answer."""
        self.works.append(work)
        return await self.script(work, journal)
