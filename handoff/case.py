"""The log becomes a Capsule: everything a person needs to go on. Pure; the words come from recorded fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from bus.action import Action
from bus.canonical import digest, encode
from bus.capsule import Capsule, Line, Source, ToolRun, Who
from bus.entries import (
    AgentSaid,
    CustomerPressed,
    CustomerSaid,
    Decided,
    Drafted,
    Entry,
    HandedOver,
    ModelReplied,
    Recorded,
    Retrieved,
    Spoken,
    StaffSaid,
    SystemSaid,
    ToolAnswered,
    ToolAsked,
    Understood,
)
from bus.message import Conversation

Kind = TypeVar("Kind", bound=Entry)
State = Literal["agent", "waiting", "claimed", "resolved"]
Speaker = Literal["customer", "agent", "staff", "system"]

SOURCES = 5
SHORT = 160
APPROVAL = "approval"

REASONS = {
    "asked_for_person": "The customer asked for a person.",
    "sentiment": "The customer is upset.",
    "turns": "The agent used up its turns without settling the matter.",
    "missing_data": "The customer did not give the data that the agent needs.",
    "low_confidence": "The agent was not sure enough of its answer.",
    "human_only": "This kind of matter always goes to a person.",
    "identity_required": "It is not proved who the customer is, and the tool needs that.",
    "tool_failed": "A tool failed.",
    "outcome_unknown": "A writing call got no answer: nobody knows yet whether it happened.",
    "model_failed": "The model gave no usable answer.",
    "budget": "The turn's budget was spent.",
    "interrupted": "The agent's turn was interrupted.",
    "draft": "The channel is in draft mode: nothing is sent without a person.",
    APPROVAL: "The agent needs a person's word before it goes on.",
}

PROPOSALS = {
    "asked_for_person": "Answer in person.",
    "sentiment": "Answer in person, and start with what went wrong for the customer.",
    "missing_data": "Find the missing data together with the customer, or look it up.",
    "identity_required": "Find out who is writing before anything is changed for them.",
    "outcome_unknown": "Check whether the last writing call happened before it is done again.",
    "tool_failed": "Do what the failed call was meant to do by hand.",
}

TAKEN_BACK = "(took the message back)"
_SPEAKERS: tuple[tuple[type[Spoken], Speaker], ...] = (
    (CustomerSaid, "customer"),
    (CustomerPressed, "customer"),
    (AgentSaid, "agent"),
    (StaffSaid, "staff"),
    (SystemSaid, "system"),
)


def build(
    conversation: Conversation,
    lines: Sequence[Recorded],
    actions: Iterable[Action],
    *,
    now: int,
    reason: str = "",
    detail: str = "",
    link: str = "",
    reply_until: int = 0,
) -> Capsule:
    """The capsule of the conversation's present episode. Without `reason`, the last one recorded holds."""
    lines = [line for line in lines if line.episode == conversation.episode]
    waiting = [action for action in actions if action.state == "pending"]
    handed = _last(lines, HandedOver)
    reason = reason or _reason(lines, waiting)
    detail = detail or (handed.detail if handed and handed.reason == reason else "") or _condition(reason, waiting)
    tools, read, said = _tools(lines), _last(lines, Understood), _transcript(lines)
    last_message = next((line.text for line in reversed(said) if line.speaker == "customer"), "")
    executed = tuple(_run(run) for run in tools if run.status == "ok" and _wrote(lines, run))
    entities = _entities(lines, tools)
    mood: Mapping[str, Any] = read.sentiment if read else {}
    return Capsule(
        conversation=conversation.id,
        channel=conversation.address.channel,
        customer=who(conversation, lines),
        episode=conversation.episode,
        state=state(conversation),
        reason=reason,
        reason_text=detail or REASONS.get(reason, "") or (f"Rule “{_words(reason)}” applies." if reason else ""),
        summary=_summary(read, entities, executed, reason),
        proposal=_proposal(reason, lines, waiting, tools),
        last_message=last_message,
        opened_at=_opened_at(lines, conversation),
        updated_at=now,
        owner_name=conversation.owner_name if conversation.owner == "staff" else "",
        intent=read.intent if read else "",
        category=read.category if read else "",
        sentiment=str(mood.get("label", "")),
        sentiment_score=float(mood.get("score", 0) or 0),
        urgency=read.urgency if read else "",
        language=conversation.language or (read.language if read else ""),
        entities=entities,
        transcript=tuple(said),
        tools=tuple(tools),
        sources=_sources(lines),
        executed=executed,
        pending=tuple(action.id for action in waiting),
        link=link,
        reply_until=reply_until,
    )


