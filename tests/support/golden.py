"""What was found, compared whole with a file that people have read.

When a change is meant, write the files anew and read the difference before it is committed:

    GOLDEN=write make test ARGS="tests/test_story.py tests/channels/test_golden.py" && git diff tests/golden
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "golden"
WRITING = os.environ.get("GOLDEN") == "write"
HINT = "if that is meant: GOLDEN=write make test ARGS={}, then read git diff tests/golden"


def same(path: Path, found: str, test: str) -> None:
    """Fail unless `found` is what the file says. `test` is who may write it anew."""
    if WRITING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, "utf-8")
    wanted = path.read_text("utf-8") if path.exists() else ""
    if found != wanted:
        name = str(path.relative_to(FOLDER.parent.parent))
        lines = difflib.unified_diff(wanted.splitlines(), found.splitlines(), name, "found", lineterm="", n=1)
        pytest.fail("\n".join([*lines, HINT.format(test)]), pytrace=False)


def pretty(value: Any) -> str:
    """JSON whose every line says one thing, in the order that it was given."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
