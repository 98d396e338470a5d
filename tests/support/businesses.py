"""Two businesses to live the story in: the demo's shop, and a hotel that shares nothing with it but the protocols."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey

from demo import world
from demo.slack import Workspace
from demo.slack.events import Courier
from demo.slack.message import Message
from demo.slack.people import DESK, LENA, SARA
from demo.stock import ANA
from gateway.ids import clock as real_clock
from tests.support.running import OPERATOR, SECRET_KEY, Running, running
from tests.worlds.hotel.server import Hotel

SITE_SECRET = "identity-secret-of-the-hotel-0123456789"
SLACK_SECRET = "slack-signing-secret-of-the-tests"
BOT_TOKEN = "xoxb-of-the-tests"


@dataclass
class Business:
    """What the story says in this business, and how to look at its outside."""

    name: str
    running: Running
    slack: Workspace
    identity: str
    effects: Callable[[], list[dict[str, Any]]]
    person: str
    person_name: str
    customer_name: str
    intent: str
    reason: str
    asks: str
    offer_says: tuple[str, ...]
    agrees_and_asks_more: str
    receipt: str
    receipt_number: str
    handover: str
    first_id: str
    second_id: str
    reply: str
    later_question: str
    later_answer: str
    second_request: str
    second_receipt: str
    third_request: str

    @property
    def url(self) -> str:
        """The gateway's origin."""
        return self.running.url

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client."""
        return self.running.http

    async def root(self) -> str:
        """The `ts` of the case's card: the one top-level message of the app."""
        (card,) = [message for message in self.slack.messages(DESK) if message.by_app and not message.is_reply]
        return card.ts

    async def card(self) -> str:
        """The card as text."""
        return text_of(self.slack.message(DESK, await self.root()).blocks)

    async def thread_text(self) -> str:
        """Everything the app wrote in the thread, as text."""
        thread = self.slack.thread(await self.root())[1:]
        return "\n".join(text_of(message.blocks) + message.text for message in thread if message.by_app)

    async def desk_words(self) -> list[str]:
        """Everything that the app shows in the case's thread, from the card on."""
        thread = [message for message in self.slack.thread(await self.root()) if message.by_app]
        return [words for message in thread for words in (*words_of(message.blocks), message.text)]

    def approval(self) -> Message:
        """The newest card that asks for an approver's word."""
        asking = [one for one in self.slack.messages(DESK) if one.by_app and "approve" in _action_ids(one.blocks)]
        return asking[-1]

    async def say_at_the_desk(self, person: str, text: str, mark: str) -> None:
        """Write into the thread, and wait until the gateway has put this mark on it."""
        await self.slack.post_as(person, text, thread_ts=await self.root())
        await self.marked(text, mark)

    async def marked(self, text: str, mark: str, within: float = 10.0) -> None:
        """Wait until the message with this text carries this reaction."""
        (message,) = [message for message in self.slack.messages(DESK) if message.text == text]
        changed = asyncio.Event()
        self.slack.watchers.append(lambda _: changed.set())
        async with asyncio.timeout(within):
            while mark not in message.reactions:
                await changed.wait()
                changed.clear()


def _action_ids(blocks: list[dict[str, Any]]) -> set[str]:
    return {one.get("action_id", "") for block in blocks for one in block.get("elements", ())}


def text_of(blocks: list[dict[str, Any]]) -> str:
    """All text of Block Kit blocks, in order."""
    return " ".join(words_of(blocks))


def words_of(node: Any) -> Iterator[str]:
    """Every text in Block Kit blocks, one by one."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key in ("text", "url", "value") and isinstance(value, str))
        for value in node.values():
            yield from words_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from words_of(value)


def _plain(folder: Path) -> Path:
    """The demo's configuration, its phones left out."""
    demo = Path(str(files("demo")))
    path = folder / "gateway.yaml"
    text = without_phones((demo / "gateway.yaml").read_text())
    path.write_text(text.replace("spec: agent.yaml", f"spec: {demo / 'agent.yaml'}"))
    return path


def without_phones(text: str) -> str:
    """The demo's configuration with customers on its page and in Slack alone: its stand-ins for phones may rest."""
    return re.sub(r"\n  (?:telegram|whatsapp):.*(?:\n    .*)+", "", text)


