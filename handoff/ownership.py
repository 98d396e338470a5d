"""Whose conversation it is: handed over, claimed, taken over, returned, resolved."""

from __future__ import annotations

from bus.action import Action
from bus.channel import Person
from bus.entries import (
    AgentSaid,
    ApprovalDecided,
    Claimed,
    ConfirmationGiven,
    CustomerPressed,
    CustomerSaid,
    Entry,
    HandedOver,
    Parked,
    Reopened,
    Resolved,
    Returned,
    StaffSaid,
    TakenOver,
)
from bus.message import ApprovalCard, Received
from handoff.open_turn import OpenTurn

HANDOVER, UNCLAIMED, EXPIRE = "handover", "unclaimed", "expire"
GATEWAY = "gateway"


async def hand_over(turn: OpenTurn, row: Received) -> None:
    """Memo `handover` {reason, detail?}: the matter goes to people, with everything they need."""
    reason, detail = str(row.inbound.data.get("reason", "")), str(row.inbound.data.get("detail", ""))
    give_to_people(turn, reason, detail)


def give_to_people(turn: OpenTurn, reason: str, detail: str = "") -> None:
    """Open the thread, or say in it that the matter came back; the customer is told unless the agent has said so."""
    if turn.conversation.owner == "agent":
        turn.announce("handover")
        turn.change(owner="staff", owner_name="")
        turn.silence_agent()
    if not _recorded(turn, reason):
        turn.record(HandedOver(reason=reason, detail=detail, by=GATEWAY))
    turn.change(status="waiting_staff")
    if not turn.open_thread(reason, detail) and turn.conversation.desk is not None:
        turn.show_again()
    turn.show_files()
    call_out_later(turn)


def _recorded(turn: OpenTurn, reason: str) -> bool:
    """True when the turn that handed over has written so itself."""
    ends: tuple[type[Entry], ...] = (HandedOver, Returned, Resolved, Reopened, Parked)
    newest = next((line.entry for line in reversed(turn.lines) if isinstance(line.entry, ends)), None)
    return isinstance(newest, HandedOver) and newest.reason == reason


def call_out_later(turn: OpenTurn) -> None:
    """A case that nobody has is called out after a while."""
    if not turn.conversation.owner_name:
        turn.remind(UNCLAIMED, turn.now + turn.desk.remind_after)


async def handover_is_coming(turn: OpenTurn) -> bool:
    """True while the memo that opens the thread is still to be worked on."""
    return turn.conversation.desk is None and await turn.journal.waits(HANDOVER)


def owner_id(turn: OpenTurn) -> str:
    """The desk's id of the person who has the case; "" when nobody does."""
    if turn.conversation.owner != "staff" or not turn.conversation.owner_name:
        return ""
    owned = (line.entry for line in reversed(turn.lines) if isinstance(line.entry, (Claimed, TakenOver)))
    return next((entry.by for entry in owned), "")


def take(turn: OpenTurn, person: Person) -> bool:
    """The case is this person's from now on; False when it was theirs. What the agent still meant to say is withdrawn."""
    if owner_id(turn) == person.id:
        return False
    if turn.conversation.status in {"resolved", "closed"}:
        turn.record(Reopened(by=person.id, name=person.name))
        turn.change(status="open")
    if turn.conversation.owner == "agent":
        turn.record(TakenOver(by=person.id, name=person.name))
        turn.silence_agent()
        _introduce(turn, person)
    else:
        turn.record(Claimed(by=person.id, name=person.name))
    turn.change(owner="staff", owner_name=person.name)
    withdraw(turn, [action for action in turn.pending if action.what == "reply"], f"{person.name} took the case")
    turn.cancel(UNCLAIMED)
    turn.update_card()
    return True


def introduce(turn: OpenTurn, person: Person) -> None:
    """Tell the customer, once per person, who writes to them now."""
    for line in reversed(turn.lines):
        if isinstance(line.entry, (Returned, Resolved)):
            break
        if isinstance(line.entry, (StaffSaid, TakenOver)) and line.entry.by == person.id:
            return
    _introduce(turn, person)


def _introduce(turn: OpenTurn, person: Person) -> None:
    turn.tell_customer("talking_with", name=person.name)


def resolve(turn: OpenTurn, person: Person) -> str:
    """Close the matter; returns why not, "" when done."""
    if turn.conversation.status in {"resolved", "closed"}:
        return "This case is already resolved."
    withdraw(turn, turn.pending, f"the case was resolved by {person.name}")
    turn.record(Resolved(by=person.id, name=person.name))
    turn.tell_customer("resolved", name=person.name)
    turn.change(owner="agent", owner_name="", status="resolved")
    turn.silence_agent()
    turn.close_matter()
    turn.cancel(UNCLAIMED)
    turn.update_card()
    return ""


def give_back(turn: OpenTurn, person: Person) -> str:
    """Give the conversation back to the agent, which answers at once what nobody has answered; returns why not."""
    if turn.conversation.owner == "agent":
        return "The agent has this conversation already."
    waiting = _unanswered(turn)
    turn.record(Returned(by=person.id, name=person.name))
    turn.tell_customer("returned" if waiting else "welcome_back")
    turn.change(owner="agent", owner_name="", status="open")
    turn.silence_agent()
    turn.cancel(UNCLAIMED)
    turn.update_card()
    if waiting:
        turn.remind("answer", turn.now, {"reason": "returned"})
    return ""


def _unanswered(turn: OpenTurn) -> bool:
    kinds, said = (CustomerSaid, CustomerPressed, AgentSaid, StaffSaid), dict[str, Entry]()
    for number, line in enumerate(turn.lines):
        if isinstance(line.entry, kinds):
            said.setdefault(
                line.entry.id or str(number), line.entry
            )  # words that were changed since answer nothing new
    return isinstance(next(reversed(said.values()), None), (CustomerSaid, CustomerPressed))


def withdraw(turn: OpenTurn, actions: list[Action], why: str) -> None:
    """What waited for a word does not happen any more, and its card says so."""
    for action in actions:
        turn.record(_withdrawn(action))
        moved = turn.move(action, "withdrawn")
        turn.cancel(f"{EXPIRE}:{action.id}")
        if action.asks == "staff":
            show_outcome(turn, moved, f"Withdrawn: {why}")


def _withdrawn(action: Action) -> Entry:
    kind = ApprovalDecided if action.asks == "staff" else ConfirmationGiven
    return kind(
        action=action.id, verdict="withdrawn", by=GATEWAY, tool=action.tool, args=action.args, digest=action.digest
    )


def show_outcome(turn: OpenTurn, action: Action, outcome: str) -> None:
    """Draw the approval's card anew, without its buttons."""
    card = ApprovalCard(action, turn.customer(), outcome)
    turn.replace(card, f"approval:{action.id}")


async def remind(turn: OpenTurn, _: Received) -> None:
    """Memo `unclaimed`: nobody has taken the case; say so in the channel, once."""
    waits = turn.conversation.owner == "staff" and not turn.conversation.owner_name
    if waits and turn.conversation.status == "waiting_staff":
        minutes = turn.desk.remind_after // 60_000
        turn.tell_desk(f"Nobody has taken this case for {minutes} minutes. The customer is waiting.", broadcast=True)
