"""The sections in their order, and what becomes of their figures."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.speed import history, machine, paths, start, streams
from bench.speed.figures import Table
from bench.speed.paths import Effort

SECTIONS = ("relay", "answer", "tool", "history", "streams", "start")
MARKS = re.compile(r"(<!-- figures:bench -->\n).*?(<!-- /figures:bench -->)", re.DOTALL)


@dataclass(frozen=True)
class Scale:
    """How much of everything is measured."""

    effort: Effort
    turns: int
    streams: int
    settle: float
    starts: int


WHOLE = Scale(Effort(), turns=60, streams=2_000, settle=3.0, starts=7)
QUICK = Scale(Effort(1, 20, 16, 0.3, 1.5, 1.5, (20,)), turns=15, streams=300, settle=1.0, starts=1)


async def measure(folder: Path, only: Sequence[str], scale: Scale) -> list[Table]:
    """Every section that was asked for, each with a store of its own."""
    found = []
    for name in SECTIONS:
        if name in only:
            began = time.monotonic()
            found.append(await section(name, folder / name, scale))
            sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    return found


async def section(name: str, folder: Path, scale: Scale) -> Table:
    """One section."""
    match name:
        case "history":
            return await history.measure(folder, scale.turns)
        case "streams":
            return await streams.measure(folder, scale.streams, scale.settle)
        case "start":
            return await start.measure(folder, scale.starts, scale.settle)
    return await paths.measure(next(way for way in paths.WAYS if way.name == name), folder, scale.effort)


def markdown(tables: Sequence[Table], where: str, *, quick: bool) -> str:
    """All of it, with what it was measured on."""
    rounds = "One short round: a look, no measurement. " if quick else ""
    told = (
        f"{rounds}Commit {machine.commit()}, on {where}; load of the machine at the end {machine.load()}. Everything ran side by side in "
        "one run of `make bench`: the generator and its stand-ins on one core, what is measured on the other, paired rounds in alternating "
        "order. Figures are medians of the rounds, ratios medians of the paired ratios, with the lowest and the highest behind them."
    )
    return "\n\n".join([told, *(table.markdown() for table in tables)]) + "\n"


def write(readme: Path, text: str) -> None:
    """Put the figures between their marks. Raises ValueError when there are none."""
    before = readme.read_text("utf-8")
    after, places = MARKS.subn(lambda found: f"{found[1]}\n{text}\n{found[2]}", before)
    if not places:
        raise ValueError(f"{readme} has no <!-- figures:bench --> … <!-- /figures:bench -->")
    readme.write_text(after, "utf-8")
