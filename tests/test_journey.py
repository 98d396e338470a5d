"""The product as the three who use it see it: a customer in the shop, Sara at the desk, an operator at the log.

All of it is the real `gateway demo`, started as a process, and a real browser. With SCREENSHOTS=docs/screenshots in the
environment the pictures of the README are taken on the way.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from tests.support.browser import CHROMIUM, FLAGS, needs_chromium

PATIENCE, USUAL_PATIENCE = 30.0, 5.0

ASKS = "Hi, I returned the headphones two weeks ago and still haven't seen the refund on my card. Order #A-48291."
AGREES = "Yes please, and also can you check on the second pair I ordered last Friday? It hasn't shipped."
LATER = "Where is order A-48466?"
REPLY = (
    "I see the refund went through and order A-48519 has a hold from the warehouse; "
    "I'll get this cleared today and confirm by email."
)
NOTE = "note: rang the warehouse, they release it this afternoon"
HANDED, TALKING = "A person from the team will answer here", "You are now talking with Sara Lindqvist."
GREETING, LABEL = "Here is your label,", b"%PDF-1.7\nthe return label"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAIAAACDRijCAAAAKElEQVR42mN4sG8aHB2ZlQNHpIozDGODKNGMLD6cDRpNR6PpiAoGAQB4i/6fS5"
    "A5JwAAAABJRU5ErkJggg=="
)
CLOSED = "We have closed this request. Write again at any time."

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    needs_chromium,
]


class Served:
    """`gateway demo` on a free port, with a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Serve, on the same port as before, and wait until it says where."""
        port = self.url.rpartition(":")[2] or "0"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "demo", "--port", port, "--data", str(self.data),
            stdout=asyncio.subprocess.PIPE, env=environment | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while not (line := (await self._process.stdout.readline()).decode()).startswith("  Start here"):
                assert line, "it ended before it served"
        self.url = line.split()[-1].rstrip("/")

    async def kill(self) -> None:
        """SIGKILL: nothing can be tidied up."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    def paid(self) -> list[dict[str, Any]]:
        """What the shop's own book says was paid."""
        rows = [json.loads(line) for line in (self.data / "shop.jsonl").read_text("utf-8").splitlines()]
        return [row for row in rows if row["what"] == "refund"]


class Customer:
    """Ana on the shop's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        chat = page.locator("support-chat")
        self.bubbles = chat.get_by_role("log").locator(".bubble")
        self.composer = chat.get_by_role("textbox")
        self.chat = chat.get_by_role("dialog")
        self.status = chat.get_by_role("status")

    async def suggested(self, text: str) -> None:
        """Press one of the sentences that the page suggests."""
        await self.page.get_by_role("button", name=text).click()

    async def say(self, text: str) -> None:
        """Write it."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def sees(self, *texts: str) -> None:
        """These messages and no others, each with at least these words."""
        await expect(self.bubbles).to_have_text([re.compile(re.escape(text)) for text in texts])

    def button(self, label: str) -> Locator:
        """An answer to press."""
        return self.chat.get_by_role("button", name=label, exact=True)


