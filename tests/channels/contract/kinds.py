"""Every kind of channel there is, found as the gateway finds them, and the example of one that is no part of it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from channels.port import Kind
from gateway import sections
from tests.channels.contract.platform import Platform

EXAMPLES = Path(__file__).parents[2] / "third_party"


def kinds() -> dict[str, Kind]:
    """By name."""
    examples = {path.stem: import_module(f"tests.third_party.{path.stem}") for path in EXAMPLES.glob("*.py")}
    found = {name: sections.kind(name) for name in sections.kinds()}
    return found | {name: cast(Kind, module) for name, module in examples.items() if _is_kind(module)}


def _is_kind(module: ModuleType) -> bool:
    return all(hasattr(module, name) for name in ("LIMITS", "Settings", "build"))


def adapter(kind: str) -> Platform:
    """The platform of this kind. Fails for one that nobody has written."""
    try:
        module = import_module(f"tests.channels.contract.{kind}")
    except ModuleNotFoundError:
        pytest.fail(
            f"the channel “{kind}” is not held to the contract: write tests/channels/contract/{kind}.py with a class `Adapter`, "
            "as tests/channels/contract/platform.py says",
            pytrace=False,
        )
    made: Platform = module.Adapter()
    type(made).name = type(made).name or kind
    return made