def state(conversation: Conversation) -> State:
    """How the case stands, in the card's words."""
    if conversation.owner == "staff":
        return "claimed" if conversation.owner_name else "waiting"
    return "resolved" if conversation.status in {"resolved", "closed"} else "agent"


def brief(value: Any, limit: int = SHORT) -> str:
    """A value in few words: `order_id: A-1, amount: 189.40`."""
    parts = (
        [f"{key}: {_scalar(item)}" for key, item in value.items()] if isinstance(value, Mapping) else [_scalar(value)]
    )
    text = ", ".join(parts)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def call(tool: str, args: Mapping[str, Any]) -> str:
    """A call in one line: `create_refund (order_id: A-1, amount: 189.40)`."""
    return f"{tool} ({brief(args)})" if args else tool


def _scalar(value: Any) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else encode(value).decode()


def _words(name: str) -> str:
    return re.sub(r"[_\s]+", " ", name).strip()


def _last(lines: Sequence[Recorded], kind: type[Kind]) -> Kind | None:
    return next((line.entry for line in reversed(lines) if isinstance(line.entry, kind)), None)


def _reason(lines: Sequence[Recorded], waiting: Sequence[Action]) -> str:
    for line in reversed(lines):
        if isinstance(line.entry, HandedOver) or (
            isinstance(line.entry, Decided) and line.entry.decision == "hand_over"
        ):
            return line.entry.reason
    asked = next((action.reason for action in waiting if action.asks == "staff"), None)
    return "" if asked is None else asked if asked.isidentifier() else APPROVAL


def _condition(reason: str, waiting: Sequence[Action]) -> str:
    """An approval that a condition of the spec asked for shows that condition."""
    because = next((action.reason for action in waiting if action.asks == "staff" and action.reason), "")
    return f"{REASONS[APPROVAL]} ({because})" if reason == APPROVAL and because else ""


def _opened_at(lines: Sequence[Recorded], conversation: Conversation) -> int:
    handed = (line.at for line in reversed(lines) if isinstance(line.entry, HandedOver))
    return next(handed, lines[0].at if lines else conversation.created_at)


def who(conversation: Conversation, lines: Sequence[Recorded]) -> Who:
    """The customer, as far as they are known in these lines of the present episode."""
    customer = conversation.customer
    said = [line.entry for line in reversed(lines) if isinstance(line.entry, CustomerSaid)]
    named = next((entry.name for entry in said if entry.name), "")
    if customer is None:
        return Who(name=named or "Anonymous visitor", verified=said[0].verified if said else "none")
    return Who(customer.name or named or customer.id, customer.id, customer.email, customer.proof)


def _told(entry: Spoken) -> str:
    """The words, with the names of the files beside them and the links below them."""
    files = (
        [f"📎 {file.get('name') or 'file'}" for file in entry.attachments]
        if isinstance(entry, CustomerSaid | StaffSaid)
        else []
    )
    links = [f"{card['title']}: {card['url']}" for card in entry.cards] if isinstance(entry, AgentSaid) else []
    return "\n".join(part for part in (entry.text, *files, *links) if part)


def _transcript(lines: Sequence[Recorded]) -> list[Line]:
    unsure = _flagged(lines)
    return [
        Line(
            speaker, line.entry.name, _told(line.entry) or (TAKEN_BACK if speaker == "staff" else ""), line.at,
            flagged=speaker == "agent" and line.turn in unsure,
        )
        for line in lines
        for kind, speaker in _SPEAKERS
        if isinstance(line.entry, kind)
    ]  # fmt: skip


def _flagged(lines: Sequence[Recorded]) -> set[int]:
    """Turns whose reply went out flagged; words beside a draft are not what was judged."""
    drafted = {line.turn for line in lines if isinstance(line.entry, Drafted)}
    return {line.turn for line in lines if isinstance(line.entry, Decided) and line.entry.band == "flag"} - drafted


