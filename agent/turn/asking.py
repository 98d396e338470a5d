"""Calls and replies that wait for somebody's word: the customer's, staff's, or both in turn."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from agent import policy, wording
from agent.policy import Verdict
from agent.replies import Localised
from agent.results import Known
from agent.spec import Tool
from agent.turn.scene import Scene
from bus.action import Action
from bus.canonical import digest, normal
from bus.message import Button, Card

FOLLOWED = re.compile(r"https://[^\s/?#@\\]+([/?#]\S*)?")
LASTS = 24 * 3_600_000


def ask(scene: Scene, name: str, tool: Tool, args: dict[str, Any], verdict: Verdict) -> Known:
    """Put a call before the one who must allow it first; the same call already waiting is not put again."""
    waiting = next((action for action in waiting_calls(scene) if same_call(action, name, args)), None)
    if waiting is None:
        asks_customer = verdict.verdict in ("confirm", "confirm_then_approve")
        if asks_customer and any(action.asks == "customer" for action in scene.actions):
            return Known(name, args, "refused", {}, scene.now, True, "one question at a time: ask again after this one")
        waiting = _action(scene, name, tool, args, verdict)
        scene.actions.append(waiting)
    return Known(name, args, "asked", {}, scene.now, True, waiting.question)


def waiting_calls(scene: Scene) -> list[Action]:
    """Calls that wait for a word, this turn's included, oldest first."""
    return [a for a in (*scene.open_actions, *scene.actions) if a.state == "pending" and a.what == "tool"]


def same_call(action: Action, name: str, args: dict[str, Any]) -> bool:
    """True when the action is this very call."""
    return action.tool == name and bool(normal(action.args) == normal(args))


def _action(scene: Scene, name: str, tool: Tool, args: dict[str, Any], verdict: Verdict) -> Action:
    customer = verdict.verdict in ("confirm", "confirm_then_approve")
    identity = scene.journal.new_id("act")
    return Action(
        id=identity,
        conversation=scene.conversation.id,
        what="tool",
        asks="customer" if customer else "staff",
        state="pending",
        tool=name,
        args=args,
        digest=call_digest(scene, name, args),
        spec=scene.version,
        idempotency_key=policy.claim(name, tool, args, scene.scope, identity).idempotency_key,
        created_at=scene.now,
        expires_at=scene.now + LASTS,
        question=question(scene, tool, name, args) if customer else reply(scene, "approval_wait"),
        reason=verdict.because,
        then_staff=verdict.verdict == "confirm_then_approve",
        turn=scene.work.turn,
        episode=scene.conversation.episode,
    )


def reply_action(scene: Scene, text: str, reason: str) -> Action:
    """A reply that waits for staff."""
    identity = scene.journal.new_id("act")
    return Action(
        id=identity, conversation=scene.conversation.id, what="reply", asks="staff", state="pending", tool="", args={},
        digest=digest(["reply", text, scene.version, scene.conversation.id]), spec=scene.version, idempotency_key=identity,
        created_at=scene.now, expires_at=scene.now + LASTS, text=text, reason=reason,
        turn=scene.work.turn, episode=scene.conversation.episode,
    )  # fmt: skip


def call_digest(scene: Scene, name: str, args: dict[str, Any]) -> str:
    """What a word binds: tool, arguments, spec version, conversation."""
    return digest([name, args, scene.version, scene.conversation.id])


def question(scene: Scene, tool: Tool, name: str, args: dict[str, Any]) -> str:
    """The question before a call, from its recorded arguments and never from a model's words."""
    if tool.question is not None:
        try:
            return fill(scene, scene.spec.text(tool.question, scene.language), {**args, "args": args})
        except wording.Unworded:
            pass
    return reply(scene, "confirm", **args, action=action_name(tool, name), details=details(args))


def action_name(tool: Tool | None, name: str) -> str:
    """What a call does, in a few words."""
    text = tool.description.strip() if tool else ""
    return (text.splitlines()[0].rstrip(". ") if text else "") or name.replace("_", " ")


def details(args: dict[str, Any]) -> str:
    """The arguments as people read them."""
    return ", ".join(f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in args.items())


def _shown(value: Any) -> str:
    cents = isinstance(value, Decimal) and value.as_tuple().exponent == -1
    return wording.number(value.quantize(Decimal("0.01")) if cents else value)


def reply(scene: Scene, key: str, **values: Any) -> str:
    """One of the gateway's own replies in the turn's language."""
    template = scene.spec.replies.text(key, scene.language, scene.spec.language)
    try:
        return fill(scene, template, values)
    except wording.Unworded:
        return template


def fill(scene: Scene, template: str, values: dict[str, Any]) -> str:
    """A template of the spec, filled in for this turn. Raises wording.Unworded."""
    return wording.fill(template, values, scene.language, scene.spec.time_zone)


def buttons(scene: Scene) -> tuple[Button, ...]:
    """Yes and no."""
    return Button("yes", reply(scene, "yes_button")), Button("no", reply(scene, "no_button"))


def say(scene: Scene, known: Known) -> str:
    """A result in the words of its tool's `say`, "" without one. Worded once: prompt, validator and reply all ask for it."""
    key = id(known), scene.language
    if key not in scene.worded:
        scene.worded[key] = known, _worded(scene, known)  # with the result itself, so that no other gets its id
    return scene.worded[key][1]


def _worded(scene: Scene, known: Known) -> str:
    tool = scene.spec.tools.get(known.tool)
    if tool is None or known.status != "ok":
        return ""
    if tool.say is None:
        return _content(known) if tool.mcp is not None else ""
    try:
        return fill(scene, scene.spec.text(tool.say, scene.language), _values(known))
    except wording.Unworded:
        return ""


def _values(known: Known) -> dict[str, Any]:
    """What a template over a result may name."""
    fields = known.result if isinstance(known.result, dict) else {}
    return {**known.args, **fields, "args": known.args, "result": known.result}


def card(scene: Scene, known: Known) -> Card | None:
    """The link card of a result, None where its tool declares none, a value is missing or the link is not to be followed."""
    tool = scene.spec.tools.get(known.tool)
    declared = tool.card if tool is not None and known.status == "ok" else None
    if declared is None:
        return None

    def filled(template: Localised) -> str:
        text = scene.spec.text(template, scene.language)
        return wording.fill_plainly(text, _values(known), scene.language, scene.spec.time_zone)

    try:
        url, title = filled(declared.url), filled(declared.title)
        text = filled(declared.text) if declared.text else ""
    except wording.Unworded:
        return None
    return Card(url, title, text) if FOLLOWED.fullmatch(url) and title else None


def _content(known: Known) -> str:
    """The text that an MCP tool answered with, as literal text."""
    text = known.result.get("text", "") if isinstance(known.result, dict) else ""
    return "\n".join(wording.literal(line) for line in str(text).splitlines()).strip()
