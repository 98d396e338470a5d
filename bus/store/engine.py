"""What an engine offers the verbs. A verb is a plain function whose first argument is the Transaction it runs in.

Verbs never begin or end a transaction; the engine groups verbs that arrive together into one commit and undoes a verb that raises
without touching its neighbours. The SQL stands in `sql/*.sql` under names, the same for every engine.
"""

from __future__ import annotations

import re
from asyncio import Future
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Row = Mapping[str, Any]


class Transaction(Protocol):
    """Named statements within one transaction of one tenant; `:tenant` and `:process` (who holds leases) are filled in by themselves."""

    tenant: str
    process: str

    def one(self, name: str, /, **values: Any) -> Row | None:
        """The first row, or None."""

    def all(self, name: str, /, **values: Any) -> list[Row]:
        """Every row."""

    def run(self, name: str, /, **values: Any) -> int:
        """How many rows were changed."""

    def insert(self, name: str, /, **values: Any) -> int | None:
        """The new row's id, or None when ON CONFLICT DO NOTHING kept it out."""


Verb = Callable[Concatenate[Transaction, P], R]


class Tenant(Protocol):
    """The store as one tenant sees it."""

    name: str

    def write(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run the verb; done when its commit is on the disk. Queued at the call, in order. Raises Unavailable when it cannot be."""

    def queue(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the verb in order after everything before it, without waiting; an error goes to the log."""

    async def read(self, verb: Verb[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a reading verb on a reader's own connection: it sees what is committed."""


class Store(Protocol):
    """An open database. `shared`: several processes may serve from it."""

    shared: bool

    def tenant(self, name: str) -> Tenant:
        """The only way to a verb."""

    async def recover(self, tenant: str) -> int:
        """Free what processes held that are dead now; returns how much. Called at start, and now and then where `shared`."""

    async def backup(self, destination: str) -> None:
        """A consistent copy while serving."""

    async def healthy(self) -> bool:
        """True when a write can be committed now."""

    async def close(self) -> None:
        """Commits what is queued, then lets go of the files."""


_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """All named statements, `name` → SQL with `:value` placeholders."""
    found: dict[str, str] = {}
    for file in sorted((files("bus.store") / "sql").iterdir(), key=lambda item: item.name):
        parts = _NAME.split(file.read_text("utf-8"))
        for name, sql in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"two statements are called {name}")
            found[name] = sql.strip()
    return found
