"""Someone on a shop's page in a real browser, under the strictest policy a site may have."""

import asyncio
from dataclasses import dataclass, field
from html import escape
from typing import Any

from playwright.async_api import ConsoleMessage, Locator, Page, expect

from tests.channels.widget.standin import StandIn

WATCH = """
    window.violations = [];
    window.heard = [];
    document.addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective + ' ' + event.blockedURI));
    for (const name of ['ready', 'open', 'close', 'unread', 'state', 'error'])
      addEventListener('supportchat:' + name, ({ detail }) => heard.push([name, detail]));
"""
PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
<body><main><h1>Northwind Outdoor</h1><p>Tents and boots.</p>{body}</main>{script}</body></html>"""


@dataclass
class Visitor:
    """Someone on the shop's page, and what they can find there."""

    page: Page
    standin: StandIn
    errors: list[str] = field(default_factory=list)

    async def visit(self, lang: str = "en", head: str = "", body: str = "", **data: str) -> None:
        """Load the page with the widget's one line on it."""
        attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
        script = f'<script async src="{self.standin.origin}/widget.js"{attributes}></script>'
        self.standin.page = PAGE.format(lang=lang, head=head, body=body, script=script)
        policy = f"default-src 'none'; script-src {self.standin.origin}; connect-src {self.standin.origin}"
        self.standin.page_headers = {"Content-Security-Policy": f"{policy}; require-trusted-types-for 'script'"}
        await self.page.goto(self.standin.shop)
        await expect(self.page.locator("support-chat")).to_be_attached()

    async def open(self) -> None:
        """Press the launcher and wait until messages can come."""
        await self.launcher.click()
        await expect(self.composer).to_be_focused()
        await self.standin.until(lambda: self.standin.streams)

    async def chat(self, **data: str) -> None:
        """Visit and open."""
        await self.visit(**data)
        await self.open()

    async def say(self, text: str) -> None:
        """Type and press Enter."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def heard(self, name: str) -> list[Any]:
        """The details of the page's events of one name."""
        events = await self.page.evaluate("heard")
        return [detail for event, detail in events if event == name]

    async def until(self, condition: str) -> None:
        """Wait for an expression to hold; the page's policy forbids Playwright's own way of waiting, which evaluates strings."""
        async with asyncio.timeout(10):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110 - the page has no event for it
                await asyncio.sleep(0.02)

    def text(self, text: str) -> Locator:
        """Bubbles with exactly this text."""
        return self.page.locator(".bubble").get_by_text(text, exact=True)

    @property
    def launcher(self) -> Locator:
        """The round button."""
        return self.page.locator("button.launcher")

    @property
    def dialog(self) -> Locator:
        """The panel."""
        return self.page.get_by_role("dialog")

    @property
    def composer(self) -> Locator:
        """Where one writes."""
        return self.page.get_by_role("textbox")

    @property
    def log(self) -> Locator:
        """The messages."""
        return self.page.get_by_role("log")

    @property
    def bubbles(self) -> Locator:
        """Every visible message, in order, without what is being written."""
        return self.log.locator(".bubble")

    @property
    def preview(self) -> Locator:
        """What is being written."""
        return self.page.locator(".live .bubble")


def listen(visitor: Visitor) -> None:
    """Note every complaint, except of the network, which the tests break on purpose."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text and "net::ERR" not in message.text:
            visitor.errors.append(message.text)

    visitor.page.on("console", note)
    visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
