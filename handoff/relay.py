"""The relay: the consumer on people's side. Everything that staff does, and what the desk must see of the customer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bus.consumer import Journal
from bus.entries import AgentSaid, Decided, Delivered, DeliveryFailed, StaffSaid, SystemSaid
from bus.errors import AMBIGUOUS
from bus.message import Inbound, Mark, Received, Turn, Words, Work
from handoff import approvals, ownership, staff
from handoff.case import brief
from handoff.open_turn import Desk, OpenTurn
from handoff.words import literal

Handler = Callable[[OpenTurn, Received], Awaitable[None]]
WINDOW = 400
QUOTED = 300
"""Characters of a reply that the desk is shown."""
NOT_REACHED = "This did not reach the customer: {reason}"
STILL_THERE = "This could not be taken back, and the customer still has it: {reason}"
PERHAPS_REACHED = (
    "Nobody knows whether the customer has read this: the connection broke while it was on its way. "
    "It was not sent a second time; if you send it again, they may read it twice."
)
SAID_NOT_REACHED = "⚠️ The customer was not reached ({reason}) with: {words}"
SAID_PERHAPS_REACHED = (
    "❔ Nobody knows whether the customer has read this, since the connection broke while it was on its way: {words}\n"
    "It was not sent a second time."
)
NOT_SHOWN = "📎 {file} could not be shown here: {why}"
PERHAPS_SHOWN = "📎 {file} may be missing here: the connection broke while it was on its way."


async def mirror(turn: OpenTurn, row: Received) -> None:
    """What the customer says while a person has the conversation appears in the thread, once and in order.

    A case that has no thread, because there was no desk or the memo for it was given up, opens here.
    """
    inbound = row.inbound
    turn.change(status="waiting_staff")
    if not await ownership.handover_is_coming(turn):
        if turn.open_thread():
            ownership.call_out_later(turn)
        turn.post(_seen(turn, inbound), "mirror", key=f"mirror:{row.id}")
        turn.show_files()


def _seen(turn: OpenTurn, inbound: Inbound) -> Words:
    name = inbound.sender.name or turn.customer()
    if inbound.kind == "delete" or (inbound.kind == "edit" and not inbound.text):
        return Words("(deleted a message)", "customer", name)
    if inbound.kind == "edit":
        return Words(inbound.text, "customer", f"{name} (edited)")
    text = inbound.text or inbound.button or ("(shared a file)" if inbound.attachments else "")
    return Words(text, "customer", name, attachments=inbound.attachments)


async def delivery(turn: OpenTurn, row: Received) -> None:
    """A report about line `of`: its author sees ✅, ⚠️ or ❔ with the reason; a failure of the agent's words is told in the thread.

    Without a line it is about a `file` of the customer's that the thread should show: it is named there instead.
    """
    data = row.inbound.data
    of, reason, file = int(data.get("of", 0)), str(data.get("reason", "")), str(data.get("file", ""))
    if of and not data.get("logged"):
        turn.record(DeliveryFailed(of=of, reason=reason) if reason else Delivered(of=of))
    line = next((line for line in turn.lines if line.seq == of), None) if of else None
    if turn.conversation.desk is None:
        return
    if file and not of:
        told = PERHAPS_SHOWN if reason == AMBIGUOUS else NOT_SHOWN
        turn.tell_desk(told.format(file=literal(file), why=literal(reason)))
    if line is None:
        return
    if isinstance(line.entry, StaffSaid) and line.entry.id:
        _tell_author(turn, line.entry, reason, file)
    elif reason and isinstance(line.entry, (AgentSaid, SystemSaid)):
        told = SAID_PERHAPS_REACHED if reason == AMBIGUOUS else SAID_NOT_REACHED
        turn.tell_desk(told.format(reason=literal(reason), words=_quoted(line.entry.text)))


def _tell_author(turn: OpenTurn, said: StaffSaid, reason: str, file: str) -> None:
    """Put the sign on their message. One that was taken back stands there no more: only that it failed is worth a word."""
    if said.text or said.attachments:
        turn.mark(_sign(reason, said.by, f"📎 {file}: " if file else ""), said.id)
    elif reason:
        turn.mark(Mark("failed", said.by, STILL_THERE.format(reason=reason)), said.id)


def _sign(reason: str, author: str, about: str) -> Mark:
    if not reason:
        return Mark("delivered", author)
    if reason == AMBIGUOUS:
        return Mark("unknown", author, about + PERHAPS_REACHED)
    return Mark("failed", author, about + NOT_REACHED.format(reason=reason))


def _quoted(text: str) -> str:
    """So much of what was said that the desk knows what is spoken of."""
    return literal(brief(" ".join(text.split()), QUOTED))


async def flagged(turn: OpenTurn, row: Received) -> None:
    """Memo `flagged` {turn}: the agent was not quite sure of what it said in that turn; the thread hears of it, if there is one."""
    number = row.inbound.data.get("turn")
    of_turn = [line.entry for line in turn.lines if line.turn == number]
    decided = next((entry for entry in of_turn if isinstance(entry, Decided)), None)
    said = next((entry.text for entry in of_turn if isinstance(entry, AgentSaid)), "")
    if turn.conversation.desk is not None and decided and said:
        turn.tell_desk(f"🟡 The agent answered, but was not quite sure ({decided.confidence:.2f}): {_quoted(said)}")


HANDLERS: dict[tuple[str, str], Handler] = {
    ("memo", "handover"): ownership.hand_over,
    ("memo", "unclaimed"): ownership.remind,
    ("memo", "approval"): approvals.ask,
    ("memo", "expire"): approvals.expire,
    ("memo", "case_changed"): approvals.case_changed,
    ("memo", "flagged"): flagged,
    ("customer", "message"): mirror,
    ("customer", "press"): mirror,
    ("customer", "edit"): mirror,
    ("customer", "delete"): mirror,
    ("staff", "message"): staff.message,
    ("staff", "edit"): staff.edited,
    ("staff", "delete"): staff.deleted,
    ("press", "claim"): staff.claim,
    ("press", "resolve"): staff.resolved,
    ("press", "return"): staff.returned,
    ("press", "reopen"): staff.reopen,
    ("press", "approve"): approvals.approve,
    ("press", "reject"): approvals.reject,
    ("press", "edit"): approvals.edit,
    ("delivery", ""): delivery,
}


def name_of(row: Received) -> tuple[str, str]:
    """The row's name in the table of handlers."""
    inbound = row.inbound
    if inbound.kind == "memo":
        return "memo", inbound.memo
    if inbound.kind == "delivery":
        return "delivery", ""
    if row.side == "staff" and inbound.kind == "press":
        return "press", inbound.button
    return row.side, inbound.kind


class Relay:
    """Decides for people: opens the case, mirrors the customer, sends what a member of the team says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def take(self, work: Work, journal: Journal) -> Turn:
        """See bus.consumer.Consumer."""
        turn = OpenTurn(self._desk, work, journal, await journal.window(WINDOW), await journal.actions())
        for row in work.rows:
            handler = HANDLERS.get(name_of(row))
            if handler is not None:
                await handler(turn, row)
        return turn.close()
