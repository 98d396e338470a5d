"""Every way that a customer's words reach the gateway: a business that serves it, and the phone of its customer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from demo.slack.people import CUSTOMER
from demo.stock import ANA
from demo.world import World
from gateway.ids import clock as real_clock
from tests.support.businesses import Business, hotel, shop, without_phones
from tests.support.phones import AtTheWidget, InSlack, InTelegram, OnWhatsApp, Phone
from tests.support.telegram import telegram_shop
from tests.support.visitor import Visitor
from tests.support.whatsapp import shop_on_whatsapp

WEDNESDAY = 1_779_271_200_000  # 2026-05-20 10:00 UTC
Served = tuple[Business, Phone]
Transport = Callable[[Path], AbstractAsyncContextManager[Served]]


def clock() -> Callable[[], int]:
    """Time that goes on from one Wednesday morning, so that every telling has the same dates in it."""
    began = real_clock()
    return lambda: WEDNESDAY + real_clock() - began


def web(business: Callable[..., AbstractAsyncContextManager[Business]]) -> Transport:
    """The widget on this business's page."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Served]:
        async with business(folder, clock=clock()) as made:
            visitor = await Visitor(made.http, made.url).arrive(made.identity)
            yield made, AtTheWidget(visitor)
            await visitor.leave()

    return opened


def telegram(updates: str) -> Transport:
    """The shop's bot, by webhook or by polling."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Served]:
        async with telegram_shop(folder, updates, clock=clock()) as (business, messenger):
            yield business, InTelegram(messenger)

    return opened


@asynccontextmanager
async def whatsapp(folder: Path) -> AsyncIterator[Served]:
    """The shop's number."""
    async with shop_on_whatsapp(folder, clock=clock()) as (business, account):
        yield business, OnWhatsApp(account)


def slack(*, socket: bool) -> Transport:
    """The shop's app in the team's own workspace, over HTTP or over a socket alone."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Served]:
        demo = Path(str(files("demo")))
        text = without_phones((demo / "gateway.yaml").read_text()).replace(
            "spec: agent.yaml", f"spec: {demo / 'agent.yaml'}"
        )
        config = folder / "gateway.yaml"
        config.write_text(text.replace("app_token: null", "app_token: ${SLACK_APP_TOKEN}") if socket else text)
        async with shop(folder, config=config, prepare=_ana_is_here, clock=clock()) as business:
            workspace = business.slack
            if socket:
                assert workspace.courier.sockets is not None
                await workspace.courier.sockets.linked.wait()
                workspace.courier.gateway_url = ""
            yield business, InSlack(workspace)
            await workspace.settled()

    return opened


def _ana_is_here(world: World) -> None:
    """The customer of the story in Slack, whose account in the shop is hers."""
    people, customers = world.slack.people, world.shop.stock.customers
    people[CUSTOMER] = replace(people[CUSTOMER], real_name="Ana Ruiz", display_name="Ana")
    for number, one in customers.items():
        customers[number] = replace(one, handles=(f"slack:{CUSTOMER}",) if number == ANA else ())


TRANSPORTS: dict[str, Transport] = {
    "web": web(shop),
    "telegram-webhook": telegram("webhook"),
    "telegram-polling": telegram("polling"),
    "whatsapp": whatsapp,
    "slack-http": slack(socket=False),
    "slack-socket": slack(socket=True),
    "hotel": web(hotel),
}
SHARING = tuple(name for name in TRANSPORTS if name != "hotel")  # where a customer can send a file
