"""The HTTP server: mounts what the parts export, turns errors into statuses, and says how the process is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from aiohttp.web_log import AccessLogger

from bus.errors import Rejected, Unavailable
from bus.failpoint import failpoint
from bus.figures import Figures

LARGEST = 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


def problem(status: int, message: str, **headers: str) -> web.Response:
    """An error as JSON: what is wrong and what to do."""
    return web.Response(
        status=status, text=json.dumps({"error": message}), content_type="application/json", headers=headers or None
    )


def errors(figures: Figures) -> Middleware:
    """The middleware that makes a refusal a status and never lets an exception's text out."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await _answered(request, handler)
        except web.HTTPException as error:
            figures.count("gateway_http_answers", status=str(error.status), route=_route(request))
            raise
        figures.count("gateway_http_answers", status=str(answer.status), route=_route(request))
        return answer

    return middleware


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    failpoint("K1")
    try:
        return await handler(request)
    except Rejected as error:
        return _refusal(error)
    except Unavailable as error:
        return problem(503, str(error), **{"Retry-After": "1"})
    except ConnectionResetError:
        return web.Response(status=499)  # nobody hears it: the client has gone, and nginx' name for that is counted
    except (web.HTTPException, asyncio.CancelledError):
        raise
    except Exception:
        log.exception("http.failed", method=request.method, route=_route(request))
        return problem(500, "something went wrong here; it has been recorded")


async def _nameless(_: web.Request, response: web.StreamResponse) -> None:
    """Nobody learns what we run on."""
    response.headers["Server"] = "gateway"


def _refusal(error: Rejected) -> web.Response:
    """Who is not verified learns nothing, not even why."""
    if error.status in (401, 403):
        return web.Response(status=error.status)
    return problem(error.status, str(error), **({"Retry-After": "5"} if error.status in (429, 503) else {}))


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"


def application(
    routes: Iterable[web.AbstractRouteDef], figures: Figures, ready: Callable[[], Awaitable[bool]]
) -> web.Application:
    """The application with everybody's routes and `/healthz`, `/readyz`."""
    app = web.Application(middlewares=[errors(figures)], client_max_size=LARGEST)

    app.on_response_prepare.append(_nameless)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        good = await ready()
        return web.Response(status=200 if good else 503, text="ready\n" if good else "not ready\n")

    app.router.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), *routes])
    return app


class Served:
    """A listening server. `port` is the real one when 0 was asked for."""

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        self._runner = runner
        self.host = host
        self.port = port

    @classmethod
    async def listen(cls, app: web.Application, host: str, port: int) -> Served:
        """Open the port. Raises OSError when it is taken."""
        runner = web.AppRunner(
            app, access_log=None, access_log_class=AccessLogger, shutdown_timeout=2.0, keepalive_timeout=75.0
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, backlog=1024)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        return cls(runner, host, runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and end what is open."""
        await self._runner.cleanup()
