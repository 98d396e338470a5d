"""Figures in Prometheus' text format. Imported when somebody scrapes, not at the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bus.figures import Figures


class Exported(Collector):
    """The figures as Prometheus families."""

    def __init__(self, figures: Figures, gauges: Mapping[str, float]) -> None:
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


def text(figures: Figures, gauges: Mapping[str, float]) -> bytes:
    """Everything, as it is scraped."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exported(figures, gauges))
    return generate_latest(registry)
