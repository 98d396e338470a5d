"""Actions that wait for staff's word: asked on a card of their own, decided once, by those who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from bus.action import Action
from bus.channel import Person
from bus.entries import AgentSaid, ApprovalDecided
from bus.message import ApprovalCard, Mark, Received, Words
from handoff.case import brief, call
from handoff.open_turn import APPROVER, MEMBER, OpenTurn
from handoff.ownership import EXPIRE, GATEWAY, give_to_people, show_outcome, take
from handoff.words import literal

Verdict = Literal["approved", "denied"]
WORD: dict[Verdict, str] = {"approved": "Approved", "denied": "Rejected"}
STATES = {
    "blocked": "waits until the customer has signed in again",
    "unknown": "no answer: nobody knows yet whether it happened",
}
NOBODYS = "This button belongs to no open approval of this conversation."


async def ask(turn: OpenTurn, row: Received) -> None:
    """Memo `approval` {action}: put its card into the thread, which is opened if there is none."""
    action = await _named(turn, row)
    if action is None or action.state != "pending":
        return
    turn.open_thread()
    turn.post(ApprovalCard(action, turn.customer()), "approval", key=f"approval:{action.id}")
    turn.remind(EXPIRE, action.expires_at, {"action": action.id}, key=f"{EXPIRE}:{action.id}")


async def approve(turn: OpenTurn, row: Received) -> None:
    """Press `approve` with the action's id."""
    await _decide(turn, row, "approved")


async def reject(turn: OpenTurn, row: Received) -> None:
    """Press `reject` with the action's id."""
    await _decide(turn, row, "denied")


async def edit(turn: OpenTurn, row: Received) -> None:
    """Press `edit` with a reply's id: its words, as a person changed them (`data.text`), are sent."""
    action = await turn.journal.action(row.inbound.text)
    words = str(row.inbound.data.get("text", "")).strip()
    if words and action is not None and action.what == "reply":
        await _decide(turn, row, "approved", words)


async def expire(turn: OpenTurn, row: Received) -> None:
    """Memo `expire` {action}: nobody decided in time."""
    action = await _named(turn, row)
    if action is not None and action.state == "pending" and turn.now >= action.expires_at:
        _expire(turn, action)


async def case_changed(turn: OpenTurn, row: Received) -> None:
    """Memo `case_changed` {action?}: the agent did something that the desk must see."""
    if turn.conversation.desk is None:
        return
    turn.update_card()
    action = await _named(turn, row)
    if action is None or action.state == "pending":
        return
    if action.state != "withdrawn":
        turn.tell_desk(literal(_result(action)))
    if action.asks == "staff":
        show_outcome(turn, action, await _became(turn, action))


def _result(action: Action) -> str:
    what = call(action.tool, action.args) if action.what == "tool" else "The reply"
    result = f": {brief(action.result)}" if action.result is not None else ""
    return f"{what} – {STATES.get(action.state, action.state)}{result}"


async def _became(turn: OpenTurn, action: Action) -> str:
    if action.state == "withdrawn":
        return "Withdrawn: the customer wrote again"
    state = STATES.get(action.state, action.state)
    if not action.decided_by:
        return state.capitalize()
    person = await turn.desk.people(turn.desk.channel, action.decided_by)
    return f"{_outcome('approved', person.name, action.decided_at)} – {state}"


async def _named(turn: OpenTurn, row: Received) -> Action | None:
    return await turn.journal.action(str(row.inbound.data.get("action", "")))


async def _decide(turn: OpenTurn, row: Received, verdict: Verdict, words: str = "") -> None:
    inbound = row.inbound
    person, action = await turn.person(inbound), await turn.journal.action(inbound.text)
    refusal = _refusal(turn, person, action)
    if action is None or refusal:
        turn.mark(Mark("refused", inbound.sender.id, refusal), inbound.target, inbound.address)
        return
    turn.record(_decided(action, verdict, person))
    turn.cancel(f"{EXPIRE}:{action.id}")
    if words:
        action = msgspec.structs.replace(action, text=words)
    moved = turn.move(action, verdict, by=person.id, changed=bool(words))
    turn.update_card()
    match action.what, verdict:
        case "tool", "approved":
            turn.remind("execute", turn.now, {"action": action.id}, key=f"execute:{action.id}")
        case "tool", "denied":
            turn.tell_customer("denied", action=action.tool.replace("_", " "))
            _end_waiting(turn)
        case "reply", "approved":
            _send(turn, moved, person)
        case _:
            _discard(turn, person)
    show_outcome(turn, moved, _outcome(verdict, person.name, turn.now))


def _refusal(turn: OpenTurn, person: Person, action: Action | None) -> str:
    """Why this press changes nothing; who may not decide is recorded, who comes late is told."""
    if action is None or action.conversation != turn.conversation.id or action.asks != "staff":
        return NOBODYS
    if not _may_decide(person, action):
        turn.record(_decided(action, "refused", person))
        return "You may not decide this: you are not one of the approvers."
    if action.state != "pending":
        return f"Nothing to decide any more: this is {action.state}."
    if turn.now >= action.expires_at:
        _expire(turn, action)
        return "This approval has expired."
    return ""


def _may_decide(person: Person, action: Action) -> bool:
    """A call is the approvers' to decide; words may be sent by whoever may answer."""
    return APPROVER in person.roles or (action.what == "reply" and MEMBER in person.roles)


def _decided(action: Action, verdict: str, person: Person) -> ApprovalDecided:
    return ApprovalDecided(
        action=action.id, verdict=verdict, by=person.id, name=person.name, tool=action.tool, args=action.args,
        digest=action.digest, spec=action.spec,
    )  # fmt: skip


def _send(turn: OpenTurn, action: Action, person: Person) -> None:
    """The drafted words are the agent's, and go out because a person said so."""
    place = turn.record(AgentSaid(text=action.text, by=person.id))
    turn.say(Words(action.text, "agent"), place, "reply", key=f"reply:{action.id}")
    turn.move(turn.move(action, "executing"), "done")
    turn.await_customer()


def _discard(turn: OpenTurn, person: Person) -> None:
    """The words are gone and the customer still waits, so the case is that person's."""
    take(turn, person)
    turn.change(status="waiting_staff")
    turn.tell_desk("The draft was discarded. Reply in this thread to answer the customer.")


def _expire(turn: OpenTurn, action: Action) -> None:
    turn.record(_decided(action, "expired", Person(GATEWAY, "")))
    moved = turn.move(action, "expired")
    show_outcome(turn, moved, f"Expired {_clock(turn.now)}: nobody decided in time")
    turn.update_card()
    if action.what == "tool":
        if turn.announce("expired", action=action.tool.replace("_", " ")):
            _end_waiting(turn)
    else:
        give_to_people(turn, action.reason or "human_only")


def _end_waiting(turn: OpenTurn) -> None:
    """The agent's conversation does not wait for staff any more, once nothing in it does."""
    if turn.conversation.owner == "agent" and not any(action.asks == "staff" for action in turn.pending):
        turn.await_customer()


def _outcome(verdict: Verdict, name: str, at: int) -> str:
    return f"{WORD[verdict]} by {name} {_clock(at)}"


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M UTC")
