"""A conversation's log as people read it: one entry per line, who and what, with details where they explain a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from bus.canonical import encode

Line = dict[str, Any]
LONGEST = 240


def draw(lines: Iterable[Line]) -> None:
    """Print the lines, a heading above each turn."""
    from rich.text import Text

    from gateway.commands.voice import out

    console, turn = out(), 0
    for line in lines:
        if line["turn"] and line["turn"] != turn:
            turn = line["turn"]
            console.print(Text(f"── turn {turn} ──", style="dim"))
        who, what, style = words(line)
        at = f"{datetime.fromtimestamp(line['at'] / 1000).astimezone():%H:%M:%S}"
        console.print(Text.assemble((f"{line['seq']:>4} {at} ", "dim"), (f"{who:<12} ", style), shown(what)))


def when(milliseconds: int) -> str:
    """A time as the clock on the wall says it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000).astimezone():%Y-%m-%d %H:%M:%S}"


def words(line: Line) -> tuple[str, str, str]:
    """(who, what, style) of an entry."""
    kind = line["kind"]
    if kind in SAID:
        who, style = SAID[kind]
        files = (f"[{file.get('name') or 'file'}]" for file in line.get("attachments", ()))
        told = " ".join(part for part in (line["text"], *files) if part)
        return line.get("name") or who, told or "(deleted)", style
    return kind, DETAILS.get(kind, _by)(line), "red" if kind in BAD else "dim"


def shown(text: str, indent: int = 27) -> str:
    """Text of others: its lines indented, its control characters visible."""
    from gateway.logs import CONTROL

    rows = [CONTROL.sub(lambda found: repr(found[0])[1:-1], row) for row in text.split("\n")]
    return ("\n" + " " * indent).join(rows)


SAID = {
    "customer_said": ("customer", "bold cyan"),
    "customer_edited": ("customer*", "cyan"),
    "customer_pressed": ("customer ▸", "cyan"),
    "agent_said": ("agent", "bold green"),
    "system_said": ("gateway", "bold"),
    "staff_said": ("staff", "bold magenta"),
    "staff_noted": ("note", "magenta"),
    "drafted": ("draft", "yellow"),
}
BAD = frozenset({"delivery_failed", "parked", "expired"})


def _by(line: Line) -> str:
    return " ".join(str(line[name]) for name in ("name", "by", "reason", "what", "why", "of") if line.get(name))


def _understood(line: Line) -> str:
    feeling = line["sentiment"].get("label", "")
    entities = ", ".join(f"{name}={value}" for name, value in line["entities"].items())
    return f"{line['intent']} {line['confidence']:.2f} · {line['language']} · {feeling} {entities}".rstrip()


def _retrieved(line: Line) -> str:
    return (
        ", ".join(f"{one['source']} › {one.get('heading', '')} {one['score']:.2f}" for one in line["passages"])
        or "nothing"
    )


def _model(line: Line) -> str:
    calls = ", ".join(call["tool"] for call in line["calls"])
    used = " ".join(f"{name} {count}" for name, count in line["usage"].items())
    return " · ".join(
        part for part in (line["model"], calls and f"calls {calls}", used, _cost(line), line["error"]) if part
    )


def _asked(line: Line) -> str:
    return f"{_call(line)} → {line['policy'].get('verdict', '')} {line['policy'].get('because', '')}".rstrip()


def _answered(line: Line) -> str:
    return f"{line['tool']} {line['status']} in {line['milliseconds']} ms: {_short(line['result'])}"


def _short(value: Any) -> str:
    """A value as JSON, not longer than a few lines; `--json` has all of it."""
    text = encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _decided(line: Line) -> str:
    score = f"{line['confidence']:.2f} {line['band']}"
    return " · ".join(
        part for part in (line["decision"], line["reason"], score, _cost(line), f"spec {line['spec']}") if part
    )


def _verdict(line: Line) -> str:
    return f"{_call(line) if line['tool'] else 'reply'}: {line['verdict']} {line.get('name') or line['by']}".rstrip()


def _call(line: Line) -> str:
    return f"{line['tool']}({', '.join(f'{name}={value}' for name, value in line['args'].items())})"


def _cost(line: Line) -> str:
    return f"${line['cost']}" if line.get("cost") else ""


DETAILS: dict[str, Callable[[Line], str]] = {
    "understood": _understood,
    "retrieved": _retrieved,
    "model_replied": _model,
    "tool_asked": _asked,
    "tool_answered": _answered,
    "confirmation_asked": _call,
    "approval_asked": _call,
    "confirmation_given": _verdict,
    "approval_decided": _verdict,
    "decided": _decided,
}
