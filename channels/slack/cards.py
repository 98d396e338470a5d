"""What the desk sees: Block Kit from recorded fields. Words of others stand in elements that Slack never parses.

https://docs.slack.dev/reference/block-kit/blocks – 50 blocks, header 150, section 3000, field 2000 characters, and about 13 000 in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from bus.action import Action
from bus.canonical import encode
from bus.capsule import Capsule, Line, Source, ToolRun
from bus.message import ApprovalCard, CaseCard, CaseDetails, Content, Mark, Template, Words
from channels.slack.literal import escaped, inert, short, visible

Json = dict[str, Any]

HEADER, FIELD, SECTION, FALLBACK = 150, 300, 1_500, 3_000
TOTAL, WORDS, LINE, TOOLS, ASKED = 12_000, 11_000, 1_500, 3_500, 7_000
CHUNK = INPUT = 3_000
LINES = 150
CUT = "… (cut here; the whole text is in the log)"
HINT = "Reply in this thread to answer. Start with `note:` for an internal note. `!help`"

STATES = {"agent": "🤖 Agent", "waiting": "🟠 Waiting", "claimed": "🔵 Claimed", "resolved": "✅ Resolved"}
BUTTONS: dict[str, tuple[str, ...]] = {
    "waiting": ("claim", "resolve", "return"),
    "claimed": ("claim", "resolve", "return"),
    "agent": ("claim", "resolve"),
    "resolved": (),
}
LABELS = {
    "claim": "Claim",
    "resolve": "Resolve",
    "return": "Back to agent",
    "reopen": "Reopen by template",
    "approve": "Approve",
    "edit": "Edit",
    "reject": "Reject",
}
STYLES = {"claim": "primary", "approve": "primary", "reject": "danger"}
PROOF = {"none": "not verified", "channel": "by the channel", "link": "by a link", "site": "signed in on the site"}


class Post(msgspec.Struct, frozen=True):
    """A message as Slack takes it: blocks, and the text of notifications."""

    text: str
    blocks: tuple[Json, ...] = ()
    broadcast: bool = False


def render(content: Content) -> Post:
    """The message for a content. Marks and customers' templates are no messages here: ValueError."""
    match content:
        case Words():
            return _words(content)
        case CaseCard():
            return _card(content.capsule)
        case CaseDetails():
            return _details(content.capsule)
        case ApprovalCard():
            return _approval(content)
        case Mark() | Template():
            raise ValueError("a mark, or a template, is not a message here")


def plainly(post: Post) -> Post:
    """The same as mere text, for when Slack refuses the blocks."""
    return Post(post.text, (), post.broadcast)


def _card(capsule: Capsule) -> Post:
    title = _title(capsule)
    blocks = [
        _header(title),
        _fields(_facts(capsule)),
        _rich(_section(_text("Last message", bold=True)), _quote(short(capsule.last_message, LINE))),
        *(_plain(f"Proposed: {capsule.proposal}") if capsule.proposal else ()),
        *(_small(capsule.summary) if capsule.summary else ()),
        *_buttons(capsule),
        _context(f"{HINT}{_link(capsule.link)}"),
    ]
    return Post(short(escaped(f"{title}: {capsule.reason_text} {capsule.last_message}"), FALLBACK), tuple(blocks))


def _title(capsule: Capsule) -> str:
    state = STATES[capsule.state]
    if capsule.state == "claimed" and capsule.owner_name:
        state = f"🔵 {capsule.owner_name}"
    return f"{state} · {capsule.customer.name} · {capsule.channel}"


def _facts(capsule: Capsule) -> dict[str, str]:
    mood = f"{capsule.sentiment} ({capsule.sentiment_score:+.2f})" if capsule.sentiment else ""
    who = " · ".join(part for part in (capsule.customer.name, capsule.customer.email or capsule.customer.id) if part)
    facts = {
        "Reason": " – ".join(part for part in (capsule.reason, capsule.reason_text) if part),
        "Customer": who,
        "Identity": PROOF[capsule.customer.verified],
        "Intent": " / ".join(part for part in (capsule.intent, capsule.category) if part),
        "Mood": mood,
        "Language": " · ".join(part for part in (capsule.language, capsule.urgency) if part),
        "Known": ", ".join(f"{name} {_value(value)}" for name, value in capsule.entities.items()),
        "Owner": capsule.owner_name,
        "Since": _clock(capsule.opened_at),
        "Reply until": _clock(capsule.reply_until) if capsule.reply_until else "",
    }
    return {name: value for name, value in facts.items() if value}


