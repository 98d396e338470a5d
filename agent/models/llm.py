"""Language models through litellm: its one door. Imported only when a model is configured, and then off the loop.

litellm would call home for prices when imported, retry in secret (a timeout of 0.3 s then takes 2.3 s), and hide the server's words
behind its own classes: so the price map is the bundled one, retries are ours, and errors are told apart by status.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from agent.models.port import Answer, Call, Message, ModelFailed, Prompt, Read, Reading
from agent.models.reading import UNDERSTAND, asked, schema, understood

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT = 5.0
"""Seconds that a server may tell us to wait; longer means the next model."""
FIRST_WAIT = 0.4
UNREADABLE = "__invalid__"
"""The one argument of a call whose arguments are no JSON object: the tool's schema refuses it."""

Sleep = Callable[[float], Awaitable[None]]


class Llm:
    """A model by its litellm name (`anthropic/claude-sonnet-5`, `openai/x` with `api_base`), with others to fall back on.

    `timeout` in seconds bounds a whole answer. `retries` are made per model, on 429 and 5xx, before the first word only.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        fallbacks: Sequence[str] = (),
        timeout: float = 60.0,
        retries: int = 1,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self._api_base = api_base
        self._names = (name, *fallbacks)
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep

    async def warm(self) -> None:
        """Imports litellm (2 to 5 s) in a thread, so that no customer waits for it."""
        await asyncio.to_thread(_litellm)

    async def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """The model's words as they come, then its whole answer. Raises ModelFailed."""
        await self.warm()
        deadline = asyncio.get_running_loop().time() + self._timeout
        request = {"messages": _messages(prompt), "max_tokens": prompt.max_tokens, "tools": _tools(prompt) or None}
        name, stream = await self._opened(request, deadline)
        heard = _Heard(name)
        try:
            async for chunk in _within(stream, deadline):
                if word := heard.take(chunk):
                    yield word
        except Exception as error:
            raise ModelFailed(_reason(error)) from error
        finally:
            await _close(stream)
        yield heard.answer()

    async def understand(self, reading: Reading) -> Read | None:
        """The message read through one forced function call; None when the answer is unusable or none came."""
        await self.warm()
        deadline = asyncio.get_running_loop().time() + self._timeout
        system, user = asked(reading)
        request = {
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "tools": [_function(UNDERSTAND, "Records what the message means.", schema(reading))],
            "tool_choice": {"type": "function", "function": {"name": UNDERSTAND}},
            "max_tokens": 1024,
        }
        try:
            name, response = await self._tried(lambda name: self._call(name, request, deadline, stream=False))
            raw = response.choices[0].message.tool_calls[0].function.arguments
        except (ModelFailed, AttributeError, IndexError, TypeError):
            return None
        usage = _usage(getattr(response, "usage", None))
        return understood(raw, reading, name, usage, _cost(name, usage))

    async def _opened(self, request: dict[str, Any], deadline: float) -> tuple[str, Any]:
        """A stream that has said something, from the first model that answers."""
        options = {**request, "stream_options": {"include_usage": True}}
        return await self._tried(lambda name: self._started(name, options, deadline))

    async def _started(self, name: str, request: dict[str, Any], deadline: float) -> _Started:
        stream = await self._call(name, request, deadline, stream=True)
        try:
            async with asyncio.timeout_at(deadline):
                return _Started(await anext(stream), stream)
        except StopAsyncIteration:
            raise ModelFailed("empty answer") from None

    async def _call(self, name: str, request: dict[str, Any], deadline: float, *, stream: bool) -> Any:
        litellm = await asyncio.to_thread(_litellm)
        left = max(0.05, deadline - asyncio.get_running_loop().time())
        async with asyncio.timeout_at(deadline):
            return await litellm.acompletion(
                model=name,
                stream=stream,
                max_retries=0,
                timeout=left,
                drop_params=True,
                **self._access(name),
                **_given(request),
            )

    def _access(self, name: str) -> dict[str, str]:
        """Where and with which key; litellm finds the providers' own keys in the environment."""
        if not self._api_base or name.partition("/")[0] != self.name.partition("/")[0]:
            return {}
        return {"api_base": self._api_base, "api_key": os.environ.get("OPENAI_API_KEY") or "none"}

    async def _tried(self, attempt: Callable[[str], Awaitable[Any]]) -> tuple[str, Any]:
        """The first answer: each model in turn, each tried again where trying again may help. Raises ModelFailed."""
        failed: Exception = ModelFailed("no model")
        for name in self._names:
            for trial in range(self._retries + 1):
                try:
                    return name, await attempt(name)
                except Exception as error:  # noqa: BLE001 - litellm raises openai's, httpx's and its own classes
                    failed = error
                wait = _wait(failed, trial)
                if wait is None or trial == self._retries:
                    break
                await self._sleep(wait)
        raise ModelFailed(_reason(failed)) from failed


