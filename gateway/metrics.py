"""`GET /metrics`: counters of this process and the length of the lines, in Prometheus' text format. No names, no versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bus.figures import Figures
from bus.store import Tenant, Transaction


class Exported(Collector):
    """The figures as Prometheus families."""

    def __init__(self, figures: Figures, gauges: dict[str, float]) -> None:
        self._figures = figures
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Every family, freshly read."""
        families: dict[str, CounterMetricFamily] = {}
        for (name, labels), value in sorted(self._figures.counts.items()):
            names = [label for label, _ in labels]
            family = families.setdefault(name, CounterMetricFamily(name, name.replace("_", " "), labels=names))
            family.add_metric([text for _, text in labels], value)
        yield from families.values()
        for name, number in self._gauges.items():
            yield GaugeMetricFamily(name, name.replace("_", " "), value=number)


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
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Exported(figures, await tenant.read(backlog, clock())))
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    return web.get("/metrics", metrics)
