"""The demo world as one thing: starts the shop, Slack, Telegram and Twilio on loopback and lends the gateway its pages."""

import secrets as randomness
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiohttp import web

from demo import pages, providers
from demo import shop as shop_api
from demo.desk import Desk
from demo.logbook import Logbook
from demo.memory import Memory
from demo.phones import Phones, people
from demo.phones.telegram import Telegram
from demo.phones.whatsapp import WhatsApp
from demo.shop import Shop
from demo.slack import Workspace
from demo.slack import api as slack_api
from demo.slack.events import Courier
from demo.slack.socket import Sockets
from demo.storefront import Storefront
from demo.telegram import Messenger
from demo.telegram import api as telegram_api
from demo.twilio import Account
from demo.twilio import api as twilio_api

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Secrets:
    """What the world and the gateway have told each other beforehand."""

    slack_bot_token: str
    slack_signing_secret: str
    slack_app_token: str
    web_identity_secret: str
    assertion_secret: str
    shop_token_secret: str
    operator_token: str
    telegram_token: str
    telegram_webhook_secret: str
    twilio_auth_token: str

    @classmethod
    def fresh(cls, token: Callable[[], str] = lambda: randomness.token_urlsafe(32)) -> "Secrets":
        slack = (f"xoxb-{token()}", token(), f"xapp-{token()}")
        own = (token(), token(), token(), token())
        return cls(*slack, *own, f"4200000042:{token()}", token(), token())

    def __repr__(self) -> str:
        return "Secrets(…)"


def random_id(prefix: str) -> str:
    return prefix + randomness.token_hex(5).upper()


@dataclass
class World:
    shop: Shop
    slack: Workspace
    telegram: Messenger
    twilio: Account
    secrets: Secrets
    shop_url: str
    slack_url: str
    _runners: list[web.AppRunner] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.slack)
        self.logbook = Logbook(lambda: self.gateway_url, self.secrets.operator_token)
        self.storefront = Storefront(self.shop, self.secrets.web_identity_secret)
        self.phones = phones(self.telegram, self.twilio)

    @property
    def gateway_url(self) -> str:
        return self.slack.courier.gateway_url

    def connect(self, gateway_url: str) -> None:
        """Tell the world where the gateway listens, once that is known."""
        self.slack.courier.gateway_url = gateway_url.rstrip("/")
        providers.connect(self.telegram, self.twilio, self.gateway_url, self.secrets.telegram_webhook_secret)

    def environment(self) -> dict[str, str]:
        """The variables that `demo/gateway.yaml` and `demo/agent.yaml` name, of those the world decides."""
        return {
            "SHOP_API": self.shop_url,
            "SLACK_API": f"{self.slack_url}/api/",
            "SLACK_BOT_TOKEN": self.secrets.slack_bot_token,
            "SLACK_SIGNING_SECRET": self.secrets.slack_signing_secret,
            "WEB_IDENTITY_SECRET": self.secrets.web_identity_secret,
            "GATEWAY_ASSERTION_SECRET": self.secrets.assertion_secret,
            "GATEWAY_OPERATOR_TOKEN": self.secrets.operator_token,
            "TELEGRAM_API": self.telegram.url,
            "TELEGRAM_TOKEN": self.secrets.telegram_token,
            "TELEGRAM_WEBHOOK_SECRET": self.secrets.telegram_webhook_secret,
            "TWILIO_API": self.twilio.url,
            "TWILIO_STORE": self.twilio.store_url,
            "TWILIO_ACCOUNT_SID": self.twilio.sid,
            "TWILIO_AUTH_TOKEN": self.secrets.twilio_auth_token,
            "WHATSAPP_NUMBER": self.twilio.number,
        }

    def routes(self) -> list[web.RouteDef]:
        """The pages and what they ask; the gateway serves them on its own origin."""
        return [
            web.get("/", self._front),
            web.get("/shop", self._shop),
            web.get("/desk", self._desk),
            web.get("/phones", self._phones),
            web.get("/log", self._log),
            web.get("/demo/static/{name:[a-z]+[.][a-z]+}", pages.static),
            *self.desk.routes(),
            *self.phones.routes(),
            *self.logbook.routes(),
            *self.storefront.routes(),
        ]

    async def _front(self, _: web.Request) -> web.Response:
        return pages.page("front")

    async def _shop(self, request: web.Request) -> web.Response:
        return pages.page("shop", **self.storefront.page(request.query.get("customer")))

    async def _desk(self, _: web.Request) -> web.Response:
        return pages.page("desk")

    async def _phones(self, _: web.Request) -> web.Response:
        return pages.page("phones")

    async def _log(self, _: web.Request) -> web.Response:
        return pages.page("log")

    def end_streams(self) -> None:
        """So that whoever serves the pages can stop."""
        self.desk.live.end()
        self.phones.live.end()

    async def close(self) -> None:
        """Stop everything, streams first."""
        self.desk.live.close()
        self.phones.live.close()
        await self.logbook.close()
        for place in (self.slack, self.telegram, self.twilio):
            await place.close()
        for runner in self._runners:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def serve(
    clock: Callable[[], int], secrets: Secrets, *, gateway_url: str = "", host: str = HOST, port_shop: int = 0,
    port_slack: int = 0, ids: Callable[[str], str] = random_id, ledger_path: Path | None = None,
    memory_path: Path | None = None,
    retry_scale: float = 1.0, sleep: Callable[[float], Awaitable[None]] | None = None,
) -> World:  # fmt: skip
    """Start all servers; port 0 takes a free one. `retry_scale` shortens Slack's and Telegram's pauses before they try again.

    `ledger_path` gets a line per effect in the shop; `memory_path` is what the world remembers between two starts.
    """
    shop = Shop(clock, secrets.shop_token_secret, secrets.assertion_secret, ledger_path)
    courier = Courier(clock, secrets.slack_signing_secret, "", retry_scale)
    courier.sleep = sleep or courier.sleep
    courier.sockets = Sockets(ids, courier.patience)
    slack = Workspace(
        clock, ids, bot_token=secrets.slack_bot_token, courier=courier, app_token=secrets.slack_app_token
    )  # fmt: skip
    telegram = providers.telegram(clock, secrets.telegram_token, retry_scale)
    twilio = providers.twilio(clock, secrets.twilio_auth_token)
    shop_server, shop_url = await _listen(shop_api.app(shop), host, port_shop)
    slack_server, slack.url = await _listen(slack_api.app(slack), host, port_slack)
    telegram_server, telegram.url = await _listen(telegram_api.app(telegram), host, 0)
    twilio_server, twilio.url = await _listen(twilio_api.app(twilio), host, 0)
    twilio.store_url = twilio.url.replace(HOST, "localhost")
    runners = [shop_server, slack_server, telegram_server, twilio_server]
    world = World(shop, slack, telegram, twilio, secrets, shop_url, slack.url, runners)
    if memory_path is not None:
        Memory(memory_path, shop, slack, telegram, twilio).recall()
    if gateway_url:
        world.connect(gateway_url)
    return world


def phones(telegram: Messenger, twilio: Account) -> Phones:
    """Both, in the hands of their owners."""
    return Phones({"whatsapp": WhatsApp(twilio, people.WHATSAPP), "telegram": Telegram(telegram, people.TELEGRAM)})


async def _listen(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner, f"http://{host}:{runner.addresses[0][1]}"
