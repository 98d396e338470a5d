"""A chat-completions server as strict as OpenAI's: it answers what the script says, streamed or not, and refuses malformed requests."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

Json = dict[str, Any]
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KNOWN = frozenset({
    "model", "messages", "tools", "tool_choice", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "n",
    "stop", "user", "response_format", "parallel_tool_calls", "top_p", "seed",
})  # fmt: skip
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
PIECE = 7
"""Characters of one delta."""


@dataclass
class Reply:
    """One scripted answer. `calls` are (tool, arguments); a text as arguments is sent as it stands.

    `status` other than 200 answers an error; `cut` breaks the connection after so many deltas; `held` waits before the answer.
    """

    text: str = ""
    calls: list[tuple[str, Json | str]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = ""
    cut: int | None = None
    held: asyncio.Event | None = None
    usage: tuple[int, int] | None = (11, 7)


Script = Callable[[Json], Reply]


class OpenAI:
    """The server. Replies come from `script` in order; when it is empty, from `answer`, a function of the request."""

    def __init__(self, *script: Reply, answer: Script | None = None) -> None:
        self.script = list(script)
        self.answer = answer
        self.requests: list[Json] = []
        self.keys: list[str] = []
        self.refused: list[str] = []

    def app(self) -> web.Application:
        """To be served at any place; the API begins at `/v1`."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body: Json = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if wrong := problem(body):
            self.refused.append(wrong)
            return _error(400, wrong)
        if not self.keys[-1]:
            return _error(401, "You didn't provide an API key.")
        reply = self.script.pop(0) if self.script else self.answer(body) if self.answer else Reply("Hello.")
        if reply.held:
            await reply.held.wait()
        if reply.status != 200:
            return web.json_response(_failure("The server says no."), status=reply.status, headers=reply.headers)
        return await _stream(request, body, reply) if body.get("stream") else web.json_response(_whole(body, reply))


def problem(body: Json) -> str:
    """What OpenAI would refuse, "" for a good request."""
    if unknown := body.keys() - KNOWN:
        return f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}"
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "you must provide a model parameter"
    if "stream_options" in body and not body.get("stream"):
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if "max_tokens" in body and not (isinstance(body["max_tokens"], int) and body["max_tokens"] > 0):
        return "Invalid 'max_tokens'"
    return _tools_problem(body) or _messages_problem(body.get("messages"))


def _tools_problem(body: Json) -> str:
    names = set()
    for tool in body.get("tools", ()):
        function = tool.get("function", {})
        if tool.get("type") != "function" or not NAME.fullmatch(str(function.get("name", ""))):
            return f"Invalid tool: {tool}"
        try:
            Draft202012Validator.check_schema(function.get("parameters", {}))
        except SchemaError as error:
            return f"Invalid schema for function '{function['name']}': {error.message}"
        if function.get("parameters", {}).get("type", "object") != "object":
            return f"Invalid schema for function '{function['name']}': schema must be of type object"
        names.add(function["name"])
    if "tools" in body and not names:
        return "[] is too short - 'tools'"
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("function", {}).get("name") not in names:
        return "Tool choice does not name a tool of 'tools'"
    return "'tool_choice' is only allowed when 'tools' are specified" if choice and not names else ""


def _messages_problem(messages: Any) -> str:
    if not isinstance(messages, list) or not messages:
        return "[] is too short - 'messages'"
    waiting: list[str] = []
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in ROLES:
            return f"messages.{at}: invalid role {role!r}"
        if waiting and role != "tool":
            return (
                f"messages.{at}: an assistant message with 'tool_calls' must be followed by tool messages for {waiting}"
            )
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                return f"messages.{at}: 'tool' must be a response to a preceding message with 'tool_calls'"
            waiting.remove(message["tool_call_id"])
        if wrong := _content_problem(message):
            return f"messages.{at}: {wrong}"
        waiting += [call["id"] for call in message.get("tool_calls", ())]
    return f"no tool message for {waiting}" if waiting else ""


def _content_problem(message: Json) -> str:
    extra = message.keys() - {"role", "content", "name", "tool_calls", "tool_call_id"}
    if extra:
        return f"unknown fields {sorted(extra)}"
    for call in message.get("tool_calls", ()):
        function = call.get("function", {})
        if call.get("type") != "function" or not call.get("id") or not NAME.fullmatch(str(function.get("name", ""))):
            return f"invalid tool call {call}"
        try:
            json.loads(function.get("arguments", ""))
        except ValueError:
            return "tool call arguments are no JSON"
    if message.get("content") is None:
        return "" if message.get("tool_calls") else "content is null"
    return "" if isinstance(message["content"], str) else "content is no text"


def _calls(reply: Reply) -> list[tuple[str, str, str]]:
    return [
        (f"call_{at}", name, args if isinstance(args, str) else json.dumps(args))
        for at, (name, args) in enumerate(reply.calls, 1)
    ]


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _usage(reply: Reply) -> Json | None:
    if reply.usage is None:
        return None
    given, made = reply.usage
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _whole(body: Json, reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": args}}
            for id_, name, args in _calls(reply)
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(reply)}


def _head(body: Json, kind: str) -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": body["model"]}


async def _stream(request: web.Request, body: Json, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    sent = 0
    async for chunk in _chunks(body, reply):
        if reply.cut is not None and sent > reply.cut:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        sent += 1
    await response.write(b"data: [DONE]\n\n")
    return response


async def _chunks(body: Json, reply: Reply) -> AsyncIterator[Json]:
    head = _head(body, "chat.completion.chunk")

    def chunk(delta: Json, finish: str | None = None) -> Json:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for at in range(0, len(reply.text), PIECE):
        yield chunk({"content": reply.text[at : at + PIECE]})
    for index, (id_, name, args) in enumerate(_calls(reply)):
        start = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        yield chunk({"tool_calls": [start]})
        for at in range(0, len(args), PIECE):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": args[at : at + PIECE]}}]})
    yield chunk({}, _finish(reply))
    if body.get("stream_options", {}).get("include_usage") and reply.usage:
        yield {**head, "choices": [], "usage": _usage(reply)}


def _error(status: int, text: str) -> web.Response:
    return web.json_response(_failure(text), status=status)


def _failure(text: str) -> Json:
    return {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}}
