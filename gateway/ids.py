"""Ids: prefixed ULIDs, which sort by the time they were made."""

from __future__ import annotations

import time

from ulid import ULID


def new_id(prefix: str) -> str:
    """`c_01J…`."""
    return f"{prefix}_{ULID()}"


def clock() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000
