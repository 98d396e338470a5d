"""What the page `/log` reads: the gateway's operators' API, asked with the operator's token."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

ID = re.compile(r"[\w.:+@-]{1,200}")
PARAMETERS = ("channel", "owner", "q", "limit", "after")


@dataclass
class Logbook:
    """`gateway_url` is asked each time: it is known only once the gateway listens."""

    gateway_url: Callable[[], str]
    operator_token: str = field(repr=False)
    _http: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        base = "/demo/api/log/conversations"
        return [web.get(base, self.conversations), web.get(base + "/{id}/log", self.entries)]

    async def conversations(self, request: web.Request) -> web.Response:
        return await self._ask(request, "")

    async def entries(self, request: web.Request) -> web.Response:
        conversation = request.match_info["id"]
        if not ID.fullmatch(conversation):
            return web.json_response({"error": "unknown"}, status=404)
        return await self._ask(request, f"/{conversation}/log")

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _ask(self, request: web.Request, path: str) -> web.Response:
        query = {name: request.query[name] for name in PARAMETERS if name in request.query}
        headers = {"Authorization": f"Bearer {self.operator_token}"}
        url = f"{self.gateway_url()}/api/v1/conversations{path}"
        try:
            async with self._session().get(url, params=query, headers=headers) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return web.json_response({"error": "gateway_unreachable"}, status=502)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        return self._http
