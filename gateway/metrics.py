"""`GET /metrics`: counters of this process and the length of the lines, in Prometheus' text format. No names, no versions."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bus.figures import Figures
from bus.store import Tenant, Transaction


def backlog(tx: Transaction, now: int) -> dict[str, float]:
    """How many rows wait at each end of the pipe."""
    inbox, outbox = tx.one("inbox_backlog", now=now), tx.one("outbox_backlog")
    return {
        "gateway_inbox_waiting": float(inbox["waiting"] if inbox else 0),
        "gateway_outbox_waiting": float(outbox["waiting"] if outbox else 0),
    }


def route(figures: Figures, tenant: Tenant, clock: Callable[[], int]) -> web.RouteDef:
    """The route. `clock` gives UTC milliseconds."""

    async def metrics(_: web.Request) -> web.Response:
        from gateway import exposition

        body = exposition.text(figures, await tenant.read(backlog, clock()))
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return web.get("/metrics", metrics)
