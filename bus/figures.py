"""Counts of what happened in this process, by name and labels; the roof exports them."""

from __future__ import annotations

from collections import Counter

Labels = tuple[tuple[str, str], ...]


class Figures:
    """Monotone counters. Names are Prometheus names without their `_total`; labels never hold a person's data."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Labels]] = Counter()

    def count(self, name: str, /, amount: int = 1, **labels: str) -> None:
        """Add to one counter."""
        self.counts[name, tuple(sorted(labels.items()))] += amount

    def by(self, label: str, name: str, /, **labels: str) -> dict[str, int]:
        """One counter's values by a label, where the others are these."""
        wanted, found = set(labels.items()), Counter[str]()
        for (counter, kept), amount in self.counts.items():
            if counter == name and wanted <= set(kept) and label in dict(kept):
                found[dict(kept)[label]] += amount
        return dict(found)