@asynccontextmanager
async def shop(
    folder: Path,
    *,
    config: Path | None = None,
    prepare: Callable[[world.World], None] = lambda _: None,
    connect: Callable[[str], None] = lambda _: None,
    clock: Callable[[], int] = real_clock,
    **more: str,
) -> AsyncIterator[Business]:
    """The demo's shop, from the demo's own files. `more` are further variables of the gateway's environment.

    `config` stands for the demo's `gateway.yaml`, which may name all that the world knows; `prepare` is shown the world before there
    is a gateway, `connect` told the gateway's origin before anything can come in.
    """
    secrets = world.Secrets.fresh()
    async with await world.serve(clock, secrets, retry_scale=0.01) as outside:
        variables = {**outside.environment(), "DEMO_DATA": str(folder), "GATEWAY_SECRET_KEY": SECRET_KEY}
        variables |= {"GATEWAY_OPERATOR_TOKEN": OPERATOR, "SLACK_APP_TOKEN": secrets.slack_app_token, **more}
        config = config or _plain(folder)
        prepare(outside)

        def connected(url: str) -> None:
            outside.connect(url)
            connect(url)

        async with running(config, variables, clock=clock, connect=connected) as gateway:
            customer = outside.shop.stock.customers[ANA]
            yield Business(
                name="shop",
                running=gateway,
                slack=outside.slack,
                identity=outside.storefront.identity(customer),
                effects=lambda: outside.shop.ledger,
                person=SARA,
                person_name="Sara Lindqvist",
                customer_name="Ana Ruiz",
                intent="refund_status",
                reason="warehouse_flag",
                asks="Hi, I returned the headphones two weeks ago and still haven't seen the refund on my card. Order #A-48291.",
                offer_says=("A-48291", "$189.40", "received", "Shall I go ahead?"),
                agrees_and_asks_more=(
                    "Yes please, and also can you check on the second pair I ordered last Friday? It hasn't shipped."
                ),
                receipt="Refund of $189.40 issued — confirmation #R-7711.",
                receipt_number="R-7711",
                handover="I'm going to bring in someone from the team.",
                first_id="A-48291",
                second_id="A-48519",
                reply=(
                    "I see the refund went through and order A-48519 has a hold from the warehouse; "
                    "I'll get this cleared today and confirm by email."
                ),
                later_question="How long do I have to send something back?",
                later_answer="30 days",
                second_request="Please refund order A-47810 too, I sent the speaker back.",
                second_receipt="Refund of $249.00 issued",
                third_request="And can you check on the second pair I ordered last Friday? It hasn't shipped.",
            )


@asynccontextmanager
async def hotel(folder: Path, *, clock: Callable[[], int] = real_clock) -> AsyncIterator[Business]:
    """A small hotel group with its own agent, knowledge and booking system."""
    source = Path(__file__).parent.parent / "worlds" / "hotel"
    shutil.copy(source / "agent.yaml", folder / "agent.yaml")
    shutil.copytree(source / "knowledge", folder / "knowledge")
    books = Hotel(datetime.fromtimestamp(clock() / 1000, UTC))
    slack = Workspace(clock, world.random_id, bot_token=BOT_TOKEN, courier=Courier(clock, SLACK_SECRET, "", 0.01))
    from demo.slack import api as slack_api

    async with serving(books.app()) as hotel_url, serving(slack_api.app(slack)) as slack.url:
        config = folder / "gateway.yaml"
        config.write_text(HOTEL_GATEWAY)
        variables = {
            "HOTEL_API": hotel_url, "SLACK_API": f"{slack.url}/api/", "BOT_TOKEN": BOT_TOKEN, "SIGNING_SECRET": SLACK_SECRET,
            "OPERATOR_TOKEN": OPERATOR, "SECRET_KEY": SECRET_KEY, "IDENTITY_SECRET": SITE_SECRET, "DESK": DESK,
            "APPROVER": LENA,
        }  # fmt: skip

        def connect(url: str) -> None:
            slack.courier.gateway_url = url

        async with running(config, variables, clock=clock, connect=connect) as gateway:
            yield Business(
                name="hotel",
                running=gateway,
                slack=slack,
                identity=signed(
                    {"sub": "guest-7", "name": "Inés Robles", "token": "token-of-ines"}, SITE_SECRET, now=clock()
                ),
                effects=lambda: books.ledger,
                person=LENA,
                person_name="Lena Hoffmann",
                customer_name="Inés Robles",
                intent="deposit_status",
                reason="overbooking",
                asks="Hello, I cancelled my room last month and the deposit has not come back. Booking BK-20417.",
                offer_says=("BK-20417", "89.5"),
                agrees_and_asks_more=(
                    "Yes please. And could you look at the other stay I booked yesterday? I never got a confirmation."
                ),
                receipt="receipt CM901",
                receipt_number="CM901",
                handover="A colleague of mine will take this from here.",
                first_id="BK-20417",
                second_id="BK-20988",
                reply="Your room at the Playa is safe: I have moved one guest and will write to you tonight.",
                later_question="What time is breakfast?",
                later_answer="7:30",
                second_request="I also cancelled BK-20533 and the deposit of that one has not come back either.",
                second_receipt="receipt CM902",
                third_request="Could you look at the other stay I booked yesterday? I never got a confirmation.",
            )
        await slack.close()


HOTEL_GATEWAY = """\
listen: {host: 127.0.0.1, port: 0}
store: sqlite:///data/gateway.db
operator_token: ${OPERATOR_TOKEN}
secret_key: ${SECRET_KEY}
slack: {bot_token: "${BOT_TOKEN}", signing_secret: "${SIGNING_SECRET}", api_base: "${SLACK_API}"}
channels:
  web: {mode: live, identity_secret: "${IDENTITY_SECRET}"}
desk:
  channel: ${DESK}
  approvers: {users: ["${APPROVER}"]}
agent: {spec: agent.yaml, model: offline}
"""


def signed(claims: dict[str, Any], secret: str, lasts: int = 3600, *, now: int = 0) -> str:
    """A site's identity: HS256 over the claims, good for `lasts` seconds from `now` (UTC ms, 0 for the present) on."""
    expires = (now or real_clock()) // 1000 + lasts
    return jwt.encode({"alg": "HS256"}, {**claims, "exp": expires}, OctKey.import_key(secret))


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve on a free port of this machine; its origin."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """A ledger file's rows."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
