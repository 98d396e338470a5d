"""Turns that memos start: a call that was allowed, an answer that is owed, a question that ran out, a matter that went quiet."""

from __future__ import annotations

from typing import Any

import msgspec

from agent import arguments, policy
from agent.policy import Verdict
from agent.results import Known
from agent.spec import Spec, Tool
from agent.turn import answering, asking, telling
from agent.turn.calls import BUSY, Calls, Refused, needs_identity
from agent.turn.ending import Ending
from agent.turn.scene import Scene, Stop
from bus.action import Action, ActionState
from bus.entries import ConfirmationGiven, CustomerPressed, CustomerSaid, Resolved, Spoken
from bus.message import Move, Turn

WHILE_BUSY = 3_000


async def memo(scene: Scene, name: str, data: dict[str, Any]) -> Turn:
    """Do what is due; nothing, if the matter has moved on."""
    ending = Ending(scene)
    if name == "execute":
        await _execute(scene, ending, str(data.get("action", "")), str(data.get("rest", "")))
    elif name == "signed_in":
        await _signed_in(scene, ending)
    elif name == "confirm_expired":
        await _confirm_expired(scene, ending, str(data.get("action", "")))
    elif name == "answer":
        await _answer_owed(scene, ending)
    elif name == "quiet":
        _quiet(scene, ending)
    return ending.turn()


async def after_word(scene: Scene, ending: Ending, key: str, rest: str) -> Turn:
    """Say what a yes or no led to, and serve the rest of the message."""
    words = asking.reply(scene, key)
    if rest:
        scene.preface = words
        await answering.answer(scene, ending, rest)
        return ending.turn()
    staff = key == "approval_wait"
    ending.decided("approve" if staff else "send", key, 1.0, "send")
    ending.say(words)
    ending.changes["status"] = "waiting_staff" if staff else "waiting_customer"
    return ending.turn()


async def _execute(scene: Scene, ending: Ending, action_id: str, rest: str) -> None:
    action = await scene.journal.action(action_id)
    if action is None or action.what != "tool" or action.state not in ("approved", "blocked", "executing"):
        return
    tool = scene.spec.tools.get(action.tool)
    if tool is not None and _is_locked_out(scene, tool):
        if action.state == "approved":
            _block(scene, ending, action)
        return
    calls = Calls(scene)
    try:
        known = await _run(scene, calls, action, tool)
        if tool is not None:
            _judge(calls, tool, known)
    except Stop as stop:
        _settle(scene, ending, action)
        ending.hand_over(stop, telling.told_so_far(scene))
        return
    if known.because == BUSY:
        again = scene.journal.now() + WHILE_BUSY
        ending.remind("execute", again, {"action": action.id, "rest": rest}, key=f"execute:{action.id}")
        return
    _settle(scene, ending, action)
    await _tell(scene, ending, calls, action, known, rest)


def _judge(calls: Calls, tool: Tool, known: Known) -> None:
    """Raises Stop for an answer that is a person's business; a call that was agreed upon and failed is one."""
    calls.judge(tool, known)
    if known.status == "error":
        raise Stop("tool_failed", "failed", known.tool)


def _is_locked_out(scene: Scene, tool: Tool) -> bool:
    """The call speaks for the customer, and their sign-in has run out."""
    return needs_identity(tool) and (scene.identity.expired or not scene.identity.provable)


def _block(scene: Scene, ending: Ending, action: Action) -> None:
    ending.moves.append(Move(action.id, "approved", "blocked"))
    _words(scene, ending, asking.reply(scene, "blocked", action=_name(scene, action)))
    _desk(scene, ending, action)


async def _run(scene: Scene, calls: Calls, action: Action, tool: Tool | None) -> Known:
    """The recorded call, as the tool was declared then, under the stricter of recorded and current policy."""
    recorded = await scene.parts.specs.version(action.spec) if action.spec != scene.version else scene.spec
    if recorded is not None and scene.parts.servers is not None:
        recorded = await scene.parts.servers.resolve(recorded)
    before = recorded.tools.get(action.tool) if recorded else None
    if tool is None or before is None:
        return await calls.refuse(action.tool, action.args, "this tool is no longer declared")
    verdict = await _verdict(scene, calls, action, ((before, recorded), (tool, scene.spec)))
    if verdict.verdict == "refuse":
        return await calls.refuse(action.tool, action.args, verdict.because)
    claim, now = (policy.claim(action.tool, one, action.args, scene.scope, action.id) for one in (before, tool))
    move = Move(action.id, action.state, "executing") if action.state != "executing" else None
    return await calls.repeat(action.tool, before, action.args, policy.within(claim, now), action.id, move)


async def _verdict(
    scene: Scene, calls: Calls, action: Action, versions: tuple[tuple[Tool, Spec | None], ...]
) -> Verdict:
    granted = frozenset({"staff"} if action.asks == "staff" else {"customer"}) | (
        {"customer"} if action.then_staff else set()
    )
    for version, spec in versions:
        if wrong := arguments.problem(arguments.complete(version), action.args):
            return Verdict("refuse", wrong)
        try:
            await calls.renew(version, policy.needs(spec or scene.spec, version), action.args)
        except Refused as refusal:
            return Verdict("refuse", str(refusal))
        verdict = policy.decide(version, scene.variables(action.args))
        if not policy.covered(verdict, granted):
            return Verdict("refuse", verdict.because)
    return Verdict("allow", "agreed")


