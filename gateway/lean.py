"""What makes a start quick and a server even: nothing loaded for nobody, and a garbage collector that knows what stays."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, cast

YOUNG = 20_000
"""Objects made before the youngest are looked through; Python's 700 looks several times in every turn."""


def begin() -> None:
    """Before anything heavy is imported: what imports make is there to stay, so it is not collected while they run.

    `import cel` runs its own command line, with a terminal toolkit; structlog loads rich to draw tracebacks, which we print plainly.
    """
    gc.disable()
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    _import_without("structlog", "rich")


def settle() -> None:
    """Everything is loaded: from now on only what comes and goes is collected."""
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    gc.enable()


def leave() -> None:
    """The process ends: what an SDK made in the meantime need not be looked through for cycles, several times over."""
    gc.freeze()


def _import_without(name: str, optional: str) -> None:
    """Import a module as if something that it could use were not installed; others may still import that.

    None in the cache makes its import fail: https://docs.python.org/3/reference/import.html#the-module-cache
    """
    if optional in sys.modules:
        return
    modules = cast(dict[str, Any], sys.modules)
    modules[optional] = None
    try:
        import_module(name)
    finally:
        del modules[optional]
