"""`make bench`: everything side by side in one run. `python -m bench [--quick] [--readme] [--only NAME …]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

from bench.process import pin
from bench.speed import machine, report
from bench.speed.report import QUICK, SECTIONS, WHOLE


def main() -> int:
    """Measure, print, and write into the README when asked to."""
    asked = _arguments()
    pin(0)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=asked.folder) as folder:
        before = machine.described(Path(folder))
        found = uvloop.run(report.measure(Path(folder), asked.only or SECTIONS, QUICK if asked.quick else WHOLE))
    text = report.markdown(found, before, quick=asked.quick)
    sys.stdout.write(text)
    if asked.readme:
        report.write(Path("README.md"), text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look in about 40 seconds")
    parser.add_argument("--readme", action="store_true", help="write the figures into README.md")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="these alone")
    parser.add_argument("--folder", type=Path, help="where stores are made; the disk under it is what is measured")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
