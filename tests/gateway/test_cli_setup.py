"""Commands that help to set the gateway up: channels, Slack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ruamel.yaml import YAML

from gateway.__main__ import main

Said = Callable[..., tuple[str, str]]


@pytest.fixture
def said(home: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command and return what it printed on stdout and stderr."""

    def run(*arguments: str, status: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert main(arguments) == status
        return capsys.readouterr()

    return run


def test_channels_are_listed_as_the_file_says_while_nothing_runs(said: Said) -> None:
    assert (
        said("channels")[0] == "channel\tkind\tmode\trunning\tlast event\tsends\trefused\nweb\tweb\tlive\tno\t–\t–\t–\n"
    )
    assert json.loads(said("channels", "--json")[0]) == [
        {"name": "web", "kind": "web", "mode": "live", "running": False}
    ]


def test_the_switch_changes_one_word_of_the_file(home: Path, said: Said) -> None:
    before = (home / "gateway.yaml").read_text()
    assert said("channels", "set", "web", "draft")[0] == "✔ web is draft in gateway.yaml\n"
    assert (home / "gateway.yaml").read_text() == before.replace("mode: live\n", "mode: draft\n", 1)
    assert said("channels")[0].splitlines()[1] == "web\tweb\tdraft\tno\t–\t–\t–"


def test_the_switch_knows_its_channels_and_modes(home: Path, said: Said) -> None:
    before = (home / "gateway.yaml").read_text()
    assert said("channels", "set", "wbe", "off", status=1)[1] == '✖ no channel wbe; did you mean "web"?\n'
    assert "'on' is not one of" in said("channels", "set", "web", "on", status=2)[1]
    assert (home / "gateway.yaml").read_text() == before


def test_the_switch_says_when_the_environment_wins(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY__CHANNELS__WEB__MODE", "off")
    expected = "✖ the environment says off, and wins; unset GATEWAY__CHANNELS__WEB__MODE\n"
    assert said("channels", "set", "web", "draft", status=1)[1] == expected


def test_the_manifest_is_yaml_with_our_addresses_and_a_link_that_carries_it(said: Said) -> None:
    out, _ = said("slack", "manifest", "--url", "https://support.example.com/")
    manifest = YAML(typ="safe", pure=True).load(out)
    settings = manifest["settings"]
    assert settings["event_subscriptions"]["request_url"] == "https://support.example.com/webhooks/slack/events"
    assert settings["interactivity"]["request_url"] == "https://support.example.com/webhooks/slack/interactive"
    assert settings["socket_mode_enabled"] is False
    assert "chat:write" in manifest["oauth_config"]["scopes"]["bot"]
    link = next(line[2:] for line in out.splitlines() if line.startswith("# https://api.slack.com/apps?"))
    query = parse_qs(urlsplit(link).query)
    assert query["new_app"] == ["1"]
    assert json.loads(query["manifest_json"][0]) == manifest


def test_without_a_public_address_slack_is_called_by_us(said: Said) -> None:
    manifest = json.loads(said("slack", "manifest", "--json", "--name", "Helpdesk")[0])
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in manifest["settings"]["event_subscriptions"]
    assert manifest["display_information"]["name"] == "Helpdesk"


def test_customers_in_slack_need_more_scopes(home: Path, said: Said) -> None:
    without = json.loads(said("slack", "manifest", "--json")[0])["oauth_config"]["scopes"]["bot"]
    with (home / "gateway.yaml").open("a") as file:
        file.write("public_url: https://s.example\nslack: {bot_token: '${SLACK_BOT_TOKEN}'}\n")
    text = (home / "gateway.yaml").read_text().replace("channels:\n  web:", "channels:\n  slack: {mode: live}\n  web:")
    (home / "gateway.yaml").write_text(text)
    manifest = json.loads(said("slack", "manifest", "--json")[0])
    assert set(manifest["oauth_config"]["scopes"]["bot"]) > set(without)
    assert "message.im" in manifest["settings"]["event_subscriptions"]["bot_events"]
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
    out = said("slack", "manifest")[0]
    link = next(line[2:] for line in out.splitlines() if line.startswith("# https://api.slack.com/apps?"))
    assert json.loads(parse_qs(urlsplit(link).query)["manifest_json"][0]) == manifest
    (home / "gateway.yaml").write_text(text.replace("  slack: {mode: live}", "  staff: {kind: slack, mode: live}"))
    assert json.loads(said("slack", "manifest", "--json")[0]) == manifest
