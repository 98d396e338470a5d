"""The Chromium of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
]
PRESENT = Path(CHROMIUM).exists()
MISSING = f"no Chromium at {CHROMIUM}; set CHROMIUM_PATH"

needs_chromium = pytest.mark.skipif(not PRESENT, reason=MISSING)
