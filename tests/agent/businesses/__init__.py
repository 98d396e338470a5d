"""Businesses that have nothing in common but the gateway: each a spec, knowledge, and a far end over HTTP with a ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Json = dict[str, Any]
Handler = Callable[[dict[str, str], Json], Json | None]


class FarEnd:
    """Routes by `METHOD /path/{name}`; what a handler is given are the names, the query and the body. None is a 404."""

    def __init__(self, routes: dict[str, Handler]) -> None:
        self.ledger: list[tuple[str, Json]] = []
        self._routes = routes

    def app(self) -> web.Application:
        app = web.Application()
        for route, handler in self._routes.items():
            method, path = route.split(" ")
            app.router.add_route(method, path, self._serve(route, handler))
        return app

    def _serve(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            body: Json = await request.json() if request.can_read_body else dict(request.query)
            answer = handler(dict(request.match_info), body)
            if answer is None:
                return web.json_response({"error": "not found"}, status=404)
            if request.method != "GET":
                self.ledger.append((route, {**request.match_info, **body}))
            return web.json_response(answer)

        return serve
