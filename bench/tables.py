"""What the proofs found, as a table for the README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.books import ZERO, Report

MARKS = re.compile(r"(<!-- figures:prove -->\n).*?(<!-- /figures:prove -->)", re.DOTALL)
COUNTED = ("kills", "acked", "stored", "effects", "replies", "approvals")


DAMAGED = "What the same harness sees in a gateway from which one mechanism was taken out; none of these may be 0:"


def proofs(commit: str, reports: Sequence[Report], told: Iterable[dict[str, Any]] = ()) -> str:
    """Markdown: a row for each run, points together; then what was counted otherwise."""
    points = [report for report in reports if " at K" in report.name]
    rest = [report for report in reports if report not in points]
    rows = [*rest, *([_together(points)] if points else [])]
    names = (*COUNTED, *ZERO, "p50", "p99")
    lines = [f"`make prove` on {commit}:", "", _row(("", *names)), _row("---" for _ in range(len(names) + 1))]
    lines += [_row((report.name, *(getattr(report, name) for name in names))) for report in rows]
    told = list(told)
    for title, damaged in (("Each count that must be 0, with what it was counted against:", False), (DAMAGED, True)):
        lines += ["", title, ""]
        lines += [
            f"* {one['what']}: {one['bad']} of {one['of']}" for one in told if bool(one.get("damaged")) == damaged
        ]
    return "\n".join(lines).rstrip() + "\n"


def _together(reports: Sequence[Report]) -> Report:
    """All points as one row: counts added up, the slowest acknowledgement."""
    first = reports[0]
    whole = Report(f"kill -9 at each of {len(reports)} named points", first.seed)
    for name in (*COUNTED, *ZERO):
        setattr(whole, name, sum(getattr(report, name) for report in reports))
    whole.p50, whole.p99 = max(report.p50 for report in reports), max(report.p99 for report in reports)
    return whole


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def into_readme(readme: Path, text: str) -> None:
    """Put the figures between their marks. Raises ValueError when there are none."""
    before = readme.read_text(encoding="utf-8")
    after, places = MARKS.subn(lambda found: f"{found[1]}{text}{found[2]}", before)
    if not places:
        raise ValueError(f"{readme} has no <!-- figures:prove --> … <!-- /figures:prove -->")
    readme.write_text(after, encoding="utf-8")
