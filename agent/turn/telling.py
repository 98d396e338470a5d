"""What this turn may tell: results in words, and everything that words may stand on."""

from __future__ import annotations

from agent import prompt as prompts
from agent import validation
from agent.results import Known
from agent.turn import asking
from agent.turn.scene import Scene
from bus.canonical import encode
from bus.entries import AgentSaid, StaffSaid


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
    spec = scene.spec
    written = [
        known
        for known in scene.results
        if known.status == "ok" and known.tool in spec.tools and spec.tools[known.tool].writes
    ]
    asked = [spec.tools[action.tool].description for action in asking.waiting_calls(scene) if action.tool in spec.tools]
    said = [line.entry.text for line in scene.lines if isinstance(line.entry, AgentSaid | StaffSaid)]
    customers = [
        message.text for message in prompts.history(scene, " ".join(request.text for request in scene.requests))
    ]
    told: list[str] = [_told(known) for known in scene.results]
    told += [asking.say(scene, known) for known in scene.results]
    told += [f"{passage.heading}\n{passage.text}\n{passage.source}" for passage in scene.passages]
    told += [*said, *customers, spec.voice, *(action.question for action in asking.waiting_calls(scene))]
    told += [prompts.ask_for(scene, name) for name in spec.entities] + [
        button.label for button in (scene.choice.buttons if scene.choice else ())
    ]
    told += spec.replies.all_texts(scene.language, spec.language).values()
    names = [
        f"{known.tool} {spec.tools[known.tool].description} {_told(known)} {asking.say(scene, known)}"
        for known in written
    ]
    waiting = [*asked, *(f"{action.tool} {action.question}" for action in asking.waiting_calls(scene))]
    return validation.Sources("\n".join(names), "\n".join(told), "\n".join(waiting))


def _told(known: Known) -> str:
    return f"{encode(known.args).decode()} {encode(known.result).decode()}"
