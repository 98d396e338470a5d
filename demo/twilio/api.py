"""Twilio's servers as the app reaches them: HTTP basic auth, forms in, JSON out, errors with a code."""

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from demo.twilio.account import Account
from demo.twilio.message import API, Json, Message, TwilioError

ACCOUNT = web.AppKey("account", Account)
BASE = f"/{API}/Accounts/{{account}}"
LARGEST_PAGE = 1000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app(account: Account) -> web.Application:
    api = web.Application(middlewares=[_twilio])
    api[ACCOUNT] = account
    api.add_routes([
        web.post(f"{BASE}/Messages.json", _create),
        web.get(f"{BASE}/Messages.json", _list),
        web.get(f"{BASE}/Messages/{{sid}}.json", _fetch),
        web.get(f"{BASE}/Messages/{{sid}}/Media.json", _media),
        web.get(f"{BASE}/Messages/{{sid}}/Media/{{file}}", _file),
        web.post("/v2/Indicators/Typing.json", _typing),
        web.get("/v2/Channels/Senders", _senders),
        web.post("/v2/Channels/Senders/{sid}", _change_sender),
        web.get("/store/{sid}/{file}", _stored),
    ])  # fmt: skip
    return api


@web.middleware
async def _twilio(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Switched failures, basic auth, and errors as JSON."""
    account = request.app[ACCOUNT]
    if account.loses and request.method == "POST" and request.transport is not None:
        account.loses -= 1
        request.transport.close()
        raise web.HTTPServiceUnavailable
    try:
        _fail(account)
        if not request.path.startswith("/store/"):
            _authorize(request, account)
        answer = await handler(request)
    except TwilioError as error:
        retry = {"Retry-After": str(account.faults.retry_after)} if error.status in (429, 503) else {}
        answer = web.json_response(error.json(), status=error.status, headers=retry)
    if request.method == "POST":
        await account.faults.pause()
        if account.faults.drops() and request.transport is not None:
            request.transport.close()
    return answer


FAILURES = {
    429: (20429, "Too many requests"),
    503: (20503, "Service unavailable"),
    500: (20500, "Internal server error"),
}


def _fail(account: Account) -> None:
    if account.faults.down:
        raise TwilioError(503, *FAILURES[503])
    if account.faults.status_next:
        status = account.faults.status_next.pop(0)
        raise TwilioError(status, *FAILURES.get(status, (status, "Refused")))


def _authorize(request: web.Request, account: Account) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()
    if scheme != "Basic" or given != wanted:
        raise TwilioError(401, 20003, "Authenticate")
    if request.match_info.get("account", account.sid) != account.sid:
        raise TwilioError(404, 20404, "The requested resource was not found")


async def _form(request: web.Request) -> Any:
    if request.content_type != "application/x-www-form-urlencoded":
        raise TwilioError(400, 20001, "Expected application/x-www-form-urlencoded")
    return await request.post()


async def _create(request: web.Request) -> web.Response:
    form = await _form(request)
    media = [str(url) for url in form.getall("MediaUrl", [])]
    given = {name: str(value) for name, value in form.items()}
    return web.json_response(request.app[ACCOUNT].create(given, media).json(), status=201)


async def _list(request: web.Request) -> web.Response:
    """Newest first; `To`, `From`, `DateSent>`, `DateSent<`, `PageSize`, `Page`: …/message-resource#read-multiple-message-resources"""
    account, query = request.app[ACCOUNT], request.query
    size, page = min(int(query.get("PageSize", 50)), LARGEST_PAGE), int(query.get("Page", 0))
    wanted = account.listed(lambda message: _fits(message, query))
    here = wanted[page * size : (page + 1) * size]
    more = len(wanted) > (page + 1) * size
    following = urlencode({**query, "Page": page + 1, "PageToken": f"PASM{page}"})
    path = request.path
    return web.json_response({
        "messages": [message.json() for message in here], "page": page, "page_size": size, "uri": path, "start": page * size,
        "end": page * size + len(here) - 1, "first_page_uri": path, "previous_page_uri": None,
        "next_page_uri": f"{path}?{following}" if more else None,
    })  # fmt: skip


def _fits(message: Message, query: Any) -> bool:
    after, before = query.get("DateSent>"), query.get("DateSent<")
    return (
        query.get("To", message.to) == message.to
        and query.get("From", message.sender) == message.sender
        and (not after or message.at // 1000 >= _seconds(after))
        and (not before or message.at // 1000 <= _seconds(before))
    )


def _seconds(date: str) -> float:
    try:
        return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise TwilioError(400, 20001, "Invalid DateSent") from None


def _found(request: web.Request) -> Message:
    message = request.app[ACCOUNT].messages.get(request.match_info["sid"])
    if message is None:
        raise TwilioError(404, 20404, "The requested resource was not found")
    return message


async def _fetch(request: web.Request) -> web.Response:
    return web.json_response(_found(request).json())


async def _media(request: web.Request) -> web.Response:
    message = _found(request)
    files: list[Json] = [
        {"sid": file.sid, "parent_sid": message.sid, "content_type": file.content_type, "account_sid": message.account}
        for file in message.media
    ]
    return web.json_response(
        {"media_list": files, "page": 0, "page_size": 50, "next_page_uri": None, "uri": request.path}
    )


async def _file(request: web.Request) -> web.Response:
    """A file lies elsewhere: the answer leads there, and who brings our password along is sent away."""
    place = f"{request.app[ACCOUNT].store_url}/store/{request.match_info['sid']}/{request.match_info['file']}"
    return web.Response(status=307, headers={"Location": place})


async def _stored(request: web.Request) -> web.Response:
    if "Authorization" in request.headers:
        raise web.HTTPBadRequest(text="Only one auth mechanism allowed")
    message = request.app[ACCOUNT].messages.get(request.match_info["sid"])
    file = next((one for one in message.media if one.sid == request.match_info["file"]), None) if message else None
    if file is None:
        raise web.HTTPNotFound
    return web.Response(body=file.content, content_type=file.content_type)


async def _typing(request: web.Request) -> web.Response:
    form, account = await _form(request), request.app[ACCOUNT]
    message = account.messages.get(str(form.get("messageId", "")))
    if form.get("channel") != "whatsapp" or message is None or not message.inbound:
        raise TwilioError(400, 20001, "messageId must be that of a received WhatsApp message")
    account.typing.append(message.sid)
    account.tick(message, "read")
    account.announce({"typing": message})
    return web.json_response({"success": True})


async def _senders(request: web.Request) -> web.Response:
    if request.query.get("Channel") != "whatsapp":
        raise TwilioError(400, 20001, "Channel is required")
    meta = {"key": "senders", "page": 0, "page_size": 50, "next_page_url": None, "previous_page_url": None}
    return web.json_response({"senders": [request.app[ACCOUNT].sender()], "meta": meta})


async def _change_sender(request: web.Request) -> web.Response:
    account = request.app[ACCOUNT]
    if request.match_info["sid"] != account.sender_sid:
        raise TwilioError(404, 20404, "The requested resource was not found")
    if request.content_type != "application/json":
        raise TwilioError(400, 20001, "Expected application/json")
    webhook = (await request.json()).get("webhook") or {}
    account.webhook = webhook.get("callback_url", account.webhook)
    account.status_webhook = webhook.get("status_callback_url", account.status_webhook)
    return web.json_response(account.sender(), status=202)
