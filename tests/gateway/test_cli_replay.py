"""Replay of turns that called tools, asked for consent and changed something: same decision, no second effect."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

import demo
from gateway.talk import Talk, signed

AGENT = Path(demo.__file__).with_name("agent.yaml")
SAID = ["please refund order A-48291", "yes please", "I want to talk to a human"]


class Recorded:
    """The store of a demo in which somebody talked, and commands that look at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[str, str] = json.loads((folder / "state" / "secrets.json").read_text())
        secrets = {"secret_key": self.kept["secret_key"], "assertion_secret": self.kept["assertion_secret"]}
        store = f"sqlite:///{folder}/state/gateway.db"
        config = {**secrets, "store": store, "agent": {"spec": str(AGENT)}, "channels": {"web": {}}}
        (folder / "gateway.yaml").write_text(json.dumps(config))

    async def gateway(self, *arguments: str) -> tuple[int, Any]:
        """A command's status and what it printed as JSON. The shop is gone by now."""
        environment = {**os.environ, "SHOP_API": "http://127.0.0.1:1"}
        process = await started(self.folder, *arguments, "--json", env=environment)
        out, err = await process.communicate()
        assert out, err
        return process.returncode or 0, json.loads(out)

    async def conversation(self) -> str:
        """The only one there is."""
        _, found = await self.gateway("log")
        return str(found[0]["id"])


async def started(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Process:
    command = ("-m", "gateway", *arguments)
    return await asyncio.create_subprocess_exec(sys.executable, *command, cwd=folder, env=env, stdout=PIPE, stderr=PIPE)


async def _address(process: Process) -> str:
    """Where the demo says its pages are."""
    assert process.stdout
    async for line in process.stdout:
        if b"Start here" in line:
            return line.split()[-1].decode().rstrip("/")
    raise AssertionError("the demo did not start")


async def talk_in_the_demo(folder: Path) -> Recorded:
    """A demo, a customer who is signed in, and the end of both."""
    process = await started(folder, "demo", "--port", "18480", "--data", "state")
    try:
        async with asyncio.timeout(30):
            url = await _address(process)
        secret = json.loads((folder / "state" / "secrets.json").read_text())["web_identity_secret"]
        async with Talk.open(f"{url}/web", signed("cus_1001", secret)) as talk:
            for text in SAID:
                await talk.say(text)
                assert await talk.answered(20), text
    finally:
        process.terminate()
        await process.wait()
    return Recorded(folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return asyncio.run(talk_in_the_demo(tmp_path_factory.mktemp("demo")))


async def test_turns_with_tools_decide_the_same_and_change_nothing(recorded: Recorded) -> None:
    conversation = await recorded.conversation()
    _, lines = await recorded.gateway("log", conversation)
    assert [line["tool"] for line in lines if line["kind"] == "tool_answered"].count("create_refund") == 1
    turns = sorted({line["turn"] for line in lines if line["kind"] == "decided"})
    assert len(turns) >= 4
    for turn in turns:
        status, told = await recorded.gateway("replay", conversation, "--turn", str(turn))
        parted = [line for line in told["lines"] if not line["same"]]
        assert (status, told["same"], parted) == (0, True, []), f"turn {turn}"


async def test_another_policy_parts_where_it_says_no(recorded: Recorded) -> None:
    conversation = await recorded.conversation()
    stricter = AGENT.read_text().replace("confirm: args.amount > 100", 'confirm: "false"')
    (recorded.folder / "other.yaml").write_text(stricter)
    status, told = await recorded.gateway("replay", conversation, "--turn", "1", "--spec", "other.yaml")
    assert (status, told["same"]) == (0, False)
    assert told["stopped"] == "would call create_refund(amount=189.4, order_id=A-48291)"
