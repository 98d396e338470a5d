"""The model's part of a turn: it is asked, its answer is recorded, its calls are guarded; until it has words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from agent import prompt as prompts
from agent.arguments import recordable
from agent.models.port import Answer, Call, Message, Model, ModelFailed, Prompt
from agent.turn.calls import Calls
from agent.turn.preview import Preview
from agent.turn.scene import Scene, Stop
from agent.turn.telling import sources
from bus.canonical import digest
from bus.entries import ModelReplied
from bus.failpoint import failpoint


class Thought(NamedTuple):
    """The model's final words, and its own score (None where it has none)."""

    text: str
    confidence: float | None


async def think(
    scene: Scene,
    calls: Calls,
    text: str,
    model: Model,
    *,
    instructions: str = "",
    retry: str = "",
) -> Thought:
    """Ask until there are words and no more calls. Raises Stop when a person must take over."""
    spoken: list[Message] = []
    for _ in range(scene.spec.budget.steps):
        scene.check_budget()
        prompt = prompts.build(scene, text, spoken, instructions=instructions, retry=retry)
        answer = await _asked(scene, model, prompt)
        if not answer.calls:
            return Thought(answer.text.strip(), answer.confidence)
        scene.journal.discard()
        spoken += await _answers(calls, answer)
    raise Stop("budget", "error")


async def _asked(scene: Scene, model: Model, prompt: Prompt) -> ModelReplied:
    async def produce() -> ModelReplied:
        began = scene.journal.now()
        left = max(1, scene.spec.budget.time - scene.milliseconds) / 1000
        try:
            async with asyncio.timeout(left):
                answer = await _reply(model, prompt, Preview(scene, sources(scene)))
        except (ModelFailed, TimeoutError) as error:
            return ModelReplied(
                model=model.name, error=str(error) or "no answer in time", milliseconds=scene.journal.now() - began
            )
        return _recorded(answer, scene.journal.now() - began)

    replied: ModelReplied = await scene.step(
        {"model": model.name, "prompt": digest(msgspec.to_builtins(prompt))}, produce
    )
    scene.spend(replied.cost, replied.usage, replied.milliseconds)
    if replied.error or not (replied.calls or replied.text.strip()):
        raise Stop("model_failed", "error")
    return replied


async def _reply(model: Model, prompt: Prompt, preview: Preview) -> Answer:
    failpoint("K8")
    async for part in model.reply(prompt):
        failpoint("K9")
        if isinstance(part, Answer):
            return part
        preview.hear(part)
    raise ModelFailed("the model ended without an answer")


def _recorded(answer: Answer, milliseconds: int) -> ModelReplied:
    calls = tuple(recordable({"id": call.id, "tool": call.tool, "args": call.args}) for call in answer.calls)
    return ModelReplied(
        model=answer.model,
        text=recordable(answer.text),
        calls=calls,
        usage=answer.usage,
        cost=answer.cost,
        milliseconds=milliseconds,
        confidence=None if answer.confidence is None else max(0.0, min(1.0, answer.confidence)),
    )


async def _answers(calls: Calls, answer: ModelReplied) -> Sequence[Message]:
    """The calls made, one after the other, and their answers as messages."""
    asked = tuple(Call(str(call["id"]), str(call["tool"]), dict(call["args"])) for call in answer.calls)
    told = [prompts.answer_message(call, await calls.run(call.tool, call.args)) for call in asked]
    return [Message("assistant", answer.text, calls=asked), *told]