def _tools(lines: Sequence[Recorded]) -> list[ToolRun]:
    """One run per call, in order; an answer is joined to the oldest open question about the same call."""
    runs: list[ToolRun] = []
    for line in lines:
        entry = line.entry
        if isinstance(entry, ToolAsked):
            runs.append(ToolRun(entry.tool, entry.args, "asked", None, line.at, _policy(entry.policy)))
        elif isinstance(entry, ToolAnswered):
            place = next((n for n, run in enumerate(runs) if _answers(entry, run)), None)
            policy = runs[place].policy if place is not None else ""
            args = entry.args or (runs[place].args if place is not None else {})
            run = ToolRun(entry.tool, args, entry.status, entry.result, line.at, policy)
            runs[len(runs) if place is None else place : None if place is None else place + 1] = [run]
    return runs


def _answers(answer: ToolAnswered, run: ToolRun) -> bool:
    same = not answer.args or digest(answer.args) == digest(run.args)
    return run.status == "asked" and run.tool == answer.tool and same


def _policy(policy: Mapping[str, Any]) -> str:
    because = policy.get("because")
    return ": ".join(_scalar(part) for part in (policy.get("verdict"), because) if part)


def _wrote(lines: Sequence[Recorded], run: ToolRun) -> bool:
    entries = (line.entry for line in lines)
    return any(isinstance(e, (ToolAsked, ToolAnswered)) and e.tool == run.tool and e.effect == "write" for e in entries)


def _run(run: ToolRun) -> str:
    return f"{call(run.tool, run.args)} → {brief(run.result)}"


def _sources(lines: Sequence[Recorded]) -> tuple[Source, ...]:
    found: dict[tuple[str, str], Source] = {}
    for line in lines:
        for passage in line.entry.passages if isinstance(line.entry, Retrieved) else ():
            source = Source(
                str(passage.get("source", "")), str(passage.get("heading", "")), float(passage.get("score", 0) or 0)
            )
            known = found.get((source.source, source.heading))
            if known is None or known.score < source.score:
                found[source.source, source.heading] = source
    return tuple(sorted(found.values(), key=lambda source: -source.score)[:SOURCES])


def _entities(lines: Sequence[Recorded], tools: Sequence[ToolRun]) -> dict[str, Any]:
    """Every value the episode is about, by name: as it was written, then as it was looked up for a call that worked."""
    found: dict[str, list[Any]] = {}
    read = [line.entry.entities for line in lines if isinstance(line.entry, Understood)]
    looked_up = [{name: v for name, v in run.args.items() if isinstance(v, str)} for run in tools if run.status == "ok"]
    for values in (*read, *looked_up):
        for name, value in values.items():
            known = found.setdefault(name, [])
            known.extend(item for item in (value if isinstance(value, list) else [value]) if item and item not in known)
    return {name: values for name, values in found.items() if values}


def _summary(read: Understood | None, entities: Mapping[str, Any], executed: Sequence[str], reason: str) -> str:
    about = [f"About {_words(read.intent)}" if read and read.intent else "", brief(entities) if entities else ""]
    parts = [
        " – ".join(part for part in about if part),
        *(f"Done: {run}" for run in executed),
        f"Stopped: {_words(reason)}" if reason else "",
    ]
    return ". ".join(part for part in parts if part)


def _proposal(reason: str, lines: Sequence[Recorded], waiting: Sequence[Action], tools: Sequence[ToolRun]) -> str:
    """What the agent would do next; recorded calls and drafts first, then what the reason suggests."""
    asked = [f"Decide: {call(action.tool, action.args)}" for action in waiting if action.what == "tool"]
    drafts = [f"Send the draft: {action.text}" for action in waiting if action.what == "reply"]
    if asked or drafts:
        return "\n".join([*asked, *drafts])
    unsent = _last(lines, Drafted) or _last(lines, ModelReplied)
    if reason == "low_confidence" and unsent and unsent.text:
        return f"Check and send: {unsent.text}"
    advice = PROPOSALS.get(reason, "")
    if tools and reason not in {"asked_for_person", "sentiment"}:
        newest = tools[-1]
        about = ", ".join(_scalar(value) for value in newest.args.values())
        looked = f"{newest.tool}{f' for {about}' if about else ''}: {newest.status}"
        return f"{advice or 'Look into what stopped the agent.'} Last call – {looked}."
    return advice or "Answer the customer's last message."
