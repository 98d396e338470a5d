"""`gateway check`: every line right or wrong, and what to do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo import world
from gateway.__main__ import main

Lines = Callable[..., dict[str, list[dict[str, Any]]]]

SLACK = """
slack: {bot_token: "${SLACK_BOT_TOKEN}", signing_secret: "${SLACK_SIGNING_SECRET}", api_base: "${SLACK_API}"}
desk:
  kind: slack
  channel: C0CXDESK01
  routes: [{if: 'category == "billing"', channel: C0NOWHERE1}]
"""
TOOL = """
tools:
  get_order:
    http: {method: GET, url: "${SHOP_API}/orders/{order_id}"}
    args: {type: object, required: [order_id], properties: {order_id: {type: string}}}
    require: list_ordres.found
"""


@pytest.fixture
def lines(home: Path, capsys: pytest.CaptureFixture[str]) -> Lines:
    """Run `gateway check --json`; the lines by their name."""

    def run(*arguments: str, status: int = 0) -> dict[str, list[dict[str, Any]]]:
        capsys.readouterr()
        assert main(["check", "--json", *arguments]) == status
        told = json.loads(capsys.readouterr().out)
        assert told["ok"] is (status == 0)
        return grouped(told["lines"])

    return run


def grouped(found: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    names = dict.fromkeys(line["name"] for line in found)
    return {name: [line for line in found if line["name"] == name] for name in names}


def test_each_line_has_a_sign_and_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "agent.yaml").write_text(
        (home / "agent.yaml").read_text().replace("[knowledge/]", "[knowledge/, nowhere/]")
    )
    capsys.readouterr()
    assert main(["check"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "✔ configuration  gateway.yaml is right"
    assert [
        line
        for line in said
        if line.startswith("✖ knowledge      agent.yaml:") and "there is no folder nowhere/" in line
    ]
    assert "                 → make it, or write its right name" in said


def test_a_store_that_is_no_store_is_said_so(home: Path, lines: Lines) -> None:
    text = (home / "gateway.yaml").read_text()
    (home / "gateway.yaml").write_text(text.replace("sqlite:///data/gateway.db", "sqlite:///agent.yaml"))
    (wrong,) = lines(status=1)["store"]
    assert (wrong["ok"], wrong["text"]) == (False, "agent.yaml is a file of another kind")


def test_a_fresh_configuration_has_nothing_wrong(lines: Lines) -> None:
    found = lines()
    assert {name: found[name][0]["ok"] for name in found} == {
        "configuration": True,
        "agent": True,
        "knowledge": True,
        "store": True,
        "model": True,
        "web": True,
        "desk": None,
    }


def test_mistakes_of_sections_belong_to_their_channel(home: Path, lines: Lines) -> None:
    text = (home / "gateway.yaml").read_text().replace("allowed_origins:", "allowed_orgins:")
    (home / "gateway.yaml").write_text(text + "slack: {bot_token: ''}\n")
    found = lines(status=1)
    assert found["web"][0]["remedy"] == 'did you mean "allowed_origins"?'
    assert found["web"][0]["text"].startswith("gateway.yaml:23: channels.web.allowed_orgins: unknown key")
    assert "signing_secret: is missing" in found["slack"][0]["text"]
    assert "configuration" not in found


def test_misspelt_names_in_the_spec_have_a_line(home: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API", "http://127.0.0.1:1")
    with (home / "agent.yaml").open("a") as file:
        file.write(TOOL)
    line = 1 + (home / "agent.yaml").read_text().splitlines().index("    require: list_ordres.found")
    (wrong,) = lines(status=1)["agent"]
    assert wrong["text"].startswith(f"agent.yaml:{line}: tools.get_order.require: 'list_ordres' is not")


def test_a_secret_that_is_not_set_is_named_with_its_place(home: Path, lines: Lines) -> None:
    with (home / "agent.yaml").open("a") as file:
        file.write(TOOL)
    (wrong,) = lines(status=1)["agent"]
    assert "tools.get_order.http.url: SHOP_API is not set" in wrong["text"]
    assert wrong["remedy"] == "set SHOP_API in the environment or .env"


def test_a_route_that_could_never_match_is_named_with_its_line(home: Path, lines: Lines) -> None:
    for name, text in (
        ("gateway.yaml", SLACK.replace("category ==", "categori ==")),
        (".env", "SLACK_BOT_TOKEN=xoxb-1\nSLACK_SIGNING_SECRET=s3cret\nSLACK_API=https://slack.com/api/\n"),
    ):
        with (home / name).open("a") as file:
            file.write(text)
    (wrong,) = [line for line in lines(status=1)["desk"] if line["ok"] is False]
    assert 'desk.routes[0].if: no case has "categori"' in wrong["text"]
    assert wrong["remedy"] == 'did you mean "category"?'


def test_a_channel_of_no_kind_is_said(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY__CHANNELS__PIGEON", "{mode: live}")
    found = lines(status=1)
    assert 'no channel of the kind "pigeon"' in found["pigeon"][0]["text"]


def test_one_matter_can_be_looked_at_alone(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(lines("store")) == ["store"]
    assert lines("slack")["slack"][0]["text"] == "nothing is configured"
    assert main(["check", "wbe"]) == 1
    assert capsys.readouterr().err == '✖ nothing here is called wbe; did you mean "web"?\n'


def test_a_configuration_that_cannot_be_read_is_one_wrong_line(home: Path, lines: Lines) -> None:
    (home / "gateway.yaml").write_text("a: [\n")
    assert list(lines(status=1)) == ["configuration"]
    (home / ".env").chmod(0o644)
    assert lines(status=1)["configuration"][0]["remedy"] == "run: chmod 600 .env"


async def test_online_the_providers_are_asked(home: Path) -> None:
    secrets = world.Secrets.fresh()
    async with await world.serve(lambda: time.time_ns() // 1_000_000, secrets) as outside:
        with (home / "gateway.yaml").open("a") as file:
            file.write(SLACK)
        with (home / "agent.yaml").open("a") as file:
            file.write(TOOL.replace("    require: list_ordres.found\n", ""))
        public = {"GATEWAY__PUBLIC_URL": "http://127.0.0.1:1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "check", "--online", "--json", stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **outside.environment(), **public},
        )  # fmt: skip
        out, _ = await process.communicate()
    found = grouped(json.loads(out)["lines"])
    assert process.returncode == 1
    assert [(line["ok"], line["text"]) for line in found["slack"]] == [
        (True, "signed in to Halden as gateway"),
        (True, "the app is in #cx-desk"),
        (False, "C0NOWHERE1: channel_not_found"),
    ]
    assert found["tools"][0]["ok"] is True
    assert "does not lead here" in found["public_url"][0]["text"]
