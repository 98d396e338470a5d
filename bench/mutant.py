"""The gateway with one mechanism taken out, named by MUTANT: a proof that does not see the damage proves nothing."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from agent.tools.http import HttpTools
from bus.accept import Intake
from bus.store import inbox
from bus.store.arrivals import Accepted
from channels.slack.desk import Desk
from gateway.__main__ import main


def _replace(owner: Any, name: str, part: Callable[..., Any]) -> None:
    setattr(owner, name, part)


def early_ack() -> None:
    """Answers, and stores in the background, as frameworks do when nobody tells them otherwise."""
    accept, writing = Intake.accept, set[Any]()

    async def later(*args: Any, **more: Any) -> None:
        await asyncio.sleep(0.2)
        await accept(*args, **more)

    async def hasty(*args: Any, **more: Any) -> Accepted:
        task = asyncio.create_task(later(*args, **more))
        writing.add(task)
        task.add_done_callback(writing.discard)
        return Accepted(True, "")

    _replace(Intake, "accept", hasty)


def fresh_keys() -> None:
    """A call that is made again carries another Idempotency-Key."""
    headers = HttpTools._headers

    def fresh(self: HttpTools, *args: Any) -> dict[str, str]:
        made = headers(self, *args)
        return made | ({"Idempotency-Key": uuid.uuid4().hex} if "Idempotency-Key" in made else {})

    _replace(HttpTools, "_headers", fresh)


def blind_posts() -> None:
    """A post whose answer was lost is sent again without looking."""

    async def blind(*_: Any) -> str:
        return ""

    _replace(Desk, "find", blind)


def deaf_ids() -> None:
    """The same message again is another message."""
    insert = inbox.insert

    def deaf(tx: Any, inbound: Any, *args: Any) -> int | None:
        head, _, name = inbound.key.rpartition(":")
        again = msgspec.structs.replace(inbound, key=f"{head}{uuid.uuid4().hex}:{name}")
        return insert(tx, again if inbound.kind == "message" else inbound, *args)

    _replace(inbox, "insert", deaf)


MUTANTS: dict[str, Callable[[], None]] = {
    "early_ack": early_ack, "fresh_keys": fresh_keys, "blind_posts": blind_posts, "deaf_ids": deaf_ids,
}  # fmt: skip


if __name__ == "__main__":
    MUTANTS[os.environ["MUTANT"]]()
    sys.exit(main())
