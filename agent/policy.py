"""What may happen: pure functions over the spec and recorded results. What a model says never decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from agent.conditions import Undecidable, holds, names
from agent.spec import Rule, Spec, Tool
from bus.canonical import digest
from bus.effect import Cap, Claim

Answer = Literal["allow", "confirm", "approve", "confirm_then_approve", "refuse"]


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a call, and why."""

    verdict: Answer
    because: str = ""


class Scope(msgspec.Struct, frozen=True):
    """Whose limits count: tenant, conversation, and the customer (their identity, else their address)."""

    tenant: str
    conversation: str
    customer: str


def needs(spec: Spec, tool: Tool) -> list[str]:
    """Tools whose results this call's policy stands on: bound values first, then conditions."""
    bound = [path.split(".")[0] for path in tool.bind.values()]
    used = frozenset().union(*(names(condition) for condition in (tool.require, tool.confirm, tool.approve)))
    return list(dict.fromkeys([*bound, *(name for name in spec.tools if name in used)]))


def decide(tool: Tool, variables: Mapping[str, Any], *, draft: bool = False) -> Verdict:
    """The verdict on a call whose arguments are complete. `draft`: every writing call asks staff."""
    if tool.require is not None and not _certain(tool.require, variables, otherwise=False):
        return Verdict("refuse", f"require: {tool.require}")
    if draft and tool.writes:
        return Verdict("approve", "draft")
    confirm = tool.confirm is not None and _certain(tool.confirm, variables, otherwise=True)
    approve = tool.approve is not None and _certain(tool.approve, variables, otherwise=True)
    if tool.writes and tool.confirm is None and tool.approve is None and tool.run is None:
        return Verdict("approve", "a writing tool without confirm, approve or run: always")
    return _verdict(tool, confirm, approve)


def _verdict(tool: Tool, confirm: bool, approve: bool) -> Verdict:
    if confirm and approve:
        return Verdict("confirm_then_approve", f"confirm: {tool.confirm}; approve: {tool.approve}")
    if confirm:
        return Verdict("confirm", f"confirm: {tool.confirm}")
    if approve:
        return Verdict("approve", f"approve: {tool.approve}")
    return Verdict("allow")


def _certain(condition: str, variables: Mapping[str, Any], *, otherwise: bool) -> bool:
    try:
        return holds(condition, variables)
    except Undecidable:
        return otherwise


def escalation(rules: Iterable[Rule], variables: Mapping[str, Any], skip: Iterable[str] = ()) -> str:
    """The reason of the first rule that holds or cannot be decided, "" for none. Rules that use a name in `skip` are skipped."""
    absent = frozenset(skip)
    for rule in rules:
        if not names(rule.condition) & absent and _certain(rule.condition, variables, otherwise=True):
            return rule.reason
    return ""


STRICTNESS: dict[Answer, frozenset[str]] = {
    "allow": frozenset(),
    "confirm": frozenset({"customer"}),
    "approve": frozenset({"staff"}),
    "confirm_then_approve": frozenset({"customer", "staff"}),
    "refuse": frozenset({"nobody"}),
}


def covered(verdict: Verdict, granted: frozenset[str]) -> bool:
    """True when those who have said yes are enough. Staff's word stands for the customer's as well."""
    missing = STRICTNESS[verdict.verdict] - granted
    return not missing or (missing == {"customer"} and "staff" in granted)


def claim(name: str, tool: Tool, args: Mapping[str, Any], scope: Scope, step: str) -> Claim:
    """The call's place in the ledger. `step` names the action or step, for tools without `once`."""
    once = digest([scope.tenant, name, {key: args.get(key) for key in sorted(tool.once)}]) if tool.once else ""
    caps = list(_caps(tool, args, scope))
    amounts = {cap.scope: cap.amount for cap in caps}
    return Claim(name, once or digest([scope.tenant, name, step]), once, tuple(caps), tuple(amounts.items()))


def within(claim: Claim, other: Claim) -> Claim:
    """The first claim, under the limits of both."""
    caps = tuple(dict.fromkeys((*claim.caps, *other.caps)))
    return msgspec.structs.replace(
        claim, caps=caps, amounts=tuple({**dict(other.amounts), **dict(claim.amounts)}.items())
    )


def _caps(tool: Tool, args: Mapping[str, Any], scope: Scope) -> Iterable[Cap]:
    for limit in tool.limits:
        who = _who(limit.per, args, scope)
        if limit.sum is not None and limit.max is not None:
            yield Cap(f"{who}:{limit.sum}", limit.window, _amount(args.get(limit.sum)), limit.max)
        elif limit.max is not None:
            yield Cap(f"{who}:calls", limit.window, Decimal(1), limit.max)
        if limit.count is not None:
            yield Cap(f"{who}:calls", limit.window, Decimal(1), Decimal(limit.count))


def _amount(value: Any) -> Decimal:
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else Decimal(0)


def _who(per: str, args: Mapping[str, Any], scope: Scope) -> str:
    if per == "customer":
        return f"customer:{scope.customer}"
    if per == "conversation":
        return f"conversation:{scope.conversation}"
    return "global" if per == "global" else f"{per}:{args.get(per)}"


def band(score: float, spec: Spec, channel: str, category: str, intent: str = "") -> Literal["send", "flag", "hold"]:
    """The band of a confidence on this channel and category; where both differ from the general bounds, the stricter counts."""
    own = [spec.confidence.channels.get(channel), spec.confidence.categories.get(category)]
    own.append(spec.confidence.categories.get(intent))
    send = max((bounds.send for bounds in own if bounds and bounds.send is not None), default=spec.confidence.send)
    flag = max((bounds.flag for bounds in own if bounds and bounds.flag is not None), default=spec.confidence.flag)
    if score >= send:
        return "send"
    return "flag" if score >= min(flag, send) else "hold"
