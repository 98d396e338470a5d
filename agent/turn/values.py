"""Values that a request needs and does not name: looked up among the rows of a read tool, or known from this episode."""

from __future__ import annotations

from typing import Any

import msgspec

from agent import clauses, entities, wording
from agent.arguments import value_at
from agent.entities import Resolved
from agent.models.port import Request
from agent.spec import Entity
from agent.turn.calls import Calls
from agent.turn.scene import Choice, Scene
from bus.entries import ToolAnswered, Understood
from bus.message import Button

MOST_CHOICES = 8


def settled(scene: Scene) -> dict[str, list[str]]:
    """Values that this episode's earlier turns were about, oldest first: written by the customer, or used in calls."""
    found: dict[str, list[str]] = {name: [] for name in scene.spec.entities}
    for line in scene.lines:
        for name, value in _named(line.entry):
            if name in found and line.turn != scene.work.turn:
                found[name] = [*(item for item in found[name] if item != value), value]
    return found


def _named(entry: object) -> list[tuple[str, str]]:
    if isinstance(entry, Understood):
        return [(name, str(value)) for name, values in entry.entities.items() for value in _listed(values)]
    if isinstance(entry, ToolAnswered) and entry.status in ("ok", "error"):
        return [(name, str(value)) for name, value in entry.args.items() if isinstance(value, str | int)]
    return []


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


async def complete(scene: Scene, calls: Calls) -> None:
    """Give every request the values that its tools need, as far as rows can tell. Raises Stop when a look-up breaks down."""
    completed = []
    for request in scene.requests:
        filled = request
        for name in _wanted(scene, request):
            filled = await _completed(scene, calls, filled, name)
            scene.values.setdefault(name, []).extend(
                str(value)
                for value in _listed(filled.entities.get(name, ()))
                if str(value) not in scene.values.get(name, ())
            )
        completed.append(filled)
    scene.requests = completed


def _wanted(scene: Scene, request: Request) -> list[str]:
    """Entities that the request's tools require and its words do not name."""
    tools = [tool for tool in scene.tools().values() if request.intent in tool.intents]
    required = dict.fromkeys(name for tool in tools for name in tool.required if name not in tool.bind)
    held = dict.fromkeys(entities.called(name, scene.spec.entities) for name in required)
    return [name for name in held if name and not request.entities.get(name)]


async def _completed(scene: Scene, calls: Calls, request: Request, name: str) -> Request:
    entity = scene.spec.entities[name]
    here = _written_here(scene, name)
    rows = await _rows(scene, calls, entity.rows) if entity.rows else None
    if rows is None:
        return _with(request, name, here[0]) if len(here) == 1 else request
    found = _meant(scene, name, entity, request.text, rows)
    if found is None or found.verdict == "none":
        return request
    if found.verdict == "one":
        scene.looked_up += [str(value) for value in found.values if str(value) not in here]
        return _with(request, name, found.values[0])
    scene.choice = Choice(name, _buttons(scene, entity, found))
    return request


def _with(request: Request, name: str, value: Any) -> Request:
    return msgspec.structs.replace(request, entities={**request.entities, name: [value]})


async def _rows(scene: Scene, calls: Calls, where: str) -> list[Any] | None:
    """The rows to search, None when they cannot be had."""
    name, _, path = where.partition(".")
    tool = scene.spec.tools.get(name)
    if tool is None or tool.writes or tool.required or not scene.usable(tool):
        return None
    answer = await calls.run(name, {}, by_gateway=True)
    try:
        rows = value_at(answer.result, path) if answer.status == "ok" else None
    except KeyError:
        return None
    return rows if isinstance(rows, list) else None


def _meant(scene: Scene, name: str, entity: Entity, text: str, rows: list[Any]) -> Resolved | None:
    """None: nothing in the words tells rows apart, and the episode already has its value."""
    known, here = scene.values.get(name, []), _written_here(scene, name)
    if clauses.is_additive(text, scene.language):
        return _resolve(scene, name, entity, text, rows, {*known, *here})
    every = _resolve(scene, name, entity, "", rows, ())
    described = _resolve(scene, name, entity, text, rows, ())
    tells = described.verdict == "none" or len(described.values) < len(every.values)
    if len(here) == 1 and (not tells or here[0] in map(str, described.values)):
        return Resolved("one", (here[0],))
    if not tells:
        return None if known else described
    fresh = _resolve(scene, name, entity, text, rows, {*known, *here})
    return fresh if fresh.verdict != "none" else described


def _written_here(scene: Scene, name: str) -> list[str]:
    """Values that this message names somewhere, if not where they are needed."""
    return [str(value) for value in _listed(scene.understood.entities.get(name, ()))] if scene.understood else []


def _resolve(scene: Scene, name: str, entity: Entity, text: str, rows: list[Any], known: Any) -> Resolved:
    arguments = {argument for tool in scene.spec.tools.values() for argument in tool.arguments if argument == name}
    return entities.resolve(
        name, entity, text, rows, settled=known, now=scene.now, time_zone=scene.spec.time_zone, language=scene.language,
        arguments=arguments,
    )  # fmt: skip


def _buttons(scene: Scene, entity: Entity, found: Resolved) -> tuple[Button, ...]:
    pairs = zip(found.values[:MOST_CHOICES], found.rows, strict=False)
    return tuple(_button(scene, str(value), row, entity) for value, row in pairs)


def _button(scene: Scene, value: str, row: dict[str, Any], entity: Entity) -> Button:
    """A row by what its customer knows of it: its first words beside the value, the day and whatever else as the detail."""
    said = [str(row[field])[:40] for field in entity.match if isinstance(row.get(field), str) and row[field]]
    words = [text for text in said if not text[:4].isdigit()]
    days = [_day(scene, text) for text in said if text[:4].isdigit()]
    return Button(value, " · ".join([value, *words[:1]]), " · ".join([*days, *words[1:]]))


def _day(scene: Scene, text: str) -> str:
    try:
        return wording.day(text, scene.language, scene.spec.time_zone)
    except ValueError:
        return text
