"""From a message to an ending: understood, gated, looked up, thought about, validated, weighed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from markupsafe import Markup

from agent import confidence, entities, policy, understanding, validation
from agent import prompt as prompts
from agent.confidence import Composed
from agent.models.port import Passage, Request
from agent.requests import Before
from agent.spec import Specialist
from agent.turn import asking, gates, telling, thinking, values
from agent.turn.calls import Calls
from agent.turn.ending import Band, Ending
from agent.turn.scene import Scene, Stop
from agent.turn.thinking import Thought
from bus.action import Action
from bus.entries import Decided, Retrieved, Understood
from bus.message import Button

PASSAGES, WIDER = 4, 10
SOCIAL = frozenset({"greeting", "thanks"})


async def answer(scene: Scene, ending: Ending, text: str, calls: Calls | None = None) -> None:
    """Serve a message to its end. Whatever cannot be served ends at a person."""
    calls = calls or Calls(scene)
    try:
        await understand(scene, text)
        gates.before_anything(scene, text)
        await _context(scene, calls)
        gates.by_rule(scene)
        profile = _profile(scene)
        gates.by_identity(scene)
        if not scene.requests and scene.intent in SOCIAL:
            _be_social(scene, ending)
            return
        await values.complete(scene, calls)
        await _decide(scene, ending, calls, text, profile)
    except Stop as stop:
        scene.journal.discard()
        scene.actions = [action for action in scene.actions if action.asks == "staff"]
        ending.hand_over(stop, telling.told_so_far(scene))
    for action in scene.actions:
        if action.what == "tool":
            ending.ask_for(action)


def _be_social(scene: Scene, ending: Ending) -> None:
    """A mere greeting or thanks: the gateway's own words, without a model."""
    composed = confidence.compose((), (), None, (), asks=False, social=True, knows=False)
    _say(scene, ending, asking.reply(scene, scene.intent), composed, "send", "")


async def understand(scene: Scene, text: str, *, plainly: bool = False) -> None:
    """Read the message, before any tool is picked. `plainly`: by code alone."""
    last, decided = scene.last(Understood), scene.last(Decided)
    customer = scene.conversation.customer
    missing = decided.parts.get("missing") if decided else None
    before = Before(
        scene.conversation.language,
        customer.locale if customer else "",
        last.intent if last else "",
        (missing,) if missing else (),
        scene.now,
    )
    reader = None if plainly else scene.parts.reader()
    lines = tuple(prompts.history(scene, text)[:-1][-6:])

    async def produce() -> Understood:
        return await understanding.read(scene.spec, text, before=before, lines=lines, model=reader)

    request = {
        "understand": text,
        "before": list(before),
        "spec": scene.version,
        "model": reader.name if reader else "",
    }
    scene.understood = await scene.step(request, produce)
    scene.language = scene.understood.language or scene.language
    scene.spend(scene.understood.cost, scene.understood.usage)
    scene.values = values.settled(scene)
    scene.requests = [msgspec.convert(found, Request) for found in scene.understood.requests]


async def _context(scene: Scene, calls: Calls) -> None:
    """At the start of an episode of an identified customer: the tools that tell who they are."""
    tried = {known.tool for known in scene.results}
    for name in scene.spec.context:
        tool = scene.spec.tools.get(name)
        if tool and name not in tried and scene.identity.known and scene.usable(tool) and not tool.writes:
            await calls.run(name, {}, by_gateway=True)


def _profile(scene: Scene) -> Specialist | None:
    """The specialist of the main request; the turn's tools are those of all its requests' profiles."""
    spec = scene.spec
    intents = [request.intent for request in scene.requests] or [scene.intent]
    names = [spec.specialist(intent) for intent in intents]
    if all(names):
        scene.profile_tools = frozenset(tool for name in names for tool in spec.specialists[name].tools)
    return spec.specialists.get(names[0])


async def _decide(scene: Scene, ending: Ending, calls: Calls, text: str, profile: Specialist | None) -> None:
    """Think, validate and weigh; what is held is tried once more with wider knowledge, then a person takes over."""
    model = scene.parts.models((profile.model if profile else None) or "")
    instructions = profile.instructions if profile else ""
    retry = ""
    for limit in (PASSAGES, WIDER):
        await _retrieve(scene, text, limit)
        thought = await thinking.think(scene, calls, text, model, instructions=instructions, retry=retry)
        if _finish(scene, ending, thought):
            return
        scene.journal.discard()
        retry = _advice(scene, thought)
    raise Stop("low_confidence")


async def _retrieve(scene: Scene, text: str, limit: int) -> None:
    if not scene.spec.knowledge:
        return
    query = " ".join(request.text for request in scene.requests) or text

    async def produce() -> Retrieved:
        passages = await scene.parts.knowledge.search(query, scene.language, limit)
        return Retrieved(query=query, passages=tuple(msgspec.to_builtins(passage) for passage in passages))

    found: Retrieved = await scene.step({"search": query, "language": scene.language, "limit": limit}, produce)
    scene.passages = tuple(msgspec.convert(passage, Passage, strict=False) for passage in found.passages)


