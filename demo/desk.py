"""What the page `/desk` asks the workspace: a live view of it, and what the chosen member does there."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from demo.slack.events import Delivery
from demo.slack.message import Json
from demo.slack.people import DESK, SARA
from demo.slack.workspace import SlackError, Workspace

PATIENCE = 3.5  # seconds a page waits for the app's answer; the event goes on being delivered after that
HEARTBEAT = 15.0  # seconds
BACKLOG = 1_000  # changes a slow page may lag behind


@dataclass
class Desk:
    workspace: Workspace
    _pages: set[asyncio.Queue[Json | None]] = field(default_factory=set)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.workspace.watchers.append(self._spread)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/demo/api/desk/events", self.events), web.post("/demo/api/desk/{verb}", self.act)]

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: a `snapshot`, then every change as `news`."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        with suppress(ConnectionResetError):  # the page has been closed
            async for line in self._feed():
                await stream.write(line)
        return stream

    async def act(self, request: web.Request) -> web.Response:
        """`POST {user, …}` as JSON, which no page of another origin can send."""
        verb = VERBS.get(request.match_info["verb"])
        if verb is None or request.content_type != "application/json":
            return web.json_response({"error": "unknown"}, status=404 if verb is None else 415)
        try:
            return web.json_response(await self._patiently(verb(self.workspace, await request.json())))
        except (SlackError, KeyError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    def close(self) -> None:
        """End the streams, so that the server can stop."""
        for page in self._pages:
            page.put_nowait(None)
        for task in self._tasks:
            task.cancel()

    async def _feed(self) -> AsyncIterator[bytes]:
        page: asyncio.Queue[Json | None] = asyncio.Queue(BACKLOG)
        self._pages.add(page)
        try:
            yield _event("snapshot", snapshot(self.workspace))
            while (line := await _next(page)) is not None:
                yield line
        finally:
            self._pages.discard(page)

    def _spread(self, news: Json) -> None:
        for page in self._pages:
            if page.qsize() < BACKLOG - 1:
                page.put_nowait(news)

    async def _patiently(self, doing: Awaitable[Delivery | None]) -> Json:
        """What the app answered, if it answers soon."""
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        delivery = task.result() if done else None
        return {"answers": delivery.answers, "body": delivery.body} if delivery else {}


async def _next(page: asyncio.Queue[Json | None]) -> bytes | None:
    """The next change; a comment when there is none for a while, so that a closed page is noticed; nothing at the end."""
    try:
        news = await asyncio.wait_for(page.get(), HEARTBEAT)
    except TimeoutError:
        return b": still here\n\n"
    return None if news is None else _event("news", news)


def _event(kind: str, data: Json) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def snapshot(workspace: Workspace) -> Json:
    rooms = [room.told() for room in workspace.rooms.values()]
    return {
        "members": {member.id: asdict(member) for member in workspace.people.values()},
        "channels": rooms,
        "messages": [workspace.drawn(message) for message in workspace.log],
        "channel": DESK,
        "member": SARA,
    }


async def _post(slack: Workspace, said: Json) -> None:
    thread, broadcast = said.get("thread_ts"), bool(said.get("broadcast"))
    await slack.post_as(said["user"], _words(said), channel=said["channel"], thread_ts=thread, broadcast=broadcast)


async def _edit(slack: Workspace, said: Json) -> None:
    await slack.edit_as(said["user"], said["ts"], _words(said), channel=said["channel"])


async def _delete(slack: Workspace, said: Json) -> None:
    await slack.delete_as(said["user"], said["ts"], channel=said["channel"])


async def _react(slack: Workspace, said: Json) -> None:
    """Add the reaction, or take it back."""
    given = slack.message(said["channel"], said["ts"]).reactions.get(said["name"], [])
    change = slack.unreact_as if said["user"] in given else slack.react_as
    await change(said["user"], said["ts"], said["name"], channel=said["channel"])


async def _press(slack: Workspace, said: Json) -> Delivery:
    return await slack.press(
        said["user"], said["ts"], said["action_id"], said.get("value"), channel=said["channel"]
    )  # fmt: skip


async def _submit(slack: Workspace, said: Json) -> Delivery:
    return await slack.submit(said["user"], said["view"], said["values"])


async def _cancel(slack: Workspace, said: Json) -> None:
    slack.close_view(said["view"])


def _words(said: Json) -> str:
    if not isinstance(said["text"], str) or not said["text"].strip():
        raise ValueError("no_text")
    return said["text"]


Verb = Callable[[Workspace, Json], Awaitable[Delivery | None]]
VERBS: dict[str, Verb] = {
    "post": _post, "edit": _edit, "delete": _delete, "react": _react, "press": _press, "submit": _submit,
    "cancel": _cancel,
}  # fmt: skip
