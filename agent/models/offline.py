"""A model that needs no key and computes instead of reading: it calls the declared tools and words their results. It knows no scenario."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from agent.models.plans import next_calls
from agent.models.port import Answer, Prompt, Read, Reading
from agent.models.telling import tell

NAME = "offline"
WORD = re.compile(r"\S+\s*|\s+")


class Offline:
    """Deterministic: the same prompt gives the same answer, word by word."""

    name = NAME

    async def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """Calls while a tool can still tell or do something that was asked; then words."""
        calls = next_calls(prompt)
        if calls:
            yield Answer("", calls, NAME, confidence=min(request.confidence for request in prompt.facts.requests))
            return
        said = tell(prompt)
        for word in WORD.findall(said.text):
            yield word
        yield Answer(said.text, (), NAME, confidence=said.confidence)

    async def understand(self, reading: Reading) -> Read | None:  # noqa: ARG002 - the port's
        """None: the built-in reader stands."""
        return None