class Colleague:
    """Sara at the desk."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.card = page.locator("#channel-messages .message").first
        self.thread = page.get_by_role("complementary", name="Thread")
        self.composer = self.thread.get_by_role("textbox", name="Reply…")

    async def write(self, text: str, mark: str) -> None:
        """A line in the thread; the gateway puts a mark on it."""
        await self.composer.fill(text)
        await self.composer.press("Enter")
        row = self.thread.locator(".message").filter(has_text=text)
        await expect(row.get_by_role("button", name=f"{mark}: Support Gateway")).to_be_visible()


class Phone:
    """A phone on the page `/phones`, in the hand of whoever the page gives it to first."""

    def __init__(self, page: Page, app: str) -> None:
        self.page = page
        self.place = page.get_by_role("region", name=app)
        self.messages = page.get_by_role("list", name=f"Messages in {app}").locator(".message")
        self.box = self.place.get_by_role("textbox", name="Message")

    async def suggested(self, text: str) -> None:
        """Press one of the sentences that the page suggests."""
        await self.place.get_by_role("button", name=text).click()

    async def say(self, text: str) -> None:
        """Write it."""
        await self.box.fill(text)
        await self.box.press("Enter")

    async def share(self, name: str, media_type: str, content: bytes) -> None:
        """Pick a file, which goes with the next words."""
        file = {"name": name, "mimeType": media_type, "buffer": content}
        await self.place.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]

    def button(self, label: str) -> Locator:
        """A button below a message."""
        return self.messages.get_by_role("button", name=label, exact=True)

    async def gets(self, link: str) -> bytes:
        """Open a file that came; what is in it."""
        async with self.page.expect_download() as caught:
            await self.messages.get_by_role("link", name=link).click()
        return (await (await caught.value).path()).read_bytes()


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    demo = Served(tmp_path / "demo")
    await demo.start()
    yield demo
    await demo.kill()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def visit(browser: Browser, served: Served) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """Opens one of the pages in a window of its own. At the end no page has complained."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    async def visit(path: str, **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB", "color_scheme": "light"} | options
        contexts.append(await browser.new_context(reduced_motion="reduce", **options))
        page = await contexts[-1].new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(served.url + path)
        return page

    expect.set_options(timeout=PATIENCE * 1000)
    yield visit
    expect.set_options(timeout=USUAL_PATIENCE * 1000)
    for context in contexts:
        await context.close()
    assert errors == []


