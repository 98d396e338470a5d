"""What this turn may tell: results in words, and everything that words may stand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent import prompt as prompts
from agent import validation
from agent.results import Known
from agent.turn import asking
from agent.turn.scene import Scene
from bus.canonical import encode
from bus.entries import Spoken
from bus.message import Card

MOST_CARDS = 3


def tells(text: str, words: str, known: Known) -> bool:
    """True when the text tells this result: in the same words, or with its reference."""
    if words and words in text:
        return True
    fields = known.result.values() if isinstance(known.result, dict) else ()
    references = [str(value) for value in fields if isinstance(value, str) and any(sign.isdigit() for sign in value)]
    new = [value for value in references if value not in {str(arg) for arg in known.args.values()}]
    return bool(new) and any(value in text for value in new)


def done_words(scene: Scene, known: Known) -> str:
    """A successful call in words."""
    tool = scene.spec.tools.get(known.tool)
    return asking.say(scene, known) or asking.reply(scene, "done", action=asking.action_name(tool, known.tool))


def cards(scene: Scene) -> tuple[Card, ...]:
    """The link cards of what this turn has found and done, each once."""
    fresh = (known for known in scene.results if known.fresh and (known.by_model or scene.writes(known.tool)))
    found = (asking.card(scene, known) for known in fresh)
    return tuple(dict.fromkeys(card for card in found if card is not None))[:MOST_CARDS]


def told_so_far(scene: Scene) -> str:
    """What this turn has found and done, in its tools' words: said before a handover."""
    told = []
    for known in scene.results:
        if not (known.fresh and known.status == "ok"):
            continue
        if scene.writes(known.tool):
            told.append(done_words(scene, known))
        elif known.by_model:
            told.append(asking.say(scene, known))
    return "\n\n".join(dict.fromkeys(part for part in told if part))


def sources(scene: Scene) -> validation.Sources:
    """Everything a reply may stand on, as text."""
    waiting = asking.waiting_calls(scene)
    ok = [known for known in scene.results if known.status == "ok"]
    return validation.Sources(
        written="\n".join(_act(scene, known) for known in ok if scene.writes(known.tool)),
        found="\n".join(_facts(known.result) for known in ok),
        told="\n".join(_told(scene)),
        waiting="\n".join(f"{_described(scene, action.tool)} {action.question}" for action in waiting),
    )


def _act(scene: Scene, known: Known) -> str:
    return f"{_described(scene, known.tool)} {encode(known.args).decode()} {encode(known.result).decode()} {asking.say(scene, known)}"


def _described(scene: Scene, name: str) -> str:
    return f"{name} {scene.spec.tools[name].description if name in scene.spec.tools else ''}"


def _facts(value: Any) -> str:
    """A result's fields that say something: what is null, false or empty is not so."""
    if isinstance(value, dict):
        return " ".join(f"{key} {_facts(item)}" for key, item in value.items() if item)
    return " ".join(_facts(item) for item in value) if isinstance(value, list) else str(value)


def _told(scene: Scene) -> Iterator[str]:
    """Everything that stands anywhere: numbers, references and links in a reply must be among it."""
    spec, waiting = scene.spec, asking.waiting_calls(scene)
    for known in scene.results:
        yield f"{encode(known.args).decode()} {encode(known.result).decode()} {asking.say(scene, known)}"
    yield from (f"{passage.heading}\n{passage.text}\n{passage.source}" for passage in scene.passages)
    yield from (line.entry.text for line in scene.lines if isinstance(line.entry, Spoken))
    yield from (request.text for request in scene.requests)
    yield from (action.question for action in waiting)
    yield from (prompts.ask_for(scene, name) for name in spec.entities)
    yield from (button.label for button in (scene.choice.buttons if scene.choice else ()))
    yield from (spec.voice, *spec.replies.all_texts(scene.language, spec.language).values())
