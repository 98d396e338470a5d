"""The files that a new gateway starts with."""

from __future__ import annotations

import os
import secrets
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

NAMES = {
    "gateway.yaml": "gateway.yaml",
    "agent.yaml": "agent.yaml",
    ".env": "env",
    "knowledge/delivery-and-returns.md": "knowledge/delivery-and-returns.md",
}


def existing(folder: Path) -> list[Path]:
    """Files that are there already and would have to be overwritten."""
    return [folder / name for name in NAMES if (folder / name).exists()]


def write(folder: Path) -> list[Path]:
    """Write every file and return their paths. Raises FileExistsError rather than touching one that is there."""
    if there := existing(folder):
        raise FileExistsError(", ".join(map(str, there)))
    for name, source in NAMES.items():
        _create(folder / name, _starter(source).read_text("utf-8"), secret=name == ".env")
    if not (folder / ".gitignore").exists():
        _create(folder / ".gitignore", _starter("gitignore").read_text("utf-8"))
    return [folder / name for name in NAMES]


def _starter(name: str) -> Traversable:
    return files("config").joinpath("starters", *name.split("/"))


def _create(path: Path, text: str, *, secret: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if secret:
        fresh = {name: secrets.token_urlsafe(32) for name in ("operator_token", "secret_key", "identity_secret")}
        text = text.format_map(fresh)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o666)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
