"""One Chromium for all tests, and a new visitor and a new far end for each."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.channels.widget.standin import StandIn, serve
from tests.channels.widget.visitor import WATCH, Visitor, listen
from tests.support.browser import CHROMIUM, FLAGS, MISSING, PRESENT


def pytest_configure(config: pytest.Config) -> None:
    """A mark of this folder."""
    config.addinivalue_line("markers", "context(**options): options of the browser's context")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    if not PRESENT:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def standin() -> AsyncIterator[StandIn]:
    """The far end."""
    async with serve() as standin:
        yield standin


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, standin: StandIn, request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    """A new visitor; options of the browser come from the mark `context`. At the end nothing has complained."""
    mark = request.node.get_closest_marker("context")
    options = {"viewport": {"width": 1000, "height": 800}, "reduced_motion": "reduce", "locale": "en-GB"}
    context = await browser.new_context(**{**options, **(mark.kwargs if mark else {})})
    await context.add_init_script(WATCH)
    visitor = Visitor(await context.new_page(), standin)
    visitor.page.set_default_timeout(10_000)
    listen(visitor)
    yield visitor
    if not visitor.page.is_closed():
        assert await visitor.page.evaluate("window.violations") == []
    assert visitor.errors == []
    await context.close()
