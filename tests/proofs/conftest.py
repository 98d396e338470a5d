"""What these tests have in common: what the gateway logs is kept for the test, not drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """Everything that was logged in this process."""
    with structlog.testing.capture_logs() as events:
        yield events
