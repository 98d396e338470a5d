"""The pages in a real browser: what Slack gets is drawn, what people do there happens, and nobody is shut out."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.people import DESK, SARA
from demo.world import World
from tests.demo.conftest import Listener
from tests.support.browser import CHROMIUM, needs_chromium

AXE = Path(__file__).parents[1] / "channels" / "widget" / "axe.min.js"
HOSTILE = '<img src=x onerror="window.broken = 1"> <!channel> *bold* & [link](javascript:alert(1))'
CHECK = "async () => (await axe.run()).violations.map((found) => found.id + ': ' + found.nodes[0].html)"

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
]


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


CARD: list[dict[str, Any]] = [
    {"type": "header", "text": plain("🟠 Waiting · Ana Ruiz · web")},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Why it stopped*\nwarehouse_flag"}, plain(HOSTILE)]},
    {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": HOSTILE}]}]},
    {"type": "markdown", "text": "**Proposed**\n\n- release `A-48519`\n- tell Ana\n\n" + HOSTILE},
    {"type": "divider"},
    {"type": "actions", "elements": [
        {"type": "button", "action_id": "claim", "value": "con_1", "text": plain("Claim"), "style": "primary"},
        {"type": "button", "action_id": "resolve", "value": "con_1", "text": plain("Resolve"), "confirm": {
            "title": plain("Resolve this?"), "text": plain("Ana is told."), "confirm": plain("Yes, resolve"),
            "deny": plain("Not yet")}},
    ]},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "Reply in this thread to answer."}]},
]  # fmt: skip


async def conversations(_: web.Request) -> web.Response:
    item = {
        "id": "con_1",
        "channel": "web",
        "owner": "agent",
        "status": "open",
        "customer": "Ana Ruiz",
        "updated_at": 1,
    }
    return web.json_response({"items": [item], "next": None})


async def entries(request: web.Request) -> web.Response:
    said = {"seq": 1, "at": 1_779_271_200_000, "kind": "customer_said", "turn": "trn_1", "text": HOSTILE}
    asked = {"seq": 2, "at": 1_779_271_200_100, "kind": "tool_asked", "turn": "trn_1", "tool": "get_order",
             "args": {"order_id": "A-48291"}, "policy": "read"}  # fmt: skip
    return web.json_response({"items": [said, asked] if request.query["after"] == "0" else [], "next": None})


async def taken(_: web.Request) -> web.Response:
    return web.Response()


@pytest.fixture
async def origin(world: World) -> AsyncIterator[str]:
    """The gateway's origin, with the world's pages on it."""
    app = web.Application()
    app.add_routes([
        *world.routes(), web.get("/api/v1/conversations", conversations),
        web.get("/api/v1/conversations/{id}/log", entries), web.post("/webhooks/{channel}", taken),
    ])  # fmt: skip
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    world.end_streams()
    await runner.cleanup()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await browser.new_page(bypass_csp=False)
        page.set_default_timeout(8_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        await browser.close()
        assert errors == []


async def test_a_card_is_drawn_and_its_thread_answered(
    page: Page, origin: str, world: World, client: AsyncWebClient, gateway: Listener
) -> None:
    card = await client.chat_postMessage(channel=DESK, text="card", blocks=CARD)
    await client.chat_postMessage(channel=DESK, text=HOSTILE, thread_ts=card["ts"], username="Ana Ruiz")
    await client.chat_postEphemeral(channel=DESK, user=SARA, text="only for Sara")
    await page.goto(f"{origin}/desk")
    row = page.locator("#channel-messages .message").first
    await expect(row.get_by_role("heading")).to_contain_text("Waiting · Ana Ruiz · web")
    await expect(row.locator("blockquote")).to_have_text(HOSTILE)
    assert await page.evaluate("window.broken") is None
    await expect(page.get_by_text("only for Sara")).to_be_visible()

    await row.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("textbox", name="Reply…").fill("Hi, this is Sara.")
    await thread.get_by_role("textbox", name="Reply…").press("Enter")
    await expect(thread.get_by_text("Hi, this is Sara.")).to_be_visible()
    assert [(m.user, m.text) for m in world.slack.thread(card["ts"])][-1] == (SARA, "Hi, this is Sara.")

    await page.get_by_label("You are").select_option(label="Ben Okafor – CX")
    await expect(page.get_by_text("only for Sara")).to_be_hidden()


async def test_a_reply_that_nobody_took_goes_back_into_the_box_and_stays_there(
    page: Page, origin: str, world: World, client: AsyncWebClient
) -> None:
    card = await client.chat_postMessage(channel=DESK, text="card", blocks=CARD)
    await client.chat_postMessage(channel=DESK, text="hi", thread_ts=card["ts"], username="Ana Ruiz")
    await page.goto(f"{origin}/desk")
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    box = thread.get_by_role("textbox", name="Reply…")
    await page.route("**/demo/api/desk/post", lambda route: route.abort("connectionrefused"))
    await box.fill("Hi, this is Sara.")
    await box.press("Enter")
    await expect(thread.get_by_role("alert")).to_have_text("Not sent: not reachable")
    await expect(box).to_have_value("Hi, this is Sara.")

    await page.unroute("**/demo/api/desk/post")
    async with page.expect_response("**/demo/api/desk/events"):
        world.end_streams()
    await expect(page.locator("#connection")).to_be_empty()
    await expect(box).to_have_value("Hi, this is Sara.")
    await box.press("Enter")
    await expect(thread.get_by_text("Hi, this is Sara.")).to_be_visible()
    await expect(box).to_have_value("")
    assert [m.text for m in world.slack.thread(card["ts"])][1:] == ["hi", "Hi, this is Sara."]


async def test_slack_asks_before_it_sends_a_press_on(
    page: Page, origin: str, client: AsyncWebClient, gateway: Listener
) -> None:
    await client.chat_postMessage(channel=DESK, text="card", blocks=CARD)
    await page.goto(f"{origin}/desk")
    await page.get_by_role("button", name="Resolve").click()
    await page.get_by_role("dialog").get_by_role("button", name="Not yet").click()
    await page.get_by_role("button", name="Resolve").click()
    gateway.statuses = [500]
    async with page.expect_response("**/demo/api/desk/press"):
        await page.get_by_role("dialog").get_by_role("button", name="Yes, resolve").click()
    presses = [body for path, _, body in gateway.requests if path.endswith("/interactive")]
    assert [json.loads(parse_qs(b.decode())["payload"][0])["actions"][0]["action_id"] for b in presses] == ["resolve"]
    await expect(page.locator(".failure")).to_contain_text("status 500")


async def test_the_log_shows_words_as_they_are(page: Page, origin: str, world: World) -> None:
    world.connect(origin)
    await page.goto(f"{origin}/log")
    await expect(page.locator(".entry .said")).to_have_text(HOSTILE)
    await page.get_by_role("button", name="Tools and models").click()
    await expect(page.locator(".entry")).to_have_count(1)
    await expect(page.locator(".entry")).to_contain_text("A-48291")


async def a_chat_with_everything(page: Page, world: World) -> None:
    """On both phones: words of each side, a style, a link, buttons, a file, a menu."""
    await page.get_by_role("button", name="START").click()
    marie, telegram = world.telegram.chat(10004), world.telegram
    styles = [
        {"type": "bold", "offset": 0, "length": 5}, {"type": "italic", "offset": 3, "length": 2},
        {"type": "text_link", "offset": 6, "length": 4, "url": "https://halden.example"},
        {"type": "blockquote", "offset": 11, "length": 5},
    ]  # fmt: skip
    yes = [[{"text": "Yes", "callback_data": "1"}], [{"text": HOSTILE[:40], "callback_data": "2"}]]
    telegram.add(marie, telegram.bot, f"Hello link\nquote\n{HOSTILE}", styles, keyboard=yes)
    await telegram.share(10004, "note.pdf", "application/pdf", b"%PDF-1.7")
    await world.twilio.phones["whatsapp:+447700900123"].say(f"*bold* _it_ ~gone~ `x`\n- one\n> quoted\n{HOSTILE}")
    telegraph = page.locator(".telegram .messages")
    await expect(telegraph.locator("strong em")).to_have_text("lo")
    await expect(telegraph.get_by_role("link", name="link")).to_have_attribute("href", "https://halden.example")
    await expect(telegraph.locator("blockquote")).to_have_text("quote")
    await expect(telegraph.get_by_role("button", name="Yes")).to_be_visible()
    await expect(telegraph.get_by_role("link", name="note.pdf")).to_be_visible()
    written = page.locator(".whatsapp .messages")
    for tag, words in (("strong", "bold"), ("em", "it"), ("s", "gone"), ("code", "x"), ("blockquote", "quoted")):
        await expect(written.locator(tag).first).to_have_text(words)
    await expect(written).to_contain_text(HOSTILE.partition("*")[0].strip())
    await page.get_by_role("button", name="Menu").click()
    await expect(page.get_by_role("button", name="/start Start")).to_be_visible()
    assert await page.evaluate("window.broken") is None


@pytest.mark.parametrize("path", ["/", "/shop", "/desk", "/log", "/phones"])
async def test_nobody_is_shut_out(page: Page, origin: str, world: World, client: AsyncWebClient, path: str) -> None:
    card = await client.chat_postMessage(channel=DESK, text="card", blocks=CARD)
    await client.chat_postMessage(channel=DESK, text="hi", thread_ts=card["ts"], username="Ana Ruiz")
    world.connect(origin)
    await page.goto(origin + path)
    await expect(page.locator(".door, .orders li, .summary, .entry, .start").first).to_be_visible()
    if path == "/phones":
        await a_chat_with_everything(page, world)
    if path == "/desk":
        await page.locator(".summary").click()
    await page.evaluate(f"() => {{ {AXE.read_text('utf-8')} }}")
    assert await page.evaluate(CHECK) == []
