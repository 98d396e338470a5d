"""What was found, compared whole with a file that people have read.

When a change is meant, write the files anew and read the difference before it is committed:

    GOLDEN=write make test ARGS="tests/test_story.py tests/channels/test_golden.py" && git diff tests/golden
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "golden"
WRITING = os.environ.get("GOLDEN") == "write"
HINT = "if that is meant: GOLDEN=write make test ARGS={}, then read git diff tests/golden"


def same(path: Path, found: str, test: str) -> None:
    """Fail unless `found` is what the file says. `test` is who may write it anew."""
    judge(difference(path, found), test)


def judge(differences: Sequence[str], test: str) -> None:
    """Fail if there are any."""
    if differences:
        pytest.fail("\n".join([*differences, HINT.format(test)]), pytrace=False)


def difference(path: Path, found: str) -> list[str]:
    """The lines in which `found` is not what the file says. While writing, the file says it afterwards."""
    if WRITING:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_name(f".{os.getpid()}.{path.name}")  # several tests may write the same at once
        whole.write_text(found, "utf-8")
        whole.replace(path)
    wanted = path.read_text("utf-8") if path.exists() else ""
    name = str(path.relative_to(FOLDER.parent.parent))
    return [*difflib.unified_diff(wanted.splitlines(), found.splitlines(), name, "found", lineterm="", n=1)]


def pretty(value: Any) -> str:
    """JSON whose every line says one thing, in the order that it was given."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
