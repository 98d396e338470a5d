"""Declared tools of MCP servers. A server's connection lives in a task of its own, since the SDK cancels whoever holds it when it dies.

No token is sent: an MCP server takes only tokens that were issued for it (its url or environment may carry one).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import structlog

from agent.arguments import recordable
from agent.spec import Mcp, Spec, Tool
from agent.tools.http import Reply
from bus.canonical import digest, encode

CONNECT = 5.0
CALL = 10.0
logger = structlog.get_logger(__name__)

Connect = Callable[[Mcp], AbstractAsyncContextManager[Any]]


class Offer(msgspec.Struct, frozen=True):
    """A tool as its server describes it."""

    description: str
    schema: dict[str, Any]


class McpServers:
    """The servers of the spec, connected when first needed and again after they were gone."""

    def __init__(self, connect: Connect | None = None) -> None:
        self._connect = connect or _connect
        self._servers: dict[str, _Server] = {}

    def _server(self, mcp: Mcp) -> _Server:
        key = mcp.url or "\0".join(mcp.command or ())
        if key not in self._servers:
            self._servers[key] = _Server(key.split("\0")[0], lambda: self._connect(mcp))
        return self._servers[key]

    async def resolve(self, spec: Spec) -> Spec:
        """The spec with the servers' own schemas and descriptions; tools whose server cannot be asked are left out."""
        tools: dict[str, Tool] = {}
        for name, tool in spec.tools.items():
            if tool.mcp is None:
                tools[name] = tool
            elif offer := (await self._server(tool.mcp).offers()).get(tool.mcp.tools[0]):
                tools[name] = _described(tool, offer)
        return (
            spec if all(tool.mcp is None for tool in spec.tools.values()) else spec.model_copy(update={"tools": tools})
        )

    async def call(self, mcp: Mcp, args: Mapping[str, Any], *, write: bool) -> Reply:
        """Call it. Never raises for what the server does; a writing call without an answer is unknown."""
        return await self._server(mcp).call(mcp.tools[0], args, write=write)

    async def drop(self) -> None:
        """End every connection; the next call opens them again."""
        for server in self._servers.values():
            await server.close()

    close = drop


class _Lost(Exception):
    """The call may have arrived; the answer did not."""


class _Server:
    """One server. What its tools are is asked once per connection; a tool that has changed since is not used any more."""

    def __init__(self, name: str, connect: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self._name = name
        self._connect = connect
        self._owner: asyncio.Task[None] | None = None
        self._client: asyncio.Future[Any] | None = None
        self._offers: dict[str, Offer] = {}
        self._first: dict[str, str] = {}
        self._opening = asyncio.Lock()

    async def offers(self) -> dict[str, Offer]:
        """Its tools by name; what was known before where it cannot be asked now."""
        with contextlib.suppress(OSError):
            await self._connected()
        return self._offers

    async def call(self, tool: str, args: Mapping[str, Any], *, write: bool) -> Reply:
        for attempt in (1,) if write else (1, 2):
            try:
                client = await self._connected()
            except OSError as error:
                return Reply("error", {"error": str(error)})
            try:
                return _judged(await _within(client.call_tool(tool, _plain(args), read_timeout_seconds=CALL), CALL + 1))
            except _Lost as error:
                logger.warning("mcp.call_lost", server=self._name, tool=tool, attempt=attempt)
                lost = str(error)
        return Reply("unknown" if write else "error", {"error": lost})

    async def _connected(self) -> Any:
        """The open connection. Raises OSError when there is none to be had."""
        async with self._opening:
            if self._owner is None or self._owner.done():
                self._client = asyncio.get_running_loop().create_future()
                self._owner = asyncio.create_task(self._hold(self._client), name=f"mcp {self._name}")
            waiting = self._client
        if waiting is None:
            raise OSError("the service cannot be reached")
        done, _ = await asyncio.wait({waiting}, timeout=CONNECT)
        if not done or waiting.cancelled() or waiting.exception() is not None:
            raise OSError("the service cannot be reached")
        return waiting.result()

    async def _hold(self, opened: asyncio.Future[Any]) -> None:
        """Keep the connection open until it breaks or is closed."""
        try:
            async with self._connect() as client:
                self._learn((await client.list_tools()).tools)
                opened.set_result(client)
                await asyncio.Event().wait()
        except BaseException as error:
            logger.warning("mcp.connection_ended", server=self._name, error=type(error).__name__)
            if not opened.done():
                opened.set_exception(OSError("the service cannot be reached"))
                opened.exception()
            current = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and current is not None and current.cancelling():
                raise

    def _learn(self, tools: list[Any]) -> None:
        found = {tool.name: Offer(tool.description or "", recordable(dict(tool.input_schema))) for tool in tools}
        for name, offer in list(found.items()):
            seen = digest([offer.description, offer.schema])
            if self._first.setdefault(name, seen) != seen:
                logger.error("mcp.tool_changed", server=self._name, tool=name)
                del found[name]
        self._offers = found

    async def close(self) -> None:
        if self._owner is not None:
            self._owner.cancel()
            await asyncio.wait({self._owner})


async def _within(call: Awaitable[Any], seconds: float) -> Any:
    """The call's answer, made in a task of its own, because a dying connection cancels the caller. Raises _Lost."""
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
    if not task.done() or task.cancelled() or task.exception() is not None:
        raise _Lost("the service did not answer")
    return task.result()


def _judged(answer: Any) -> Reply:
    text = "\n".join(part.text for part in answer.content if getattr(part, "type", "") == "text")
    if answer.is_error:
        return Reply("error", {"status": 422, "error": text[:4000]})
    structured = answer.structured_content
    fields = structured if isinstance(structured, dict) else {}
    return Reply("ok", recordable({**fields, "text": text}))


def _described(tool: Tool, offer: Offer) -> Tool:
    return tool.model_copy(update={"args": offer.schema, "description": tool.description or offer.description})


def _plain(args: Mapping[str, Any]) -> Any:
    """Arguments with JSON's own numbers."""
    return msgspec.json.decode(encode(dict(args)))


def _connect(mcp: Mcp) -> AbstractAsyncContextManager[Any]:
    """A client of the SDK, imported when the first server is needed."""
    from mcp import Client, StdioServerParameters

    if mcp.command is not None:
        return Client(StdioServerParameters(command=mcp.command[0], args=mcp.command[1:]), read_timeout_seconds=CALL)
    return Client(mcp.url or "", read_timeout_seconds=CALL)