async def shot(page: Page, name: str) -> None:
    """A picture for the README, if somebody wants them."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.mouse.move(0, 0)
        await page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", caret="hide")


async def test_a_refund_a_handover_and_a_person(served: Served, visit: Callable[..., Awaitable[Page]]) -> None:
    ana = Customer(await visit("/shop"))

    # Ana asks. The agent looks it up and asks back before it pays.
    await ana.suggested(ASKS)
    await ana.sees(ASKS, "A-48291")
    for words in ("The return of order A-48291 was received", "$189.40", "Shall I go ahead?"):
        await expect(ana.bubbles.last).to_contain_text(words)
    await expect(ana.button("Yes")).to_be_enabled()
    await shot(ana.page, "customer-offer")

    # She agrees in words and asks for more: paid once, and the second matter stops the agent.
    await ana.say(AGREES)
    answer = "Refund of $189.40 issued — confirmation #R-7711."
    await ana.sees(ASKS, "A-48291", AGREES, answer, HANDED)
    for words in ("A-48519", "the warehouse has put a flag on it", "I'm going to bring in someone from the team."):
        await expect(ana.bubbles.nth(3)).to_contain_text(words)
    await expect(ana.button("Yes")).to_be_disabled()
    await expect(ana.page.locator("#order-list")).to_contain_text("confirmation R-7711")

    # Sara sees the whole case, notes something for her colleagues, and answers.
    sara = Colleague(await visit("/desk"))
    for words in ("Waiting · Ana Ruiz · web", "warehouse_flag", "signed in on the site", AGREES):
        await expect(sara.card).to_contain_text(words)
    await sara.card.get_by_role("button", name="1 reply").click()
    for words in (ASKS, "What was tried", "get_order (order_id: A-48519)", "create_refund", "R-7711"):
        await expect(sara.thread).to_contain_text(words)
    for words in ("Why it stopped", "warehouse flag", "Proposed"):
        await expect(sara.thread).to_contain_text(words)
    await sara.write(NOTE, "lock")
    await sara.write(REPLY, "white check mark")
    await expect(sara.card).to_contain_text("Sara Lindqvist · Ana Ruiz · web")
    await shot(sara.page, "desk-thread")

    # Ana sees who writes to her, once, and nothing of the note.
    await ana.sees(ASKS, "A-48291", AGREES, answer, HANDED, TALKING, REPLY)
    await expect(ana.chat).to_have_accessible_name("Sara Lindqvist")
    await shot(ana.page, "customer-person")

    # Sara closes the matter; the next question is the agent's again.
    await sara.card.get_by_role("button", name="Resolve").click()
    await expect(sara.card).to_contain_text("Resolved · Ana Ruiz · web")
    await ana.suggested(LATER)
    seven = (ASKS, "A-48291", AGREES, answer, HANDED, TALKING, REPLY)
    await ana.sees(*seven, CLOSED, LATER, "Order A-48466 left us on")
    await expect(ana.chat).to_have_accessible_name("Halden support")

    # The operator reads all of it back.
    log = await visit("/log")
    await the_log_tells(log)
    assert [(row["order_id"], row["amount"]) for row in served.paid()] == [("A-48291", 189.4)]


async def the_log_tells(log: Page) -> None:
    """The conversation, entry by entry, in the order in which it was committed."""
    await expect(log.get_by_role("heading", name="Ana Ruiz")).to_be_visible()
    entries = log.get_by_role("list", name="Entries")
    for kind, words in {
        "customer said": ASKS, "understood": "refund_status", "retrieved": "returns-and-refunds.md",
        "confirmation asked": "create_refund(amount: 189.4, order_id: A-48291)", "confirmation given": "approved",
        "handed over": "warehouse_flag", "staff noted": "rang the warehouse", "staff said": REPLY,
        "resolved": "Sara Lindqvist", "reopened": "customer",
    }.items():  # fmt: skip
        await expect(entries.locator(".entry").filter(has=log.get_by_text(kind, exact=True)).first).to_contain_text(
            words
        )
    paid = entries.locator(".entry").filter(has_text="create_refund(").filter(has_text="tool answered")
    await expect(paid).to_have_count(1)
    await entries.get_by_text("Turn 2", exact=True).evaluate("(it) => it.scrollIntoView()")
    await shot(log, "log")


async def test_two_customers_on_their_phones(served: Served, visit: Callable[..., Awaitable[Page]]) -> None:
    phones = await visit("/phones", viewport={"width": 1280, "height": 860})
    marie, priya = Phone(phones, "Telegram"), Phone(phones, "WhatsApp")

    # Each asks for her money: on Telegram a button answers, on WhatsApp a number.
    await phones.get_by_role("button", name="START").click()
    await expect(marie.messages.nth(1)).to_contain_text("Bonjour")
    await marie.suggested("Hi, I returned the microphone.")
    await marie.button("Yes").click()
    await expect(marie.messages.last).to_contain_text("Refund of $139.00 issued")
    await expect(marie.button("Yes")).to_have_count(0)
    await priya.suggested("Hi, I sent the headphones back.")
    await expect(priya.messages.last.locator(".item")).to_have_text(["1.Yes", re.compile(r"^2.No")])
    await priya.say("1")
    await expect(priya.messages.last).to_contain_text("Refund of $189.40 issued")
    await expect(priya.messages.nth(0).get_by_role("img", name="Read")).to_be_visible()
    assert sorted(row["order_id"] for row in served.paid()) == ["A-46420", "A-46901"]

    # Each asks for a person, Marie with a picture; Sara answers both, with a file.
    await marie.share("box.png", "image/png", PICTURE)
    await marie.say("I want to talk to a human")
    await expect(marie.messages.last).to_contain_text("I'm going to bring in someone from the team.")
    await expect(marie.messages.get_by_role("img", name="box.png")).to_be_visible()
    await priya.say("I want to talk to a human")
    await expect(priya.messages.last).to_contain_text("I'm going to bring in someone from the team.")
    sara = Colleague(await visit("/desk"))
    for customer in ("Marie Dupont · telegram", "Priya Nair · whatsapp"):
        card = sara.page.locator("#channel-messages .message").filter(has_text=customer)
        await card.get_by_role("button", name=re.compile("repl")).click()
        if customer.startswith("Marie"):
            await expect(sara.thread.get_by_role("img", name="box.png")).to_be_visible()
        label = {"name": "label.pdf", "mimeType": "application/pdf", "buffer": LABEL}
        await sara.thread.locator("input[type=file]").set_input_files(label)  # type: ignore[arg-type]
        await sara.write(f"{GREETING} {customer.split()[0]}!", "white check mark")

    # Both read her words under her name, and open the file.
    for phone, name in ((marie, "Marie"), (priya, "Priya")):
        await expect(phone.messages.filter(has_text=f"Sara Lindqvist: {GREETING} {name}!")).to_be_visible()
        assert await phone.gets("label.pdf") == LABEL
    await shot(phones, "phones")

    # The same after a restart.
    before = [await phone.messages.count() for phone in (marie, priya)]
    await served.kill()
    await served.start()
    await phones.reload()
    for phone, count in zip((marie, priya), before, strict=True):
        await expect(phone.messages).to_have_count(count)
        assert await phone.gets("label.pdf") == LABEL
    await marie.say("thank you")
    card = sara.page.locator("#channel-messages .message").filter(has_text="Marie Dupont · telegram")
    await expect(card.locator("blockquote")).to_have_text("thank you")


async def test_a_gateway_that_is_killed_loses_and_repeats_nothing(
    served: Served, visit: Callable[..., Awaitable[Page]]
) -> None:
    ana, sara = Customer(await visit("/shop")), Colleague(await visit("/desk"))
    await ana.suggested(ASKS)
    await ana.sees(ASKS, "Shall I go ahead?")

    # Ana writes while nobody is there to take it.
    await served.kill()
    await ana.say(AGREES)
    await expect(ana.bubbles.last).to_have_text(AGREES)
    await expect(ana.chat.get_by_text("Sending…")).to_be_visible()
    await expect(ana.status.get_by_text("Connecting…")).to_be_visible()

    # The same data, the same port; both pages come back by themselves.
    await served.start()
    answer = "Refund of $189.40 issued — confirmation #R-7711."
    await ana.sees(ASKS, "Shall I go ahead?", AGREES, answer, HANDED)
    await expect(ana.chat.get_by_text("Sending…")).to_have_count(0)
    await expect(sara.card).to_contain_text("Waiting · Ana Ruiz · web")
    await sara.card.get_by_role("button", name="1 reply").click()
    await sara.write(REPLY, "white check mark")
    await ana.sees(ASKS, "Shall I go ahead?", AGREES, answer, HANDED, TALKING, REPLY)
    await expect(sara.page.locator("#channel-messages .message")).to_have_count(1)
    assert len(served.paid()) == 1

    # Killed again, and read back: a reload shows the same words from the store.
    await served.kill()
    await served.start()
    await ana.page.reload()
    await ana.page.get_by_role("button", name="Open chat").click()
    await ana.sees(ASKS, "Shall I go ahead?", AGREES, answer, TALKING, REPLY)


async def test_what_the_agent_may_not_decide_an_approver_does(
    served: Served, visit: Callable[..., Awaitable[Page]]
) -> None:
    ana = Customer(await visit("/shop"))
    await ana.suggested("Please refund order A-47810, I sent the speaker back")
    await ana.button("Yes").click()
    await expect(ana.bubbles.last).to_contain_text("A colleague has to approve this.")

    desk = Colleague(await visit("/desk"))
    act_as = desk.page.get_by_label("You are")
    await act_as.select_option(label="Ben Okafor – CX")
    await desk.card.get_by_role("button", name="2 replies").click()
    await desk.thread.get_by_role("button", name="Approve").click()
    await expect(desk.thread).to_contain_text("You may not decide this: you are not one of the approvers.")
    await act_as.select_option(label="Lena Hoffmann – Finance")
    await desk.card.get_by_role("button", name="2 replies").click()
    await desk.thread.get_by_role("button", name="Approve").click()
    await expect(desk.thread).to_contain_text("Approved by Lena Hoffmann")
    await expect(desk.thread.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(ana.bubbles.last).to_contain_text("Refund of $249.00 issued")
    assert [(row["order_id"], row["amount"]) for row in served.paid()] == [("A-47810", 249.0)]


async def test_the_widget_in_the_dark_and_from_right_to_left(visit: Callable[..., Awaitable[Page]]) -> None:
    small = {"width": 480, "height": 640}
    page = await visit("/chat?locale=ar", viewport=small, locale="ar-EG", color_scheme="dark")
    await page.get_by_role("button", name="التحدث إلى شخص").click()
    await expect(page.get_by_text("سيرد عليك هنا أحد أفراد الفريق")).to_be_visible()
    await page.get_by_role("textbox").fill("شكرًا، رقم الطلب A-48466")
    await page.get_by_role("textbox").press("Enter")
    said = page.get_by_role("log").locator(".bubble")
    await expect(said.last).to_have_text("شكرًا، رقم الطلب A-48466")
    direction = "(them) => them.map((it) => getComputedStyle(it).direction)"
    assert await said.evaluate_all(direction) == ["rtl", "ltr", "rtl", "rtl"]  # each message as its words go
    await shot(page, "customer-dark-rtl")
