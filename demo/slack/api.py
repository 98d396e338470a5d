"""Slack's servers as the app reaches them: `POST /api/{method}`, form-encoded or JSON, always HTTP 200; files; sockets."""

import json
from typing import Any

from aiohttp import web

from demo.faults import middleware
from demo.slack.books import SlackError
from demo.slack.message import Json
from demo.slack.methods import METHODS, SCOPES, Args, Method
from demo.slack.pictures import portrait
from demo.slack.workspace import Workspace

STRUCTURED = ("blocks", "metadata", "view", "attachments", "files")
WORKSPACE = web.AppKey("workspace", Workspace)
SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in to Slack</title></head><body>Sign in to Halden</body></html>"
MAX_UPLOAD = 20 * 1024 * 1024


def app(workspace: Workspace) -> web.Application:
    api = web.Application(middlewares=[middleware(workspace.faults)], client_max_size=MAX_UPLOAD)
    api[WORKSPACE] = workspace
    api.router.add_route("*", "/api/{method}", _serve)
    api.add_routes([
        web.get("/files-pri/{file}/{name}", _download),
        web.post("/upload/{file}", _upload),
        web.get("/avatars/{user}.svg", _portrait),
    ])  # fmt: skip
    if workspace.courier.sockets is not None:
        api.router.add_get("/link/", workspace.courier.sockets.link)
    return api


async def _serve(request: web.Request) -> web.Response:
    workspace = request.app[WORKSPACE]
    try:
        answer = await _answer(workspace, request)
    except SlackError as error:
        answer = _refusal(error)
    await workspace.faults.pause()
    status = 429 if answer.get("error") == "ratelimited" else 200
    headers = {"x-oauth-scopes": ",".join(s for s in SCOPES if s not in workspace.missing_scopes)}
    return web.json_response(answer, status=status, headers=headers | ({"Retry-After": "1"} if status == 429 else {}))


def _refusal(error: SlackError) -> Json:
    answer: Json = {"ok": False, "error": error.error}
    if error.messages:
        told = [f"[ERROR] {message}" for message in error.messages]
        answer |= {"errors": error.messages, "response_metadata": {"messages": told}}
    return answer


async def _answer(workspace: Workspace, request: web.Request) -> Json:
    method = METHODS.get(request.match_info["method"])
    if method is None:
        raise SlackError("unknown_method")
    args = await _arguments(request, method)
    _authorize(workspace, _token(request, args), method)
    return {"ok": True} | method.call(workspace, args)


async def _arguments(request: web.Request, method: Method) -> Args:
    args: Args = {key: _structured(key, value) for key, value in request.query.items()}
    if request.content_type == "application/json":
        return args if method.form_only else args | await _json(request)
    return args | {key: _structured(key, str(value)) for key, value in (await request.post()).items()}


async def _json(request: web.Request) -> Args:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return {key: _structured(key, value) if isinstance(value, str) else value for key, value in body.items()}


def _structured(key: str, value: str) -> Any:
    """Nested arguments may be JSON inside a string."""
    if key not in STRUCTURED:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackError("invalid_blocks_format" if key == "blocks" else f"invalid_{key}_format") from None


def _token(request: web.Request, args: Args) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else str(args.pop("token", ""))


def _authorize(workspace: Workspace, token: str, method: Method) -> None:
    if not token:
        raise SlackError("not_authed")
    if token not in (workspace.bot_token, workspace.app_token):
        raise SlackError("invalid_auth")
    if (token == workspace.app_token) != method.app_level:
        raise SlackError("not_allowed_token_type")
    if method.scope in workspace.missing_scopes:
        raise SlackError("missing_scope", f"needed: {method.scope}")


async def _download(request: web.Request) -> web.Response:
    """A shared file; without the token a sign-in page, with status 200 as Slack has it."""
    workspace = request.app[WORKSPACE]
    file = workspace.files.known.get(request.match_info["file"])
    if request.headers.get("Authorization") != f"Bearer {workspace.bot_token}":
        return web.Response(text=SIGN_IN, content_type="text/html")
    if file is None:
        raise web.HTTPNotFound
    return web.Response(body=file.content, content_type=file.mimetype)


async def _upload(request: web.Request) -> web.Response:
    """The bytes of a file whose upload the app has announced."""
    workspace, content = request.app[WORKSPACE], await request.read()
    if not workspace.files.fill(request.match_info["file"], content):
        raise web.HTTPBadRequest(text="not what was announced")
    return web.Response(text=f"OK - {len(content)}")


async def _portrait(request: web.Request) -> web.Response:
    member = request.app[WORKSPACE].people.get(request.match_info["user"])
    if member is None:
        raise web.HTTPNotFound
    return web.Response(text=portrait(member.real_name), content_type="image/svg+xml")
