"""`gateway whatsapp connect` tells Twilio where to bring messages, and says what it did."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.__main__ import main
from tests.proofs.stage import surroundings
from tests.support.whatsapp import OVERRIDES, SECTION, WEBHOOK, add_section, twilio


async def run(config: Path, url: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    monkeypatch.setenv("TWILIO_API", url)
    return await asyncio.to_thread(main, ["whatsapp", "connect", "--config", str(config), *more])


async def test_it_sets_both_addresses_and_says_what_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with surroundings(tmp_path) as (_, config), twilio() as account:
        add_section(config)
        account.webhook = "https://old.example/hook"
        assert await run(config, account.url, monkeypatch) == 0
        assert (account.webhook, account.status_webhook) == (WEBHOOK + OVERRIDES, f"{WEBHOOK}/status")
        told = capsys.readouterr().out
        assert WEBHOOK + OVERRIDES in told
        assert "before: https://old.example/hook" in told
        assert await run(config, account.url, monkeypatch, "--json") == 0
        assert json.loads(capsys.readouterr().out)["before"] == WEBHOOK + OVERRIDES


async def test_a_number_that_is_no_sender_gets_the_two_addresses_to_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with surroundings(tmp_path) as (_, config), twilio() as account:
        add_section(config)
        account.number = "+14155550000"
        assert await run(config, account.url, monkeypatch) == 0
        told = capsys.readouterr().out
        assert WEBHOOK + OVERRIDES in told
        assert "Sandbox" in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("public_url: https://", "public_url: http://"), "public https:// address"),
        (("twilio-auth-token-of-the-tests", "another"), "not_authorised; copy the Account SID"),
    ],
)
async def test_what_is_missing_is_said_with_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    said: str,
) -> None:
    async with surroundings(tmp_path) as (_, config), twilio() as account:
        add_section(config, SECTION)
        config.write_text(config.read_text().replace(*change))
        assert await run(config, account.url, monkeypatch) == 1
        assert said in capsys.readouterr().err


async def test_the_online_check_says_where_messages_are_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with surroundings(tmp_path) as (_, config), twilio() as account:
        add_section(config)
        monkeypatch.setenv("TWILIO_API", account.url)
        asked = ["check", "whatsapp", "--online", "--config", str(config)]
        assert await asyncio.to_thread(main, asked) == 1
        assert "gateway whatsapp connect" in capsys.readouterr().out
        assert await run(config, account.url, monkeypatch) == 0
        assert await asyncio.to_thread(main, asked) == 0
        assert "brings messages" in capsys.readouterr().out


def test_without_the_section_no_sdk_is_loaded() -> None:
    """Reading the configuration, and every kind's settings, loads none; only a channel that is there does, when it opens."""
    program = "import sys; from gateway import sections; sections.schemas(); sys.exit('twilio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
