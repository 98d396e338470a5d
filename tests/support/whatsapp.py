"""WhatsApp for whole gateways in tests: a Twilio account on loopback that knows where the public address really is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from demo.twilio import Account
from demo.twilio import api as twilio_api
from demo.twilio.account import Template
from demo.twilio.courier import Courier
from gateway.ids import clock as real_clock
from tests.support.businesses import Business, shop, without_phones

ACCOUNT_SID = "AC" + "1" * 32
TOKEN = "twilio-auth-token-of-the-tests"
NUMBER = "+14155238886"
PUBLIC = "https://support.test"
WEBHOOK = f"{PUBLIC}/webhooks/whatsapp"
OVERRIDES = "#rc=5&rp=all&ct=2000&rt=5000&tt=15000"
REOPEN = "HX" + "a" * 32
CHOICES = "HX" + "b" * 32
SECTION = f"""
  whatsapp:
    account_sid: {ACCOUNT_SID}
    auth_token: {TOKEN}
    number: "{NUMBER}"
    api_base: ${{TWILIO_API}}
    media_storage: ["${{TWILIO_STORE:-https://media.twiliocdn.com}}"]
    templates: {{reopen: {REOPEN}}}
"""


@asynccontextmanager
async def twilio(clock: Callable[[], int] = real_clock) -> AsyncIterator[Account]:
    """The account, serving its API; `connect` tells it where the gateway is."""
    account = Account(clock, ACCOUNT_SID, TOKEN, NUMBER, Courier(TOKEN))
    account.templates = {
        REOPEN: Template("Hello, we have an answer for you. Reply to read it."),
        CHOICES: Template("{{1}}", ("{{2}}", "{{3}}"), reopens=False),
    }
    runner = web.AppRunner(twilio_api.app(account), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    account.url, account.store_url = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    try:
        yield account
        await account.close()
    finally:
        await runner.cleanup()


def connect(account: Account, url: str) -> None:
    """The gateway listens there, behind its public address."""
    account.courier.places[PUBLIC] = url
    account.webhook = WEBHOOK + OVERRIDES
    account.status_webhook = f"{WEBHOOK}/status"


def add_section(config: Path, section: str = SECTION) -> None:
    """Put the channel into a configuration, first among the channels, and the public address above them."""
    text = config.read_text()
    assert text.count("\nchannels:\n") == 1
    config.write_text(f"public_url: {PUBLIC}\n" + text.replace("\nchannels:\n", f"\nchannels:{section}", 1))


@asynccontextmanager
async def shop_on_whatsapp(
    folder: Path, *, clock: Callable[[], int] = real_clock
) -> AsyncIterator[tuple[Business, Account]]:
    """The demo's shop with one channel more."""
    demo = Path(str(files("demo")))
    text = without_phones((demo / "gateway.yaml").read_text())
    text = text.replace("public_url: ${DEMO_ORIGIN:-http://127.0.0.1:8080}", f"public_url: {PUBLIC}")
    text = text.replace("spec: agent.yaml", f"spec: {demo / 'agent.yaml'}").replace(
        "\nchannels:\n", f"\nchannels:{SECTION}"
    )
    config = folder / "gateway.yaml"
    config.write_text(text)
    async with twilio(clock) as account:
        told = lambda url: connect(account, url)  # noqa: E731
        async with shop(
            folder, config=config, connect=told, clock=clock, TWILIO_API=account.url, TWILIO_STORE=account.store_url
        ) as business:
            yield business, account
            await account.settled()
