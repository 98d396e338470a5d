"""When a person takes over before anything is tried: asked for, human-only, upset, too long, or by a rule."""

from __future__ import annotations

import re
import unicodedata

from agent import policy
from agent.turn.calls import needs_identity
from agent.turn.scene import Scene, Stop

PHRASES = (
    "talk to a human", "talk to a person", "speak to a human", "speak to a person", "speak with a human", "speak with a person",
    "talk to someone real", "real person", "real human", "human agent", "human being please", "live agent", "speak to an agent",
    "talk to an agent", "representative please", "speak to someone from the team", "talk to someone from the team",
    "hablar con una persona", "hablar con un humano", "hablar con alguien", "agente humano", "persona real", "un humano por favor",
    "mit einem menschen", "mit einer person sprechen", "echten menschen", "echte person", "menschlichen mitarbeiter",
    "mit jemandem sprechen",
    "parler à un humain", "parler à une personne", "parler à quelqu'un", "un vrai humain", "une vraie personne", "un conseiller humain",
    "falar com uma pessoa", "falar com um humano", "falar com alguém", "pessoa real", "atendente humano", "agente humano",
)  # fmt: skip


def before_anything(scene: Scene, text: str) -> None:
    """Raises Stop where a person takes over whatever else is known."""
    escalate = scene.spec.escalate
    if asks_for_person(text, (*escalate.phrases, *PHRASES)):
        raise Stop("asked_for_person")
    if any(scene.spec.intents[intent].human for intent in scene.intents if intent in scene.spec.intents):
        raise Stop("human_only")
    mood = scene.understood.sentiment.get("score", 0.0) if scene.understood else 0.0
    if escalate.sentiment_below is not None and mood < escalate.sentiment_below:
        raise Stop("sentiment")
    if escalate.turns is not None and scene.turns_before >= escalate.turns:
        raise Stop("turns")


def by_rule(scene: Scene) -> None:
    """Raises Stop where a rule of the spec holds; rules about what is not known yet wait."""
    for intent in scene.intents:
        variables = {**scene.variables(), "intent": intent, "category": scene.spec.category(intent)}
        if reason := policy.escalation(scene.spec.escalate.rules, variables, scene.absent(variables)):
            raise Stop(reason)


def by_identity(scene: Scene) -> None:
    """Raises Stop where all the tools of a request need an identity that this conversation does not have."""
    for intent in scene.intents:
        wanted = [tool for name, tool in scene.spec.tools.items() if intent in tool.intents and scene.has(name)]
        if wanted and all(needs_identity(tool) and not scene.usable(tool) for tool in wanted):
            raise Stop("identity_required", "identity_required")


def asks_for_person(text: str, phrases: tuple[str, ...]) -> bool:
    """True when the message holds one of the phrases, as words."""
    said = f" {_plain(text)} "
    return any(f" {_plain(phrase)} " in said for phrase in phrases if phrase.strip())


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w\s']", " ", text).split())
