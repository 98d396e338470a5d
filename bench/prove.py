"""`make prove`: the long proofs, with a report line each. `python -m bench.prove [--seed N] [--messages N] [--kills N]`."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import kill


def main() -> int:
    """Run and report; 0 when every count that must be zero is."""
    asked = _arguments()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="prove-") as folder:
        report = asyncio.run(
            kill.run(
                Path(folder),
                seed=asked.seed,
                messages=asked.messages,
                people=asked.people,
                kills=asked.kills,
                pause=(asked.shortest, asked.longest),
            )  # fmt: skip
        )
    print(f"commit {commit or 'unknown'}  {report}")
    print("clean" if report.clean else "NOT CLEAN")
    return 0 if report.clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--shortest", type=float, default=0.2, help="seconds of life at least")
    parser.add_argument("--longest", type=float, default=4.0, help="seconds of life at most")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
