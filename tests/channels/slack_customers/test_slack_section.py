"""The section `channels.slack`: what it may say, what it needs, and what it costs where it is absent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.document import parse
from config.environment import environment
from gateway import sections

ROOT = Path(__file__).parents[3]
CONNECTION = 'slack: {bot_token: "xoxb-1", signing_secret: "s"}\n'
DESK = "desk: {channel: C0DESK}\n"
SDKS = ("aiogram", "litellm", "mcp", "slack_bolt", "slack_sdk", "twilio")


def problems(text: str, folder: Path) -> list[str]:
    found = sections.read(parse(text, folder / "gateway.yaml", environment(folder, {})))[1]
    return [str(one).removeprefix(f"{folder}/") for one in found]


def test_it_is_right_as_the_page_shows_it(tmp_path: Path) -> None:
    assert (
        problems(f"{CONNECTION}{DESK}channels:\n  slack: {{mode: live, channels: [C0HELP, G0OLD]}}\n", tmp_path) == []
    )
    assert problems(f"{CONNECTION}channels:\n  slack:\n", tmp_path) == []
    assert problems(f"{CONNECTION}channels:\n  colleagues: {{kind: slack, mode: draft}}\n", tmp_path) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "channels:\n  slack: {mode: live}\n",
            "gateway.yaml:2: channels.slack: needs the section `slack:`, which is not in the file; write it, or take this out",
        ),
        (
            f"{CONNECTION}{DESK}channels:\n  slack:\n    channels: [C0HELP, C0DESK]\n",
            "gateway.yaml:5: channels.slack.channels[1]: C0DESK is the desk's; customers need another",
        ),
        (
            f'{CONNECTION}channels:\n  slack: {{channels: ["#help"]}}\n',
            "gateway.yaml:3: channels.slack.channels: '#help' is no channel's id; it begins with C, at the end of “Copy link”",
        ),
        (
            f"{CONNECTION}channels:\n  slack: {{chanels: [C0HELP]}}\n",
            'gateway.yaml:3: channels.slack.chanels: unknown key; did you mean "channels"?',
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    assert problems(text, tmp_path) == [said]


PROGRAM = """
import sys
sys.argv = ["gateway", "check", "--json"]
from gateway.__main__ import main
status = main(["check", "--json"])
import asyncio
from pathlib import Path
from config.settings import load
from gateway.app import Gateway

async def live():
    gateway = await Gateway.open(load(Path("gateway.yaml")))
    await gateway.start(watching=False)
    await gateway.close()

asyncio.run(live())
print("\\n", status, [name for name in {sdks} if name in sys.modules])
"""


def test_an_absent_section_loads_no_sdk(tmp_path: Path) -> None:
    """`check`, and a gateway that is started and stopped, with the web alone."""
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", "gateway", "init"]
    subprocess.run(run, cwd=tmp_path, env=there, check=True, capture_output=True)
    program = PROGRAM.replace("{sdks}", repr(SDKS))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=there, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1].strip() == "0 []", done.stdout + done.stderr
