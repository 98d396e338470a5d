"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from pathlib import Path

from bench.speed.figures import MILLI, percentile, short


def described(folder: Path) -> str:
    """One sentence: cores, versions, and what a write to this disk costs."""
    syncs = fsync(folder)
    disk = f"fdatasync of 4 KiB {short(percentile(syncs, 0.5) * MILLI)} ms (p99 {short(percentile(syncs, 0.99) * MILLI)} ms)"
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_module('aiohttp')}, {_module('uvloop')}"
    return f"{os.cpu_count()} cores ({_processor()}), Linux {platform.release().split('-')[0]}, {versions}, {disk}"


def fsync(folder: Path, times: int = 200) -> list[float]:
    """Seconds that each of so many small appends took to reach the disk."""
    taken = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    (folder / "fsync").unlink()
    return taken


def commit() -> str:
    """What was measured."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "an unknown commit"


def load() -> str:
    """How busy the machine was with other things in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    named = next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")
    return " ".join(named.split()) or platform.machine()


def _module(name: str) -> str:
    from importlib.metadata import version

    return f"{name} {version(name)}"
