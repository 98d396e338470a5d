"""`gateway telegram connect`: tells Telegram where we are, and says what it did."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.telegram import Messenger
from gateway import online
from gateway.__main__ import main
from gateway.checking import look
from tests.support.telegram import ALLOWED, SECRET, TOKEN, messenger

CONFIG = """\
public_url: https://support.example.com
operator_token: operator-token-of-the-tests-0123456789
secret_key: secret-key-of-the-tests-0123456789abcdef
channels:
  telegram:
    token: {token}
    updates: {updates}
    webhook_secret: "{secret}"
    api_base: {url}
    commands: {{start: Start, help: What I can do}}
agent: {{spec: agent.yaml, model: offline}}
"""


@pytest.fixture
def telegram() -> Iterator[Messenger]:
    """The stand-in, on a loop of its own: the command has one itself."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), list[Messenger]()
    ended = asyncio.Event()

    async def serve() -> None:
        async with messenger() as made:
            found.append(made)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(20)
    loop.close()


def write(folder: Path, telegram: Messenger, updates: str = "webhook", token: str = TOKEN, secret: str = SECRET) -> str:
    path = folder / "gateway.yaml"
    path.write_text(CONFIG.format(token=token, updates=updates, secret=secret, url=telegram.url))
    return str(path)


def test_the_webhook_is_set_with_its_secret(
    tmp_path: Path, telegram: Messenger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["telegram", "connect", "--config", write(tmp_path, telegram)]) == 0
    webhook = telegram.courier.webhook
    assert (webhook.url, webhook.secret, webhook.allowed) == (
        "https://support.example.com/webhooks/telegram",
        SECRET,
        ALLOWED,
    )
    assert [one["command"] for one in telegram.commands] == ["start", "help"]
    said = capsys.readouterr().out
    assert f"✔ this is @{telegram.username}" in said
    assert "✔ updates: https://support.example.com/webhooks/telegram, verified by webhook_secret" in said
    assert "✔ commands: /start, /help" in said
    assert SECRET not in said


def test_polling_takes_the_webhook_away(
    tmp_path: Path, telegram: Messenger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["telegram", "connect", "--json", "--config", write(tmp_path, telegram, "polling")]) == 0
    assert telegram.courier.webhook.url == ""
    assert json.loads(capsys.readouterr().out)["updates"] == "polling"


def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, telegram: Messenger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["telegram", "connect", "--config", write(tmp_path, telegram, secret="")]) == 1
    assert "gateway.yaml:5: channels.telegram: webhook_secret is empty" in capsys.readouterr().err
    assert main(["telegram", "connect", "--config", write(tmp_path, telegram, token="1:wrong")]) == 1
    assert "copy the token that @BotFather shows into .env" in capsys.readouterr().err
    assert main(["telegram", "connect", "other", "--config", write(tmp_path, telegram)]) == 1
    assert "has no Telegram channel `other`" in capsys.readouterr().err


def test_the_check_says_whether_telegram_reaches_us(tmp_path: Path, telegram: Messenger) -> None:
    path = Path(write(tmp_path, telegram))
    _, looked = look(path, "telegram")
    assert looked is not None
    wanted = "https://support.example.com/webhooks/telegram"
    before = asyncio.run(online.look(looked, "telegram"))
    assert [(one.ok, one.text) for one in before] == [
        (True, f"signed in as @{telegram.username}"),
        (False, f"Telegram calls nobody instead of {wanted}"),
    ]
    assert before[-1].remedy == "gateway telegram connect"
    assert main(["telegram", "connect", "--config", str(path)]) == 0
    assert [one.text for one in asyncio.run(online.look(looked, "telegram"))][1:] == [f"Telegram calls {wanted}"]