class _Started:
    """A stream whose first chunk was already taken."""

    def __init__(self, first: Any, rest: Any) -> None:
        self._first = [first]
        self._rest = rest

    def __aiter__(self) -> _Started:
        return self

    async def __anext__(self) -> Any:
        return self._first.pop() if self._first else await anext(self._rest)

    async def aclose(self) -> None:
        """Closes the connection of an answer that nobody wants any more."""
        close = getattr(self._rest, "aclose", None)
        if close:
            await close()


class _Heard:
    """A streamed answer, put together: words, calls by index, usage."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.text: list[str] = []
        self.calls: dict[int, dict[str, str]] = {}
        self.usage: dict[str, int] = {}
        self.ended = ""

    def take(self, chunk: Any) -> str:
        """Takes a chunk in; returns its words."""
        self.usage = _usage(getattr(chunk, "usage", None)) or self.usage
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.ended = choice.finish_reason or self.ended
        for part in choice.delta.tool_calls or ():
            self._take_call(part)
        word: str = choice.delta.content or ""
        self.text.append(word)
        return word

    def _take_call(self, part: Any) -> None:
        call = self.calls.setdefault(part.index, {"id": "", "tool": "", "args": ""})
        call["id"] = part.id or call["id"]
        call["tool"] += part.function.name or ""
        call["args"] += part.function.arguments or ""

    def answer(self) -> Answer:
        """The whole of it. Raises ModelFailed for an empty or a withheld one."""
        text = "".join(self.text).strip()
        calls = tuple(
            Call(c["id"] or f"call_{at}", c["tool"], _arguments(c["args"]))
            for at, c in sorted(self.calls.items())
            if c["tool"]
        )
        if self.ended == "content_filter" or not (text or calls):
            raise ModelFailed("withheld answer" if self.ended == "content_filter" else "empty answer")
        return Answer(text, calls, self.model, self.usage, _cost(self.model, self.usage))


async def _within(stream: Any, deadline: float) -> AsyncIterator[Any]:
    """The stream's chunks, none of them after the deadline. The wait is bounded, not what the reader does between two chunks."""
    while True:
        async with asyncio.timeout_at(deadline):
            try:
                chunk = await anext(stream)
            except StopAsyncIteration:
                return
        yield chunk


async def _close(stream: Any) -> None:
    try:
        await stream.aclose()
    except Exception:  # noqa: BLE001 - a broken connection cannot be closed any better
        logging.getLogger(__name__).debug("model_stream_close_failed")


def _given(request: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in request.items() if value is not None}


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    """OpenAI's shape, built by hand: litellm's own dump would carry provider fields into the next request."""
    return [{"role": "system", "content": prompt.instructions}, *(_message(message) for message in prompt.messages)]


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    if not message.calls:
        return {"role": message.role, "content": message.text}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.tool, "arguments": msgspec.json.encode(call.args).decode()},
        }
        for call in message.calls
    ]
    return {"role": message.role, "content": message.text or None, "tool_calls": calls}


def _tools(prompt: Prompt) -> list[dict[str, Any]]:
    return [_function(offer.name, offer.description, offer.parameters) for offer in prompt.tools]


def _function(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _arguments(raw: str) -> dict[str, Any]:
    try:
        args = msgspec.json.decode(raw or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return {UNREADABLE: raw[:200]}
    return args


def _usage(usage: Any) -> dict[str, int]:
    if usage is None:
        return {}
    return {
        "input": int(getattr(usage, "prompt_tokens", 0) or 0),
        "output": int(getattr(usage, "completion_tokens", 0) or 0),
    }


def _cost(name: str, usage: dict[str, int]) -> Decimal:
    """USD by the bundled price map; 0 for a model that is not in it."""
    try:
        parts = _litellm().cost_per_token(
            model=name, prompt_tokens=usage.get("input", 0), completion_tokens=usage.get("output", 0)
        )
    except Exception:  # noqa: BLE001 - litellm raises a bare Exception for a model without a price
        return Decimal(0)
    return sum((Decimal(str(part)) for part in parts), Decimal(0))


def _wait(error: Exception, trial: int) -> float | None:
    """Seconds until trying again may help; None when it will not."""
    status = getattr(error, "status_code", None)
    if isinstance(error, TimeoutError) or status not in RETRIED:
        return None
    headers = getattr(error, "litellm_response_headers", None) or getattr(
        getattr(error, "response", None), "headers", {}
    )
    try:
        wait = float(headers.get("retry-after", ""))
    except ValueError:
        wait = FIRST_WAIT * 2**trial
    return wait if wait <= LONGEST_WAIT else None


def _reason(error: Exception) -> str:
    """A failure without anybody's words in it: the class and the status."""
    if isinstance(error, ModelFailed):
        return str(error)
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__


@cache
def _litellm() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.turn_off_message_logging = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return litellm
