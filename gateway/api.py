"""`/api/v1`: what operators and their programs may see and do, with the operator token as bearer."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import web

from bus.action import Action
from bus.canonical import encode
from bus.entries import Recorded
from bus.errors import Rejected
from bus.store import Tenant, actions, conversations, log
from bus.store.conversations import Item
from gateway import openapi

LIMIT, MOST = 50, 500
OWNERS = frozenset({"", "agent", "staff"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Operations(Protocol):
    """What the API asks of the running gateway."""

    def channels(self) -> list[dict[str, Any]]:
        """The state of each channel."""

    def tools(self) -> list[dict[str, Any]]:
        """The closed list of what the agent can do."""

    async def versions(self) -> list[dict[str, Any]]:
        """Versions of the spec, the live one marked."""

    async def publish(self, version: str) -> dict[str, Any]:
        """Make a version live. Raises KeyError when there is none."""


def answer(value: Any, status: int = 200) -> web.Response:
    """JSON with numbers as they were recorded."""
    return web.Response(body=encode(value), status=status, content_type="application/json")


def line(recorded: Recorded) -> dict[str, Any]:
    """A line of the log as the outside sees it: `{seq, at, kind, episode, turn, …}`."""
    stands = {
        "seq": recorded.seq,
        "at": recorded.at,
        "kind": recorded.kind,
        "episode": recorded.episode,
        "turn": recorded.turn,
    }
    return {**msgspec.structs.asdict(recorded.entry), **stands}


class Api:
    """The handlers. `tokens` are the operator tokens that open it; none: nobody gets in."""

    def __init__(self, tenant: Tenant, tokens: Callable[[], Sequence[str]], operations: Operations) -> None:
        self._tenant = tenant
        self._tokens = tokens
        self._operations = operations

    def routes(self) -> list[web.RouteDef]:
        """Every route, each behind the token."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/api/v1/conversations", self.conversations),
            ("GET", "/api/v1/conversations/{id}", self.conversation),
            ("GET", "/api/v1/conversations/{id}/log", self.log),
            ("GET", "/api/v1/approvals", self.approvals),
            ("GET", "/api/v1/approvals/{id}", self.approval),
            ("GET", "/api/v1/channels", self.channels),
            ("GET", "/api/v1/channels/{name}", self.channel),
            ("GET", "/api/v1/tools", self.tools),
            ("GET", "/api/v1/specs", self.specs),
            ("POST", "/api/v1/specs/{id}/publish", self.publish),
        ]
        guarded = [web.route(method, path, self._guarded(handler)) for method, path, handler in table]
        return [web.get("/api/openapi.json", self.openapi), *guarded]

    async def openapi(self, _: web.Request) -> web.Response:
        """What all of this is, without a token: it says nothing about anybody."""
        return answer(openapi.document())

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            known = [token.encode() for token in self._tokens()]
            good = [hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token) for token in known]
            if scheme.lower() != "bearer" or not any(good):
                raise Rejected(401, "the operator token is needed as bearer")
            return await handler(request)

        return guarded

    async def conversations(self, request: web.Request) -> web.Response:
        """One page of conversations, newest first."""
        asked = {name: request.query.get(name, "") for name in ("channel", "owner", "q", "after")}
        if asked["owner"] not in OWNERS:
            raise Rejected(400, "owner is agent or staff")
        try:
            items, following = await self._tenant.read(conversations.page, limit=_limit(request), **asked)
        except ValueError as error:
            raise Rejected(400, str(error)) from error
        return answer({"items": items, "next": following})

    async def conversation(self, request: web.Request) -> web.Response:
        """One conversation."""
        return answer(await self._found(request))

    async def _found(self, request: web.Request) -> Item:
        found = await self._tenant.read(conversations.item, request.match_info["id"])
        if found is None:
            raise Rejected(404, "no such conversation")
        return found

    async def log(self, request: web.Request) -> web.Response:
        """The log of one conversation, oldest first, from `after` on."""
        found, limit = await self._found(request), _limit(request, 200)
        after = _number(request, "after", 0)
        lines = await self._tenant.read(log.after, found.id, after, limit + 1)
        shown = [line(recorded) for recorded in lines[:limit]]
        return answer({"items": shown, "next": shown[-1]["seq"] if len(lines) > limit else None})

    async def approvals(self, request: web.Request) -> web.Response:
        """Actions that wait, or that are in the state asked for."""
        after, state = request.query.get("after", ""), request.query.get("state", "")
        limit = _limit(request)
        found = await self._tenant.read(actions.page, state=state, limit=limit + 1, after=after)
        items = [_approval(action) for action in found[:limit]]
        return answer({"items": items, "next": items[-1]["id"] if len(found) > limit else None})

    async def approval(self, request: web.Request) -> web.Response:
        """One action."""
        found = await self._tenant.read(actions.one, request.match_info["id"])
        if found is None:
            raise Rejected(404, "no such approval")
        return answer(_approval(found))

    async def channels(self, _: web.Request) -> web.Response:
        """The state of each channel."""
        return answer({"items": self._operations.channels()})

    async def channel(self, request: web.Request) -> web.Response:
        """The state of one channel."""
        for item in self._operations.channels():
            if item["name"] == request.match_info["name"]:
                return answer(item)
        raise Rejected(404, "no such channel")

    async def tools(self, _: web.Request) -> web.Response:
        """The closed list of what the agent can do."""
        return answer({"items": self._operations.tools()})

    async def specs(self, _: web.Request) -> web.Response:
        """Versions of the spec."""
        return answer({"items": await self._operations.versions()})

    async def publish(self, request: web.Request) -> web.Response:
        """Make a version live: forward or back."""
        try:
            return answer(await self._operations.publish(request.match_info["id"]))
        except KeyError as error:
            raise Rejected(404, "no such version") from error


def _approval(action: Action) -> dict[str, Any]:
    return msgspec.structs.asdict(action)


def _limit(request: web.Request, default: int = LIMIT) -> int:
    limit = _number(request, "limit", default)
    if not 1 <= limit <= MOST:
        raise Rejected(400, f"limit is a number from 1 to {MOST}")
    return limit


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 18:
        raise Rejected(400, f"{name} is a whole number")
    return int(text)
