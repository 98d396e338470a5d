"""A model that needs no key and computes instead of reading: it calls the declared tools and words their results. It knows no scenario."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

from agent.models.arguments import Filled, fill
from agent.models.port import Answer, Call, Facts, Passage, Prompt, Read, Reading, Request, Result, ToolOffer

NAME = "offline"
SUPPORTED = 0.5
"""Knowledge below this share of the question is no answer."""
SAID_BY_TOOL = 0.95
ASKING = 0.9
NOT_UNDERSTOOD = 0.3
WORD = re.compile(r"\S+\s*|\s+")


class Offline:
    """Deterministic: the same prompt gives the same answer, word by word."""

    name = NAME

    async def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """Calls while a tool can still tell or do something that was asked; then words."""
        calls = next_calls(prompt)
        if calls:
            yield Answer("", calls, NAME, confidence=_clarity(prompt.facts))
            return
        text, confidence = wording(prompt)
        for word in WORD.findall(text):
            yield word
        yield Answer(text, (), NAME, confidence=confidence)

    async def understand(self, reading: Reading) -> Read | None:
        """The built-in reader does this."""
        return None


class Wish(NamedTuple):
    """A call that would serve a request, with its arguments as far as they are known."""

    request: Request
    offer: ToolOffer
    filled: Filled


def next_calls(prompt: Prompt) -> tuple[Call, ...]:
    """The reads that are still open; when there are none, the writes."""
    wishes = [wish for request in prompt.facts.requests for wish in _wishes(prompt, request)]
    ready = [wish for wish in wishes if not wish.filled.missing]
    reads = [wish for wish in ready if wish.offer.effect == "read" and not _answered(prompt.facts, wish)]
    open_calls = reads or [wish for wish in ready if wish.offer.effect == "write" and _may_write(prompt, wish)]
    unique = {repr((wish.offer.name, wish.filled.args)): wish for wish in open_calls}
    start = len([call for message in prompt.messages for call in message.calls])
    return tuple(Call(f"call_{start + n}", w.offer.name, w.filled.args) for n, w in enumerate(unique.values(), 1))


def _wishes(prompt: Prompt, request: Request) -> Iterator[Wish]:
    offers = {offer.name: offer for offer in prompt.tools}
    for name in prompt.facts.plans.get(request.intent, ()):
        if name in offers:
            for filled in fill(offers[name], request, prompt.facts):
                yield Wish(request, offers[name], filled)


def _same_call(result: Result, wish: Wish) -> bool:
    """Bound arguments are in the result and not in the wish."""
    return result.tool == wish.offer.name and all(
        _equal(result.args.get(key), value) for key, value in wish.filled.args.items()
    )


def _equal(one: Any, other: Any) -> bool:
    return one == other or str(one) == str(other)


def _answered(facts: Facts, wish: Wish) -> bool:
    return any(result.fresh and _same_call(result, wish) for result in facts.results)


def _may_write(prompt: Prompt, wish: Wish) -> bool:
    """Once per turn, and not after a read of the same plan and values that failed or was refused."""
    if any(result.fresh and _same_call(result, wish) for result in prompt.facts.results):
        return False
    effects = {offer.name: offer.effect for offer in prompt.tools}
    plan = prompt.facts.plans.get(wish.request.intent, ())
    reads = [
        r
        for r in prompt.facts.results
        if r.fresh and r.tool in plan and effects.get(r.tool) == "read" and _about(r, wish)
    ]
    return all(result.status == "ok" for result in reads)


def _about(result: Result, wish: Wish) -> bool:
    shared = result.args.keys() & wish.filled.args.keys()
    return all(_equal(result.args[key], wish.filled.args[key]) for key in shared)


def wording(prompt: Prompt) -> tuple[str, float]:
    """The answer's words and how sure they are."""
    facts = prompt.facts
    said: list[str] = []
    sure: list[float] = []
    for text, confidence in [*_told(facts), *_open(prompt)]:
        if text and text not in said:
            said.append(text)
            sure.append(confidence)
    if not said:
        said, sure = [facts.replies.get("unclear", "")], [NOT_UNDERSTOOD]
    return "\n\n".join(said).strip(), min(sure)


def _told(facts: Facts) -> Iterator[tuple[str, float]]:
    """What the tools of this turn said, in order."""
    for result in facts.results:
        if result.fresh:
            yield _worded(facts, result), SAID_BY_TOOL


def _worded(facts: Facts, result: Result) -> str:
    if result.status == "ok":
        return result.wording or _plain(facts, result)
    if result.status == "asked":
        return result.because
    key = {"error": "failed", "refused": "refused", "unknown": "unknown"}[result.status]
    return result.wording or _filled(facts.replies.get(key, ""), action=_named(result.tool))


def _plain(facts: Facts, result: Result) -> str:
    """A result without `say`: its text, or its plain fields."""
    if isinstance(result.result, str):
        return result.result
    if isinstance(result.result, dict):
        flat = [
            f"{_named(key)}: {value}"
            for key, value in result.result.items()
            if isinstance(value, (str, int, float)) and not isinstance(value, bool)
        ]
        return "\n".join(f"- {line}" for line in flat[:8])
    return ""


def _named(name: str) -> str:
    return name.replace("_", " ")


def _filled(template: str, **values: str) -> str:
    for key, value in values.items():
        template = re.sub(rf"\{{\{{\s*{key}\s*\}}\}}", value.replace("\\", r"\\"), template)
    return template


def _open(prompt: Prompt) -> Iterator[tuple[str, float]]:
    """Per request what no tool has told: a question for what is missing, or knowledge."""
    facts = prompt.facts
    for request in facts.requests:
        wishes = list(_wishes(prompt, request))
        if any(not wish.filled.missing for wish in wishes):
            continue
        missing = next((name for wish in wishes for name in wish.filled.missing), "")
        passage = _passage(facts, request)
        if passage and (not missing or passage.score >= 0.8):
            yield _answer(passage, request, facts.language), min(0.95, passage.score + 0.15)
        elif missing:
            yield _question(facts, missing), ASKING
        else:
            yield facts.replies.get("unclear", ""), NOT_UNDERSTOOD
    if not facts.requests and not any(result.fresh for result in facts.results):
        yield facts.replies.get("greeting", ""), ASKING


def _question(facts: Facts, missing: str) -> str:
    return facts.ask.get(missing) or _filled(facts.replies.get("ask", ""), name=_named(missing))


def _passage(facts: Facts, request: Request) -> Passage | None:
    best = max(facts.passages, key=lambda passage: passage.score, default=None)
    return best if best and best.score >= SUPPORTED else None


def _answer(passage: Passage, request: Request, language: str) -> str:
    return passage.text


def _clarity(facts: Facts) -> float:
    return min((request.confidence for request in facts.requests), default=NOT_UNDERSTOOD)
