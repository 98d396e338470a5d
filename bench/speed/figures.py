"""Figures of paired rounds, and the Markdown that shows them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

MILLI, MICRO = 1e3, 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass
class Row:
    """One figure of both systems, round by round. `unit` stands behind the values, which are shown `times` what they are."""

    what: str
    unit: str
    times: float = 1.0
    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Ours to raw, within each round."""
        return [ours / raw for ours, raw in zip(self.ours, self.raw, strict=bool(self.raw)) if raw]

    def cells(self) -> tuple[str, str, str, str]:
        """What, ours, raw, ratio with its range."""
        return self.what, self._shown(self.ours), self._shown(self.raw), _spread(self.ratios)

    def _shown(self, values: Sequence[float]) -> str:
        return f"{short(statistics.median(values) * self.times)} {self.unit}".strip() if values else "–"


def _spread(ratios: Sequence[float]) -> str:
    if not ratios:
        return "–"
    middle = short(statistics.median(ratios))
    return f"**{middle}**" if len(ratios) == 1 else f"**{middle}** ({short(min(ratios))}–{short(max(ratios))})"


def short(value: float) -> str:
    """Three digits that mean something."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


@dataclass
class Table:
    """The rows of one matter. `heads` name the columns; `notes` say what was compared and how."""

    title: str
    heads: tuple[str, str, str, str]
    rows: list[Row]
    notes: str = ""

    def markdown(self) -> str:
        """As GitHub shows it."""
        lines = [f"| {' | '.join(self.heads)} |", "| --- | ---: | ---: | ---: |"]
        lines += [f"| {' | '.join(row.cells())} |" for row in self.rows]
        return "\n".join([f"**{self.title}**", "", *([self.notes, ""] if self.notes else []), *lines])
