"""What a request says, read strictly; and what may be answered to whom."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web

from bus.errors import Rejected
from channels.cleaning import cleaned

LARGEST = 64 * 1024
LONGEST = 8000
PATIENCE = 20.0
TOKEN = re.compile(r"bearer +([A-Za-z0-9_-]{20,200})", re.IGNORECASE)
CLIENT_ID = re.compile(r"[\x21-\x7e]{1,128}")
UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MOST_FILES = 5
SEQ = re.compile(r"[0-9]{1,18}")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ORIGINS_TOLD = 100
IN_QUERY = frozenset({"session", "token", "access_token", "authorization", "bearer", "identity", "jwt"})
logger = structlog.get_logger(__name__)


class Refusal(Rejected):
    """An answer other than success. Without a message the body is empty: who is not verified learns nothing."""

    def __init__(self, status: int, message: str = "", **headers: str) -> None:
        super().__init__(status, message)
        self._said = message
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        """The answer."""
        if not self._said:
            return web.Response(status=self.status, headers=self._headers)
        text = json.dumps({"error": self._said})
        return web.Response(status=self.status, text=text, content_type="application/json", headers=self._headers)


def unknown() -> Refusal:
    """The token is missing, wrong or expired; which of them is nobody's business."""
    return Refusal(401, WWW_Authenticate="Bearer")


class Origins:
    """Whose pages may call: the listed ones and our own, compared whole. On this machine we have three names."""

    def __init__(self, allowed: tuple[str, ...], own: str) -> None:
        host = urlsplit(own).hostname
        ours = {own.replace(f"//{at}", f"//{other}") for at in LOOPBACK for other in LOOPBACK if at.strip("[]") == host}
        self._allowed = frozenset({*allowed, own, *ours})
        self._refused: set[str] = set()

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What tells a browser that this page may read the answer; nothing for a page that may not."""
        origins = request.headers.getall(hdrs.ORIGIN, [])
        if len(origins) != 1 or origins[0] not in self._allowed:
            return {hdrs.VARY: hdrs.ORIGIN}
        return {
            hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origins[0],
            hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: hdrs.RETRY_AFTER,
            hdrs.VARY: hdrs.ORIGIN,
        }

    def check(self, request: web.BaseRequest) -> None:
        """Raises Refusal for a page of a site that is not listed. A program that is no browser sends no Origin."""
        origins = request.headers.getall(hdrs.ORIGIN, [])
        if origins and (len(origins) > 1 or origins[0] not in self._allowed):
            self._tell(origins[0])
            raise Refusal(403)

    def _tell(self, origin: str) -> None:
        """Once for each, so that whoever puts the widget into a new site finds out why it is silent."""
        if origin not in self._refused and len(self._refused) < ORIGINS_TOLD:
            self._refused.add(origin)
            logger.warning("web.origin_refused", origin=origin[:200], hint="add it to allowed_origins")


class Message(NamedTuple):
    """The body of POST /web/messages: `text` and the ids of uploaded `files`, or a press of `button` on `message`."""

    id: str
    text: str = ""
    files: tuple[str, ...] = ()
    message: str = ""
    button: str = ""


def bearer(request: web.BaseRequest) -> str:
    """The token of the Authorization header, "" when there is none. Raises Refusal for anything else, and for one in the URL."""
    if any(name.lower() in IN_QUERY for name in request.query):
        raise Refusal(400, "a token belongs into the Authorization header, never into the URL")
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is None:
        return ""
    found = TOKEN.fullmatch(header.strip())
    if found is None:
        raise unknown()
    return found[1]


def last_event_id(request: web.BaseRequest) -> int | None:
    """The seq to resume after, None for a first visit. Raises Refusal."""
    header = request.headers.get("Last-Event-ID", "")
    if header and not SEQ.fullmatch(header):
        raise Refusal(400, "Last-Event-ID should be the id of an event, or 0")
    return int(header) if header else None


def network_address(request: web.BaseRequest) -> str:
    """Where the request came from: behind a proxy of our own network, what that proxy says."""
    near = request.remote or ""
    said = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ())).rpartition(",")[2].strip()
    return said if said and _is_private(near) and _is_address(said) else near


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


async def read(request: web.BaseRequest) -> bytes:
    """The body. Raises Refusal when it is no JSON by its own account, too large or too slow."""
    encoded = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity"
    if encoded or (request.can_read_body and request.content_type != "application/json"):
        raise Refusal(415, "the body should be application/json")
    if (request.content_length or 0) > LARGEST:
        raise Refusal(413, f"the body is larger than {LARGEST} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LARGEST:
                    raise Refusal(413, f"the body is larger than {LARGEST} bytes")
    except TimeoutError:
        raise Refusal(408, "the body did not arrive in time") from None
    return bytes(body)


def parse(body: bytes) -> Mapping[str, Any]:
    """The JSON object. Raises Refusal."""
    try:
        found = json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body should be JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "the body should be a JSON object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def identity(fields: Mapping[str, Any]) -> str:
    """The signed identity in the body of POST /web/sessions, "" when there is none. Raises Refusal."""
    found = fields.get("identity")
    if found is None:
        return ""
    if not isinstance(found, str) or not found:
        raise Refusal(400, "identity should be a signed JWT; leave it out for a visitor")
    return found


def message(fields: Mapping[str, Any]) -> Message:
    """The body of POST /web/messages; keys nobody knows are not looked at. Raises Refusal."""
    number = fields.get("id")
    if not isinstance(number, str) or not CLIENT_ID.fullmatch(number):
        raise Refusal(400, "id should be a text of 1 to 128 visible ASCII characters, made by the client")
    if (fields.keys() & {"text", "files"} == set()) == ("press" not in fields):
        raise Refusal(400, "the message should have either text, files or both, or press")
    if "press" in fields:
        return _press(number, fields["press"])
    files = _files(fields["files"]) if "files" in fields else ()
    wordless = files and fields.get("text", "") == ""
    return Message(number, "" if wordless else _text(fields.get("text")), files)


def _files(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_FILES:
        raise Refusal(400, f"files should be a list of 1 to {MOST_FILES} ids of uploads")
    if not all(isinstance(one, str) and UPLOAD_ID.fullmatch(one) for one in found):
        raise Refusal(400, "the id of an upload is a text of 1 to 64 letters, digits, _ and -")
    return tuple(dict.fromkeys(found))


def _text(found: object) -> str:
    text = cleaned(found).strip() if isinstance(found, str) else ""
    if not text:
        raise Refusal(400, "text should be a text that is not empty")
    if len(text) > LONGEST:
        raise Refusal(413, f"text is longer than {LONGEST} characters")
    return text


def _press(number: str, found: object) -> Message:
    if isinstance(found, dict):
        target, button = found.get("message"), found.get("button")
        if isinstance(target, str) and isinstance(button, str) and target and button:
            return Message(number, message=target, button=button)
    raise Refusal(400, "press should be {message, button}: the id of a message and of one of its buttons")
