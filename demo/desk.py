"""What the page `/desk` asks the workspace: a live view of it, and what the chosen member does there."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from aiohttp import web

from demo.live import Live, download, upload
from demo.slack.events import Delivery
from demo.slack.message import Json
from demo.slack.people import DESK, SARA
from demo.slack.workspace import SlackError, Workspace


@dataclass
class Desk:
    workspace: Workspace

    def __post_init__(self) -> None:
        self.live = Live(lambda: snapshot(self.workspace))
        self.workspace.watchers.append(self.live.spread)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/demo/api/desk/events", self.live.events),
            web.post("/demo/api/desk/share", self.share),
            web.post("/demo/api/desk/{verb}", self.act),
            web.get("/demo/api/desk/files/{id}", self.file),
        ]

    async def act(self, request: web.Request) -> web.Response:
        """`POST {user, …}` as JSON, which no page of another origin can send."""
        verb = VERBS.get(request.match_info["verb"])
        if verb is None or request.content_type != "application/json":
            return web.json_response({"error": "unknown"}, status=404 if verb is None else 415)
        try:
            delivery = await self.live.patiently(verb(self.workspace, await request.json()))
        except (SlackError, KeyError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"answers": delivery.answers, "body": delivery.body} if delivery else {})

    async def share(self, request: web.Request) -> web.Response:
        """A file with or without words, in a channel or a thread."""
        slack, query = self.workspace, request.query
        try:
            picked = await upload(request)
            file = slack.files.keep(picked.name, picked.media_type, picked.content, slack.ids)
            channel, thread = query["channel"], query.get("thread_ts")
            posting = slack.post_as(
                query["user"], picked.text, channel=channel, thread_ts=thread,
                broadcast=query.get("broadcast") == "true", files=(file,),
            )  # fmt: skip
            await self.live.patiently(posting)
        except (SlackError, KeyError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({})

    async def file(self, request: web.Request) -> web.Response:
        file = self.workspace.files.known.get(request.match_info["id"])
        if file is None:
            raise web.HTTPNotFound
        return download(file.content, file.mimetype, file.name)


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