def _settle(scene: Scene, ending: Ending, action: Action) -> None:
    """Move the action to its end, with the result. A call that had been made before is done as well."""
    known = next((known for known in reversed(scene.results) if known.fresh and known.tool == action.tool), None)
    status = known.status if known else "error"
    state: ActionState = "done" if status == "ok" else "unknown" if status == "unknown" else "failed"
    before: ActionState = "executing" if known and known.made else action.state
    if before != "executing" and state in ("done", "unknown"):
        ending.moves.append(Move(action.id, before, "executing"))
        before = "executing"
    changed = msgspec.structs.replace(action, result=known.result if known else None)
    ending.moves.append(Move(action.id, before, state, changed=changed))
    _desk(scene, ending, action)


def _desk(scene: Scene, ending: Ending, action: Action) -> None:
    """The desk sees what became of a call that it was asked about, or of a case that is its own."""
    if action.asks == "staff" or scene.conversation.owner == "staff":
        ending.remind("case_changed", scene.journal.now(), {"action": action.id}, key=f"case_changed:{action.id}")


async def _tell(scene: Scene, ending: Ending, calls: Calls, action: Action, known: Known, rest: str) -> None:
    """Tell whoever has the conversation; then serve the rest of the message that allowed the call."""
    words = _outcome(scene, action, known)
    if rest and scene.conversation.owner == "agent":
        scene.preface = words if known.status != "ok" else ""
        await answering.answer(scene, ending, rest, calls)
        return
    _words(scene, ending, words)


def _outcome(scene: Scene, action: Action, known: Known) -> str:
    if known.status == "ok":
        return telling.done_words(scene, known)
    return asking.reply(scene, "refused" if known.status == "refused" else "failed", action=_name(scene, action))


def _words(scene: Scene, ending: Ending, words: str) -> None:
    """The result's words to the customer: the agent's, or the gateway's while a person has the conversation."""
    if scene.conversation.owner == "staff":
        if not scene.draft:
            ending.say_for_staff(words)
        return
    words, buttons = answering.with_open_question(scene, ending, words)
    ending.decided("draft" if scene.draft else "send", "executed", 1.0, "send")
    ending.say(words, buttons, cards=telling.cards(scene))
    ending.changes["status"] = "waiting_staff" if scene.draft else "waiting_customer"


def _name(scene: Scene, action: Action) -> str:
    return asking.action_name(scene.spec.tools.get(action.tool), action.tool)


async def _signed_in(scene: Scene, ending: Ending) -> None:
    """The customer is back with a fresh token: approved calls that waited for it run."""
    for action in scene.open_actions:
        if action.state == "blocked" and scene.now < action.expires_at:
            ending.remind("execute", scene.journal.now(), {"action": action.id}, key=f"execute:{action.id}")


async def _confirm_expired(scene: Scene, ending: Ending, action_id: str) -> None:
    """Nobody said yes or no in time."""
    action = await scene.journal.action(action_id)
    if (
        action is None
        or action.state != "pending"
        or action.asks != "customer"
        or scene.journal.now() < action.expires_at
    ):
        return
    ending.record(
        ConfirmationGiven(
            action=action.id, verdict="expired", by="gateway", tool=action.tool, args=action.args, digest=action.digest
        )
    )
    ending.moves.append(Move(action.id, "pending", "expired"))
    if scene.conversation.owner == "agent" and scene.conversation.status not in ("resolved", "closed"):
        ending.say(asking.reply(scene, "question_expired", action=_name(scene, action)))
        ending.changes["status"] = "waiting_staff" if scene.draft else "waiting_customer"


async def _answer_owed(scene: Scene, ending: Ending) -> None:
    """A person gave the conversation back: what the customer said last and nobody answered is answered now."""
    owed, answers = list[str](), set[str]()
    for line in scene.lines:
        entry = line.entry
        if isinstance(entry, CustomerSaid | CustomerPressed):
            owed.append(entry.text)
        elif isinstance(entry, Spoken) and entry.kind() in ("agent_said", "staff_said") and entry.id not in answers:
            owed.clear()
            answers |= {entry.id} - {""}  # words that are changed later answer nothing new
    if owed and scene.conversation.owner == "agent":
        await answering.answer(scene, ending, "\n".join(owed))


def _quiet(scene: Scene, ending: Ending) -> None:
    """Nobody has said anything for long enough: the matter is closed, or looked at again while something is still open."""
    conversation = scene.conversation
    if conversation.owner != "agent" or conversation.status != "waiting_customer":
        return
    if any(_is_open(scene, action) for action in scene.open_actions):
        ending.remind("quiet", scene.journal.now() + scene.spec.quiet)
        return
    ending.record(Resolved(by="gateway"))
    ending.changes |= {"status": "resolved", "new_episode": True}


def _is_open(scene: Scene, action: Action) -> bool:
    """True while something may still come of it; a call that waits for a sign-in does so only for its time."""
    if action.state == "blocked":
        return scene.journal.now() < action.expires_at
    return action.state in ("pending", "approved", "executing")
