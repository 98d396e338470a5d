"""Named points at which a test may kill this very process: `FAILPOINT=K15:kill:0.02` (name, what, probability)."""

from __future__ import annotations

import os
import random
import signal


def _read(text: str) -> dict[str, tuple[str, float]]:
    points = (part.split(":") for part in text.split(",") if part)
    return {name: (what, float(chance)) for name, what, chance in points}


_POINTS = _read(os.environ.get("FAILPOINT", ""))


def failpoint(name: str) -> None:
    """Does nothing unless the environment names this point."""
    if _POINTS and name in _POINTS:
        what, chance = _POINTS[name]
        if what == "kill" and random.random() < chance:
            os.kill(os.getpid(), signal.SIGKILL)