def _finish(scene: Scene, ending: Ending, thought: Thought) -> bool:
    """End the turn with these words if they may be said; False when they are held."""
    checked = validation.check(thought.text, telling.sources(scene))
    missing = _missing(scene, checked.text)
    composed = confidence.compose(
        scene.results, scene.passages, thought.confidence, checked.problems,
        asks=bool(missing) or _is_question(checked.text), social=scene.intent in SOCIAL,
        knows=bool(scene.spec.knowledge),
    )  # fmt: skip
    band = _band(scene, composed.score)
    if checked.transfers and not checked.problems:
        raise Stop("low_confidence", detail="")
    if checked.problems or (band == "hold" and not scene.waits_for_person):
        return False
    if missing and scene.asks.get(missing, 0) >= (scene.spec.escalate.missing_after or 10**6):
        raise Stop("missing_data")
    _say(scene, ending, checked.text, composed, band, missing)
    return True


def _band(scene: Scene, score: float) -> Band:
    """The strictest band of the message's intents."""
    spec = scene.spec
    bands = {policy.band(score, spec, scene.channel, spec.category(intent), intent) for intent in scene.intents}
    return "hold" if "hold" in bands else "flag" if "flag" in bands else "send"


def _say(scene: Scene, ending: Ending, text: str, composed: Composed, band: Any, missing: str) -> None:
    """Decide what becomes of words that may be said."""
    text, buttons = _with_questions(scene, ending, _with_names(scene, _with_results(scene, text)))
    text = "\n\n".join(part for part in (scene.preface, text) if part)
    parts = {**composed.parts, **({"missing": missing} if missing else {})}
    score = composed.score
    held = scene.waits_for_person
    cards = telling.cards(scene)
    sources_named = tuple(dict.fromkeys(passage.source for passage in scene.passages))
    if scene.draft:
        ending.decided("draft", "draft", score, band, parts)
        ending.draft(text, "draft", cards)
        ending.changes["status"] = "waiting_staff"
        return
    if held:
        ending.decided("approve", "approve_replies", score, band, parts)
        ending.draft(text, "approve_replies", cards)
        ending.say(asking.reply(scene, "reply_wait"))
        ending.changes["status"] = "waiting_staff"
        return
    asks_staff = any(action.asks == "staff" for action in scene.actions)
    asks_customer = any(action.asks == "customer" for action in scene.actions)
    decision: Any = "confirm" if asks_customer else "approve" if asks_staff else "ask" if missing else band
    ending.decided(decision, missing or decision, score, band, parts)
    if missing and scene.choice and not buttons:
        buttons = scene.choice.buttons
    ending.say(text, buttons, sources_named, cards)
    ending.goes_out(band)
    ending.changes["status"] = "waiting_staff" if asks_staff and not asks_customer else "waiting_customer"


def _with_results(scene: Scene, text: str) -> str:
    """What was done in this turn is told, whatever the model left out."""
    done = [
        known for known in scene.results if known.fresh and known.status == "ok" and scene.spec.tools[known.tool].writes
    ]
    untold = [
        telling.done_words(scene, known)
        for known in done
        if not telling.tells(text, telling.done_words(scene, known), known)
    ]
    return "\n\n".join([*untold, text])


def _with_names(scene: Scene, text: str) -> str:
    """A value that was looked up is named, so that a wrong guess shows."""
    unnamed = [value for value in scene.looked_up if value.casefold() not in text.casefold()]
    return f"{', '.join(unnamed)}: {text}" if unnamed else text


def _with_questions(scene: Scene, ending: Ending, text: str) -> tuple[str, tuple[Button, ...]]:
    """This turn's question as recorded, or the one that is still open, at the end."""
    for action in (action for action in scene.actions if action.what == "tool"):
        if action.question and action.question not in text:
            text = f"{text}\n\n{action.question}".strip()
    if any(action.asks == "customer" for action in scene.actions):
        return text, asking.buttons(scene)
    return with_open_question(scene, ending, text)


def with_open_question(scene: Scene, ending: Ending, text: str) -> tuple[str, tuple[Button, ...]]:
    """The words with the customer's open question, if there is one, asked again at their end."""
    moved = {move.action for move in ending.moves}
    waiting = [action for action in scene.open_actions if _waits_for_customer(scene, action) and action.id not in moved]
    if not waiting or scene.draft:
        return text, ()
    ending.ask_for(waiting[-1])
    if waiting[-1].question in text:
        return text, asking.buttons(scene)
    again = asking.reply(scene, "repeat", question=Markup(waiting[-1].question))  # noqa: S704 - our own words, filled in before
    return f"{text}\n\n{again}".strip(), asking.buttons(scene)


def _waits_for_customer(scene: Scene, action: Action) -> bool:
    return action.state == "pending" and action.asks == "customer" and scene.now < action.expires_at


def _missing(scene: Scene, text: str) -> str:
    """The value that these words ask for, "" when they ask for none."""
    wanted = [name for request in scene.requests for name in _unknown(scene, request)]
    asked = [name for name in wanted if prompts.ask_for(scene, name) in text]
    return (asked or (wanted if _is_question(text) else []) or [""])[0]


def _unknown(scene: Scene, request: Request) -> Sequence[str]:
    tools = [tool for tool in scene.tools().values() if request.intent in tool.intents]
    required = dict.fromkeys(name for tool in tools for name in tool.required if name not in tool.bind)
    held = dict.fromkeys(entities.called(name, scene.spec.entities) or name for name in required)
    return [name for name in held if not request.entities.get(name) and not scene.values.get(name)]


def _is_question(text: str) -> bool:
    return text.rstrip(" *_)").endswith(("?", "？"))


def _advice(scene: Scene, thought: Thought) -> str:
    """What a second try is told about the first."""
    problems = validation.check(thought.text, telling.sources(scene)).problems
    return "Your last answer was not sent. " + ("; ".join(problems) or "It was not supported by results or knowledge.")
