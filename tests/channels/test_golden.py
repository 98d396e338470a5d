"""A recorded payload in, one whole Inbound out – or none. Both lie side by side in tests/golden/inbound."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.message import Button
from tests.channels.contract.kinds import adapter, kinds
from tests.channels.contract.rig import Rig
from tests.support import golden

KINDS = kinds()
FOLDER = golden.FOLDER / "inbound"
ASKS = "Offer me something"


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_recorded_payload_is_this_inbound(kind: str, tmp_path: Path) -> None:
    """In the order of their names, as one person's day; each has its answer before the next comes."""
    platform = adapter(kind)
    differences, brought, offered = [], set(), dict[str, str]()
    async with Rig(tmp_path, platform, **platform.wider).living(KINDS[kind]) as rig:
        rig.agent.says = lambda row: ["Shall I go ahead?"] if row.text == ASKS else []
        rig.agent.buttons = (Button("yes", "Yes"), Button("no", "No"))
        for path in sorted((FOLDER / kind).glob("*.payload.json")):
            found = await brought_by(rig, path.name, filled(path, offered))
            brought.add(found and found["kind"])
            if found and found["text"] == ASKS:
                offered = {**platform.offered()}
            wanted = path.with_name(path.name.replace(".payload.", ".inbound."))
            differences += golden.difference(wanted, re.sub(platform.random, "<random>", golden.pretty(found)))
    golden.judge(differences, "tests/channels/test_golden.py")
    assert brought - {None} == platform.brings, "not every kind of Inbound has a recorded payload"


def filled(path: Path, offered: Mapping[str, str]) -> Any:
    """The payload. What a press names is ours, and in no recording: `{{value}}` and `{{message}}` stand for it."""
    text = path.read_text("utf-8")
    for name, value in offered.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return json.loads(text)


async def brought_by(rig: Rig, name: str, payload: Any) -> dict[str, Any] | None:
    """The Inbound in the inbox, None when nothing came of it."""
    before = rig.everything()
    status = await rig.post(await rig.platform.recorded(payload))
    after, newest = rig.everything(), rig.newest()
    await rig.settle()
    assert after - before <= 1, f"{name} was more than one thing"
    assert status < 300 or (status < 500 and after == before), f"{name}: {status}"
    found: dict[str, Any] = msgspec.to_builtins(newest)
    return found if after > before else None


def test_no_expectation_is_left_of_a_payload_that_is_gone() -> None:
    payloads = {str(path).replace(".payload.", ".inbound.") for path in FOLDER.rglob("*.payload.json")}
    assert {str(path) for path in FOLDER.rglob("*.inbound.json")} == payloads
