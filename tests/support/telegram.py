"""The demo's shop with customers in Telegram: the stand-in on one side, a whole gateway on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiogram.types import Update as TheirUpdate

from demo.telegram import Messenger, api
from demo.telegram.courier import Courier, Webhook
from gateway.ids import clock as real_clock
from tests.support.businesses import Business, serving, shop, without_phones
from tests.support.running import Running

TOKEN = "4200000042:AAH-of-the-tests_0123456789abcdefgh"
SECRET = "telegram-webhook-secret-of-the-tests"
ALLOWED = ["message", "edited_message", "callback_query"]
SECTION = """\
channels:
  telegram:
    mode: live
    token: ${TELEGRAM_TOKEN}
    updates: ${TELEGRAM_UPDATES}
    webhook_secret: ${TELEGRAM_WEBHOOK_SECRET}
    identity_secret: ${WEB_IDENTITY_SECRET}
    api_base: ${TELEGRAM_API}
"""


@asynccontextmanager
async def messenger(clock: Callable[[], int] = real_clock) -> AsyncIterator[Messenger]:
    """The stand-in, served. What it tells is what aiogram's own types can read."""
    made = Messenger(clock=clock, token=TOKEN, courier=Courier(clock, 0.01, seen=[_readable]))
    async with serving(api.app(made)) as made.url:
        try:
            yield made
        finally:
            await made.close()


def _readable(payload: dict[str, Any]) -> None:
    TheirUpdate.model_validate(payload)


def configuration(folder: Path, text: str = SECTION) -> Path:
    """The demo's own, with a Telegram channel in it."""
    demo = Path(str(files("demo")))
    changed = without_phones((demo / "gateway.yaml").read_text()).replace("channels:\n", text)
    path = folder / "gateway.yaml"
    path.write_text(changed.replace("spec: agent.yaml", f"spec: {demo / 'agent.yaml'}"))
    return path


@asynccontextmanager
async def telegram_shop(
    folder: Path, updates: str, text: str = SECTION, *, clock: Callable[[], int] = real_clock
) -> AsyncIterator[tuple[Business, Messenger]]:
    """The shop, reached by webhook or by polling."""
    async with messenger(clock) as telegram:

        def connect(url: str) -> None:
            if updates == "webhook":
                telegram.courier.webhook = Webhook(f"{url}/webhooks/telegram", SECRET, ALLOWED)

        variables: Any = {
            "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_WEBHOOK_SECRET": SECRET, "TELEGRAM_API": telegram.url, "TELEGRAM_UPDATES": updates,
        }  # fmt: skip
        config = configuration(folder, text)
        async with shop(folder, config=config, connect=connect, clock=clock, **variables) as business:
            yield business, telegram
            telegram.courier.webhook.url = ""


async def conversation_of(running: Running) -> str:
    """The one conversation there is."""
    items = (await running.api("conversations?channel=telegram"))["items"]
    assert len(items) == 1
    return str(items[0]["id"])