def _buttons(capsule: Capsule) -> list[Json]:
    open_ = BUTTONS[capsule.state]
    return _actions((*open_, "reopen") if open_ and capsule.reply_until else open_, capsule.conversation)


def _details(capsule: Capsule) -> Post:
    """One message, however long the story: the middle of the transcript gives way first."""
    closing = [
        *_part("What was tried", [_tool(run) for run in capsule.tools], TOOLS),
        *_part("Done", [[_text(done)] for done in capsule.executed], LINE),
        *_part("Read", [[_text(_source(source))] for source in capsule.sources], LINE),
        *_part("Why it stopped", [[_text(capsule.reason_text or capsule.reason)]] if capsule.reason else [], LINE),
        *_part("Proposed", [[_text(short(capsule.proposal, LINE))]] if capsule.proposal else [], LINE),
    ]
    left = TOTAL - _size(closing)
    told = _fitting(capsule.transcript, left)
    blocks = [_rich(_section(_text("Conversation", bold=True)), *(_section(*line) for line in told)), *closing]
    return Post(f"Conversation with {short(escaped(capsule.customer.name), HEADER)}: details", tuple(blocks))


def _part(title: str, lines: Sequence[list[Json]], room: int) -> list[Json]:
    return [_listed(title, lines, room)] if lines else []


def _listed(title: str, lines: Sequence[list[Json]], room: int) -> Json:
    """A titled list within `room` characters, saying how many lines are left out."""
    kept, used = [], 0
    for line in lines:
        used += _size(line)
        if used > room:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append([_text(f"… and {len(lines) - len(kept)} more in the log", italic=True)])
    listed = {"type": "rich_text_list", "style": "bullet", "elements": [_section(*line) for line in kept]}
    return _rich(_section(_text(title, bold=True)), listed)


def _fitting(lines: Sequence[Line], room: int) -> list[list[Json]]:
    """The transcript's beginning and end, as far as there is room; what is left out is counted."""
    told = [_line(line) for line in lines]
    if sum(map(_size, told)) <= room and len(told) <= LINES:
        return told or [[_text("(nothing was said)", italic=True)]]
    head = told[:2]
    tail: list[list[Json]] = []
    room -= sum(map(_size, head)) + 60
    for line in reversed(told[2:]):
        room -= _size(line)
        if room < 0 or len(tail) >= LINES:
            break
        tail.insert(0, line)
    left_out = len(told) - len(head) - len(tail)
    return [*head, [_text(f"… {left_out} lines left out; they are in the log\n", italic=True)], *tail]


def _line(line: Line) -> list[Json]:
    who = short(line.name, 100) or line.speaker.capitalize()
    name = f"{who} (agent)" if line.speaker == "agent" and line.name else who
    name = f"{name} 🟡 not quite sure" if line.flagged else name
    return [_text(f"{_clock(line.at)} {name}: ", bold=True), _text(f"{short(line.text, LINE)}\n")]


def _tool(run: ToolRun) -> list[Json]:
    args = ", ".join(f"{name}: {_value(value)}" for name, value in run.args.items())
    policy = f" · policy {run.policy}" if run.policy else ""
    result = f" {short(_value(run.result), 500)}" if run.result is not None else ""
    return [
        _text(short(run.tool, 100), bold=True),
        _text(f" ({short(args, 300)}) → {run.status}{result}{short(policy, 200)}"),
    ]


def _source(source: Source) -> str:
    heading = f" – {source.heading}" if source.heading else ""
    return short(f"{source.source}{heading} ({source.score:.2f})", 200)


def _approval(card: ApprovalCard) -> Post:
    action = card.action
    title = f"Approval: {action.tool}" if action.what == "tool" else "Approval: a reply to the customer"
    facts = {"Customer": card.customer, "Why": action.reason.replace("_", " "), "Expires": _clock(action.expires_at)}
    open_ = action.state == "pending" and not card.outcome
    blocks = [
        _header(f"{'🟡 ' if open_ else ''}{title}"),
        _fields({name: value for name, value in facts.items() if value}),
        _asked(action),
        *(_plain(card.outcome) if card.outcome else ()),
        *(_actions(_choices(action), action.id) if open_ else ()),
        _context(escaped(f"{action.id} · {action.digest[:12]} · {action.spec}")),
    ]
    return Post(short(escaped(" – ".join(part for part in (title, card.outcome) if part)), FALLBACK), tuple(blocks))


