"""`make prove`: the long proofs, with a report line each.

    python -m bench.prove [random] [fleet] [points] [stops] [mutants] [races] [--seed N] [--messages N] [--kills N] [--readme]

`random` kills at any moment, `fleet` one of three processes on PostgreSQL and Redis, `points` at each named fail point, `stops` asks to
stop; `mutants` takes a mechanism out and must see the damage; `races` runs what tests/proofs does in small at its full size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench import kill, postgres, redis, tables
from bench.books import Report

POINTS = {
    "K1": 0.01, "K2": 0.02, "K3": 0.01, "K4": 0.01, "K5": 0.02, "K6": 0.02, "K7": 0.02, "K8": 0.02, "K9": 0.01, "K10": 0.01,
    "K11": 0.01, "K12": 0.06, "K13": 0.06, "K14": 0.06, "K15": 0.06, "K16": 0.06, "K17": 0.01, "K18": 0.03, "K19": 0.02, "K20": 0.04,
    "K21": 0.2, "K22": 0.1, "K23": 0.1, "K24": 0.15, "K25": 0.5, "K26": 1.0,
}  # fmt: skip
"""Fail point → the chance of dying each time it comes by."""
MUTANTS = {
    "early_ack": ("K3", "lost"), "deaf_ids": ("K5", "duplicated"), "fresh_keys": ("K15", "doubled"), "blind_posts": ("K20", "duplicated"),
}  # fmt: skip
"""What is taken out (bench/mutant.py) → where it dies, and the count that must not stay 0."""
FULL_SIZE = {"PROOF_APPROVALS": "300", "PROOF_TAKEOVERS": "1000", "PROOF_TURNS": "10000", "PROOF_CANARIES": "200"}
PARTS = ("random", "fleet", "points", "stops", "mutants", "races")
Run = Callable[[Path], Coroutine[Any, Any, Report]]


def main() -> int:
    """Run and report; 0 when every count that must be zero is."""
    asked = _arguments()
    parts, seed = asked.parts or PARTS, asked.seed or int(time.time())
    print(f"commit {commit()}  seed {seed}", flush=True)
    reports, told, good = list[Report](), list[dict[str, Any]](), True
    for run, damage in (run for part in parts for run in _runs(part, asked, seed)):
        report = _in_folder(run)
        as_expected = getattr(report, damage) > 0 if damage else report.clean
        good = good and as_expected
        print(report, "as expected" if as_expected else "NOT AS EXPECTED", sep="\n  ", flush=True)
        if not damage:
            reports.append(report)
        else:
            told.append(
                {
                    "what": f"{damage}, {report.name}",
                    "damaged": True,
                    "bad": getattr(report, damage),
                    "of": report.acked,
                }
            )
    if "races" in parts:
        good = _races(told) and good
    if asked.readme:
        tables.into_readme(Path("README.md"), tables.proofs(commit(), reports, told))
    print("clean" if good else "NOT CLEAN")
    return 0 if good else 1


def _runs(part: str, asked: argparse.Namespace, seed: int) -> Iterator[tuple[Run, str]]:
    """What to run, and the count that a missing mechanism must raise ("": all counts stay 0)."""
    pause, few = (asked.shortest, asked.longest), {"seed": seed, "messages": asked.few, "people": 12}
    if part == "random":
        size = {"seed": seed, "messages": asked.messages, "people": asked.people, "kills": asked.kills}
        yield partial(kill.at_random, pause=pause, **size), ""
    elif part == "fleet":
        size = {"seed": seed, "messages": asked.messages // 4, "people": asked.people // 4, "kills": asked.kills}
        yield partial(_fleet, pause=pause, **size), ""
    elif part == "points":
        for point, chance in POINTS.items():
            yield partial(kill.at_point, point=point, chance=chance, deaths=asked.deaths, **few), ""
    elif part == "stops":
        yield partial(kill.by_request, stops=asked.stops, pause=(0.2, 2.0), **few), ""
    elif part == "mutants":
        for name, (point, damage) in MUTANTS.items():
            yield partial(kill.at_point, point=point, chance=POINTS[point], deaths=5, mutant=name, **few), damage


async def _fleet(folder: Path, **size: Any) -> Report:
    """Three processes on a PostgreSQL of our own, with a Redis between them."""
    with postgres.cluster(fsync="on", full_page_writes="on") as database, redis.server() as hints:
        store = database.database()
        return await kill.at_random(folder, **size, store=store, processes=3, GATEWAY__REDIS=hints.url)


def _in_folder(run: Run) -> Report:
    with tempfile.TemporaryDirectory(prefix="prove-") as folder:
        return asyncio.run(run(Path(folder)))


def _races(told: list[dict[str, Any]]) -> bool:
    """tests/proofs at full size; what they counted is added to `told`."""
    with tempfile.TemporaryDirectory(prefix="prove-") as folder:
        figures = Path(folder) / "figures.jsonl"
        command = [sys.executable, "-m", "pytest", "-q", "--timeout=3600", "tests/proofs"]
        variables = {**os.environ, **FULL_SIZE, "PROOF_FIGURES": str(figures)}
        done = subprocess.run([*command, "--ignore=tests/proofs/test_kill.py"], env=variables, check=False)
        lines = figures.read_text(encoding="utf-8").splitlines() if figures.exists() else []
    told += [json.loads(line) for line in lines]
    return done.returncode == 0


def commit() -> str:
    """The present commit, "unknown" outside a repository."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _part(name: str) -> str:
    """A part by its name; `choices` would refuse to be given none (python/cpython#72795)."""
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(PARTS)}")
    return name


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--seed", type=int, default=0, help="default: the time")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50, help="at least")
    parser.add_argument("--shortest", type=float, default=0.2, help="seconds of life at least")
    parser.add_argument("--longest", type=float, default=8.0, help="seconds of life at most")
    parser.add_argument("--few", type=int, default=150, help="messages at each fail point")
    parser.add_argument("--deaths", type=int, default=5, help="at each fail point, at least")
    parser.add_argument("--stops", type=int, default=10, help="SIGTERMs at least")
    parser.add_argument("--readme", action="store_true", help="write the figures into README.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
