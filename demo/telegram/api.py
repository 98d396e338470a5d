"""Telegram's servers as the bot reaches them: `/bot<token>/<method>`, urlencoded, multipart or JSON, and files."""

import re
from typing import Any

from aiohttp import web

from demo.telegram.formatting import Refused
from demo.telegram.messenger import Messenger
from demo.telegram.methods import METHODS, UPLOADS, Args, Upload, structured

Json = dict[str, Any]
MESSENGER = web.AppKey("messenger", Messenger)
TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


def app(messenger: Messenger) -> web.Application:
    api = web.Application(client_max_size=20 * 1024 * 1024)
    api[MESSENGER] = messenger
    api.router.add_route("*", "/bot{token}/{method}", _serve)
    api.router.add_get("/file/bot{token}/{path:.+}", _download)
    return api


async def _serve(request: web.Request) -> web.StreamResponse:
    messenger = request.app[MESSENGER]
    try:
        answer = {"ok": True, "result": await _answer(messenger, request)}
    except Refused as error:
        return _refusal(error)
    await messenger.faults.pause()
    if messenger.faults.drops() and request.transport is not None:
        request.transport.close()
    return web.json_response(answer)


def _refusal(error: Refused) -> web.Response:
    answer: Json = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        answer["parameters"] = error.parameters
    return web.json_response(answer, status=error.code)


async def _answer(messenger: Messenger, request: web.Request) -> Any:
    _authorize(messenger, request.match_info["token"])
    faults = messenger.faults
    if faults.down:
        raise Refused("Bad Gateway", 502)
    if faults.status_next:
        status = faults.status_next.pop(0)
        raise Refused(f"{status}", status, **({"retry_after": faults.retry_after} if status == 429 else {}))
    name = request.match_info["method"]
    method = METHODS.get(name.lower())
    if method is None:
        raise Refused("Not Found: method not found", 404)
    args = structured(await _arguments(request))
    messenger.calls.append((name, args))
    return await method(messenger, args)


def _authorize(messenger: Messenger, token: str) -> None:
    if not TOKEN.fullmatch(token):
        raise Refused("Not Found", 404)
    if token != messenger.token:
        raise Refused("Unauthorized", 401)


async def _arguments(request: web.Request) -> Args:
    args: Args = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise Refused("Bad Request: can't parse JSON object") from None
        return args | body if isinstance(body, dict) else args
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        uploads = {
            name: Upload(value.filename, value.file.read())
            for name, value in form.items()
            if isinstance(value, web.FileField)
        }
        return args | {name: value for name, value in form.items() if isinstance(value, str)} | {UPLOADS: uploads}
    return args


async def _download(request: web.Request) -> web.Response:
    """A file; whoever has the token may fetch it."""
    messenger = request.app[MESSENGER]
    content = messenger.files.get(request.match_info["path"].rpartition("/")[2])
    if request.match_info["token"] != messenger.token or content is None:
        return _refusal(Refused("Not Found", 404))
    return web.Response(body=content, content_type="application/octet-stream")