def _choices(action: Action) -> tuple[str, ...]:
    """A draft may be changed first, as long as it fits into Slack's window."""
    can_edit = action.what == "reply" and len(action.text) <= INPUT
    return ("approve", "edit", "reject") if can_edit else ("approve", "reject")


def _asked(action: Action) -> Json:
    """What will happen, from the recorded action: its arguments, or its words letter by letter."""
    if action.what == "reply":
        return _rich(_quote(_fit(action.text, WORDS - 1000)))
    lines = [
        [_text(f"{short(name, 100)}: ", bold=True), _text(short(_value(value), 1000))]
        for name, value in action.args.items()
    ]
    return _listed(short(action.tool, 100), lines or [[_text("no arguments")]], ASKED)


def _words(words: Words) -> Post:
    files = "".join(f"\n📎 {file.name} ({file.media_type})" for file in words.attachments)
    text = _fit(f"{words.text}{files}".strip(), WORDS)
    if words.speaker in ("agent", "system"):
        block: Json = {"type": "markdown", "text": _fit(inert(text), WORDS) or "–"}
        return Post(short(escaped(text), FALLBACK) or "–", (block,), words.broadcast)
    name = words.name or words.speaker.capitalize()
    block = _rich(_section(_text(f"{short(name, HEADER)}\n", bold=True), *_texts(text)))
    return Post(short(escaped(f"{name}: {text}"), FALLBACK), (block,), words.broadcast)


def _fit(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else encode(value).decode()


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%d %b %H:%M UTC")


def _size(value: Any) -> int:
    """All characters of text in these blocks or elements."""
    if isinstance(value, str):
        return 0
    if isinstance(value, Mapping):
        own = value.get("text")
        return len(own) if isinstance(own, str) else sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, Iterable) else 0


def _text(text: str, **style: bool) -> Json:
    shown = visible(text) or "–"
    return {"type": "text", "text": shown, **({"style": style} if style else {})}


def _texts(text: str) -> list[Json]:
    shown = visible(text) or "–"
    return [_text(shown[start : start + CHUNK]) for start in range(0, len(shown), CHUNK)]


def _section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def _quote(text: str) -> Json:
    return {"type": "rich_text_quote", "elements": _texts(text)}


def _rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def _header(text: str) -> Json:
    return {"type": "header", "text": {"type": "plain_text", "text": short(visible(text), HEADER), "emoji": False}}


def _plain(text: str) -> list[Json]:
    shown = short(visible(text), SECTION) or "–"
    return [{"type": "section", "text": {"type": "plain_text", "text": shown, "emoji": False}}]


def _small(text: str) -> list[Json]:
    shown = short(visible(text), SECTION) or "–"
    return [{"type": "context", "elements": [{"type": "plain_text", "text": shown, "emoji": False}]}]


def _context(markup: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": short(markup, SECTION), "verbatim": True}]}


def _link(url: str) -> str:
    return f" · <{escaped(url)}|Everything in the log>" if url else ""


def _fields(facts: Mapping[str, str]) -> Json:
    """Two columns; a section takes ten fields."""
    shown = [f"*{name}*\n{_bounded(value)}" for name, value in list(facts.items())[:10]]
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": text, "verbatim": True} for text in shown]}


def _bounded(value: str) -> str:
    """Escaping lengthens: `&` becomes five characters."""
    return short(escaped(short(value, FIELD)), 2 * FIELD)


def _actions(names: Sequence[str], value: str) -> list[Json]:
    elements = [_button(name, value) for name in names]
    return [{"type": "actions", "elements": elements}] if elements else []


def _button(name: str, value: str) -> Json:
    label = {"type": "plain_text", "text": LABELS[name], "emoji": False}
    style = {"style": STYLES[name]} if name in STYLES else {}
    return {"type": "button", "action_id": name, "text": label, "value": value, **style}
