"""What a spec says that cannot work: the lines of `gateway check`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import chain

import cel

from agent import wording
from agent.replies import TEXTS
from agent.spec import Spec, Tool

VARIABLES = frozenset({"args", "result", "customer", "intent", "category", "sentiment", "language", "channel"})
TYPES = {
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "timestamp",
    "type",
    "uint",
}
MACROS = ("all", "exists", "exists_one", "map", "filter")
ARGUMENT = re.compile(r"\bargs\.(\w+)")
SCOPES = frozenset({"customer", "conversation", "global"})


def problems(spec: Spec) -> list[str]:
    """Every problem as one line that names the key and what to do; [] for a sound spec."""
    tools = chain.from_iterable(_of_tool(spec, name, tool) for name, tool in spec.tools.items())
    return [*tools, *_of_rules(spec), *_of_names(spec), *_of_entities(spec), *_of_replies(spec)]


def _of_tool(spec: Spec, name: str, tool: Tool) -> Iterator[str]:
    where = f"tools.{name}"
    yield from _of_policy(where, tool)
    yield from _of_arguments(where, tool)
    yield from _unknown(f"{where}.intents", tool.intents, spec.intents)
    yield from _of_bindings(spec, where, tool)
    yield from _of_conditions(spec, where, tool)
    yield from _of_templates(where, tool)


def _of_policy(where: str, tool: Tool) -> Iterator[str]:
    if not tool.writes:
        return
    if not tool.once and not tool.run:
        yield f"{where}: a writing tool says `once: [arguments]` (one effect per value) or `run: always`"
    if tool.confirm is None and tool.approve is None and not tool.run:
        yield f"{where}: a writing tool says `confirm`, `approve` or `run: always`"


def _of_arguments(where: str, tool: Tool) -> Iterator[str]:
    known = tool.arguments
    in_url = tool.http.in_url if tool.http else ()
    sums = [limit.sum for limit in tool.limits if limit.sum]
    scopes = [limit.per for limit in tool.limits if limit.per not in SCOPES]
    named = {"args.required": tool.required, "http.url": sorted(in_url), "once": tool.once, "bind": list(tool.bind)}
    for key, names in {**named, "limits.sum": sums, "limits.per": scopes}.items():
        yield from _unknown(f"{where}.{key}", names, known, "an argument of this tool")


def _of_bindings(spec: Spec, where: str, tool: Tool) -> Iterator[str]:
    for argument, path in tool.bind.items():
        source = path.split(".")[0]
        yield from _unknown(f"{where}.bind.{argument}", [source], spec.tools, "a tool")
        if source in spec.tools and spec.tools[source].writes:
            yield f"{where}.bind.{argument}: {source} writes, so the gateway never calls it to find a value"


def _of_templates(where: str, tool: Tool) -> Iterator[str]:
    card = {"card.title": tool.card.title, "card.url": tool.card.url, "card.text": tool.card.text} if tool.card else {}
    for key, text in {"say": tool.say, "question": tool.question, **card}.items():
        for template in text.values() if isinstance(text, dict) else [text or ""]:
            if wrong := wording.check(template):
                yield f"{where}.{key}: not a template: {wrong}"
    if tool.card and not tool.card.url.lstrip().startswith(("https://", "{")):
        yield f"{where}.card.url: should begin with https://, or with a value that does"


def _of_replies(spec: Spec) -> Iterator[str]:
    for key in TEXTS:
        for language in spec.languages:
            if wrong := wording.check(spec.replies.text(key, language, spec.language)):
                yield f"replies.{key}: not a template: {wrong}"


def _of_conditions(spec: Spec, where: str, tool: Tool) -> Iterator[str]:
    conditions = {"require": tool.require, "confirm": tool.confirm, "approve": tool.approve}
    for key, condition in conditions.items():
        if condition is not None:
            yield from _misspelt(f"{where}.{key}", condition, (VARIABLES - {"result"}) | set(spec.tools))
            yield from _unknown(f"{where}.{key}", ARGUMENT.findall(condition), tool.arguments, "an argument")
    for index, rule in enumerate(tool.escalate):
        yield from _misspelt(f"{where}.escalate.{index}.if", rule.condition, VARIABLES | set(spec.tools))


def _of_rules(spec: Spec) -> Iterator[str]:
    known = (VARIABLES - {"args", "result"}) | set(spec.tools)
    for index, rule in enumerate(spec.escalate.rules):
        yield from _misspelt(f"escalate.rules.{index}.if", rule.condition, known)


def _misspelt(where: str, condition: str, known: Iterable[str]) -> Iterator[str]:
    names = [name for name in cel.compile(condition).variables() if not _is_bound(condition, name)]
    yield from _unknown(where, [name for name in names if name not in TYPES], known, "a name here")


def _is_bound(condition: str, name: str) -> bool:
    """True for the loop variable of a macro: `rows.exists(row, row.late)`."""
    return any(f".{macro}({name}," in condition.replace(" ", "") for macro in MACROS)


def _of_names(spec: Spec) -> Iterator[str]:
    yield from _unknown("context", spec.context, spec.tools, "a tool")
    for name in spec.context:
        if name in spec.tools and (spec.tools[name].writes or spec.tools[name].required):
            yield f"context: {name} must be a reading tool that needs no arguments"
    for name, profile in spec.specialists.items():
        yield from _unknown(f"specialists.{name}.intents", profile.intents, spec.intents)
        yield from _unknown(f"specialists.{name}.tools", profile.tools, spec.tools, "a tool")
    categories = {"billing", "technical", "onboarding", "general"}
    yield from _unknown("approve_replies", spec.approve_replies, {*spec.intents, *categories}, "an intent or category")
    yield from _unknown("confidence.categories", spec.confidence.categories, {*spec.intents, *categories}, "a category")


def _of_entities(spec: Spec) -> Iterator[str]:
    for name, entity in spec.entities.items():
        if entity.rows is None:
            continue
        source = entity.rows.split(".")[0]
        yield from _unknown(f"entities.{name}.from", [source], spec.tools, "a tool")
        if source in spec.tools and spec.tools[source].writes:
            yield f"entities.{name}.from: {source} writes; rows come from a reading tool"


def _unknown(where: str, names: Iterable[str], known: Iterable[str], what: str = "an intent") -> Iterator[str]:
    known = sorted(known)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            yield f"{where}: {name!r} is not {what}" + (f"; did you mean {near[0]!r}?" if near else "")
