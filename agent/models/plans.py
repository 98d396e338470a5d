"""Which calls would serve a request: the tools of its intent's plan, in the spec's order, reads before writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agent.forbidding import forbids
from agent.models.arguments import Filled, fill
from agent.models.port import Call, Facts, Prompt, Request, Result, ToolOffer
from agent.support import is_general

TRUSTED = 0.6
SURE = 0.8
"""How sure the reading of a request must be before something is written for it that it does not name."""


class Wish(NamedTuple):
    """A call that would serve a request, with its arguments as far as they are known."""

    request: Request
    offer: ToolOffer
    filled: Filled


def wishes(prompt: Prompt, request: Request) -> Iterator[Wish]:
    """The calls of a request's plan, one for each value it names."""
    offers = {offer.name: offer for offer in prompt.tools}
    for name in prompt.facts.plans.get(request.intent, ()):
        if name in offers:
            for filled in fill(prompt, offers[name], request):
                yield Wish(request, offers[name], filled)


def next_calls(prompt: Prompt) -> tuple[Call, ...]:
    """The reads that are still open; when there are none, the writes."""
    trusted = [request for request in prompt.facts.requests if request.confidence >= TRUSTED]
    ready = [wish for request in trusted for wish in wishes(prompt, request) if not wish.filled.missing]
    reads = [wish for wish in ready if wish.offer.effect == "read" and not _tried(prompt.facts, wish)]
    chosen = reads or [wish for wish in ready if wish.offer.effect == "write" and _may_write(prompt, wish)]
    unique = {repr((wish.offer.name, wish.filled.args)): wish for wish in chosen}
    start = sum(len(message.calls) for message in prompt.messages)
    return tuple(Call(f"call_{start + n}", w.offer.name, w.filled.args) for n, w in enumerate(unique.values(), 1))


def is_about(result: Result, wish: Wish) -> bool:
    """True when no argument that both have differs."""
    shared = result.args.keys() & wish.filled.args.keys()
    return all(str(result.args[key]) == str(wish.filled.args[key]) for key in shared)


def _tried(facts: Facts, wish: Wish) -> bool:
    return any(r.fresh and _is_this_call(r, wish) for r in facts.results)


def _is_this_call(result: Result, wish: Wish) -> bool:
    """Bound arguments are in the result and not in the wish."""
    args = wish.filled.args
    return result.tool == wish.offer.name and all(
        str(result.args.get(key)) == str(value) for key, value in args.items()
    )


def _is_named(request: Request) -> bool:
    """True when the customer wrote what it is about, and did not leave it to be looked up."""
    values = [
        item for value in request.entities.values() for item in (value if isinstance(value, list | tuple) else [value])
    ]
    return any(str(value) in request.text for value in values)


def _may_write(prompt: Prompt, wish: Wish) -> bool:
    """Once per turn, never what this episode has done, not after a read about it that failed, nor for a question how it is done."""
    facts = prompt.facts
    if forbids(wish.request.text) or not (wish.request.confidence >= SURE or _is_named(wish.request)):
        return False
    if any(_is_this_call(r, wish) and (r.fresh or r.status == "ok") for r in facts.results):
        return False
    effects = {offer.name: offer.effect for offer in prompt.tools}
    plan = facts.plans.get(wish.request.intent, ())
    reads = [
        r for r in facts.results if r.fresh and r.tool in plan and effects.get(r.tool) == "read" and is_about(r, wish)
    ]
    if any(r.status != "ok" for r in reads):
        return False
    answered = any(r.wording for r in reads) or any(passage.score >= TRUSTED for passage in facts.passages)
    return not (answered and not wish.request.entities and is_general(wish.request.text, facts.language))
