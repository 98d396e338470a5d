"""An operator's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `gateway init` has filled, as working directory."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    return tmp_path
