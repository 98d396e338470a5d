"""Everyone can use it: keyboard, screen reader, small screens, right-to-left, dark, high contrast. axe finds half, the rest is asserted."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from tests.channels.widget.standin import StandIn
from tests.channels.widget.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (Path(__file__).parent / "axe.min.js").read_text("utf-8")  # axe-core 4.14.1, MPL-2.0, see axe.LICENSE.txt
CHOICE = [{"id": "yes", "label": "Yes, refund it"}, {"id": "no", "label": "No"}]
SPACING = """() => {
    const sheet = new CSSStyleSheet();
    const rule = 'line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important';
    sheet.replaceSync(`* { ${rule} } p { margin-block-end: 2em !important }`);
    document.querySelector('support-chat').shadowRoot.adoptedStyleSheets.push(sheet);
}"""
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
Scene = Callable[[Visitor, StandIn], Awaitable[None]]


RUN = """async (rules) => {
    const chat = document.querySelector('support-chat');
    const flat = new CSSStyleSheet();
    flat.replaceSync(':host{--face:var(--deep)!important}');
    chat.shadowRoot.adoptedStyleSheets.push(flat);
    document.body.inert = false;
    document.body.append(chat);
    const { violations, incomplete } = await axe.run(rules.length ? { runOnly: rules } : {});
    const told = ({ id, nodes }) => nodes.map(({ target, failureSummary }) => [id, target.join(' '), failureSummary]);
    const sure = ({ any }) => any[0]?.data?.messageKey === 'shortTextContent';
    const unsure = incomplete.map(({ id, nodes }) => ({ id, nodes: nodes.filter((node) => !sure(node)) }));
    return [...violations, ...unsure].flatMap(told);
}"""


async def complaints(visitor: Visitor, *rules: str) -> list[Any]:
    """What axe-core has against the page, or is unsure of. It sees colours only inside <body>, and of a gradient only one."""
    if not await visitor.page.evaluate("Boolean(window.axe)"):
        await visitor.page.evaluate(AXE)
    found: list[Any] = await visitor.page.evaluate(RUN, rules)
    return found


async def closed(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit()


async def opened(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()


async def talk(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say("Where is my order?")
    await standin.until(lambda: standin.accepted)
    link = {"t": "a", "href": "https://shop.example", "c": ["way"]}
    table = {"t": "table", "c": [{"t": "tr", "c": [{"t": "td", "c": ["Now"]}]}]}
    tree = [{"t": "p", "c": ["On its ", link, {"t": "code", "c": ["#1"]}]}, {"t": "h", "c": ["When"]}, table]
    standin.say("On its way", tree=tree)
    await expect(visitor.bubbles).to_have_count(2)


async def streaming(visitor: Visitor, standin: StandIn) -> None:
    await talk(visitor, standin)
    standin.push("typing")
    standin.push("delta", turn="t9", offset=0, text="Let me see")
    await expect(visitor.preview).to_have_text("Let me see")


async def offline(visitor: Visitor, standin: StandIn) -> None:
    await talk(visitor, standin)
    await visitor.page.context.set_offline(True)
    await visitor.say("Hello?")
    await expect(visitor.page.get_by_text("You are offline")).to_be_visible()


async def failed(visitor: Visitor, standin: StandIn) -> None:
    await talk(visitor, standin)
    standin.refusals = [413]
    await visitor.say("Too much")
    await expect(visitor.page.get_by_text("Not sent")).to_be_visible()


async def choosing(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("Really?", buttons=[{"id": "old", "label": "Old"}])
    standin.say("Refund?", buttons=CHOICE)
    await expect(visitor.page.get_by_role("button", name="Yes, refund it")).to_be_visible()


async def staff(visitor: Visitor, standin: StandIn) -> None:
    await talk(visitor, standin)
    standin.push("state", owner="agent", name=None)
    standin.push("state", owner="staff", name="Sara")
    for text in ("Sara here", "One moment"):
        standin.say(text, **{"from": "staff", "name": "Sara"})
    await expect(visitor.text("One moment")).to_be_visible()


async def unread(visitor: Visitor, standin: StandIn) -> None:
    await talk(visitor, standin)
    await visitor.page.keyboard.press("Escape")
    standin.say("Psst")
    await expect(visitor.launcher).to_have_accessible_name("Open chat, 1 unread")


async def sharing(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    card = {"url": "https://parcels.example/1", "title": "Track your parcel", "text": "With DHL"}
    standin.say("It is on its way", cards=[card], buttons=[{"id": "a", "label": "A-1 · Shoes", "detail": "3 May"}])
    chosen = [
        {"name": "box.png", "mimeType": "image/png", "buffer": b"\x89PNG"},
        {"name": "nothing.txt", "mimeType": "text/plain", "buffer": b""},
    ]
    attach = visitor.page.get_by_role("button", name="Attach a file")
    await expect(attach).to_be_visible()
    await visitor.page.locator("input[type=file]").set_input_files(chosen)  # type: ignore[arg-type]
    await expect(visitor.page.get_by_text("This kind of file cannot be sent")).to_be_visible()
    await expect(visitor.log.get_by_role("link")).to_be_visible()
    await standin.until(lambda: standin.files)


async def stuck(visitor: Visitor, standin: StandIn) -> None:
    await sharing(visitor, standin)
    standin.upload_refusals = [403]
    label = {"name": "label.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    await visitor.page.locator("input[type=file]").set_input_files(label)  # type: ignore[arg-type]
    again = visitor.page.get_by_role("button", name="Try again: label.png")
    await expect(again).to_be_visible()
    await visitor.page.get_by_role("button", name="Remove nothing.txt").click()
    await visitor.say("Here it is")
    await expect(visitor.page.get_by_text("then your message is sent")).to_be_visible()
    await expect(again).to_be_focused()


SCENES: list[Scene] = [closed, opened, talk, streaming, offline, failed, choosing, staff, unread, sharing, stuck]


@pytest.mark.context(bypass_csp=True)
@pytest.mark.parametrize("scene", SCENES)
async def test_axe_finds_nothing(visitor: Visitor, standin: StandIn, scene: Scene) -> None:
    await scene(visitor, standin)
    assert await complaints(visitor) == []


@pytest.mark.context(bypass_csp=True, color_scheme="dark")
@pytest.mark.parametrize("scene", [choosing, staff, offline, sharing, stuck])
async def test_axe_finds_nothing_in_the_dark(visitor: Visitor, standin: StandIn, scene: Scene) -> None:
    await scene(visitor, standin)
    assert await complaints(visitor) == []


@pytest.mark.context(bypass_csp=True, viewport={"width": 320, "height": 640})
async def test_axe_finds_nothing_on_a_phone(visitor: Visitor, standin: StandIn) -> None:
    await staff(visitor, standin)
    assert await complaints(visitor) == []


@pytest.mark.context(bypass_csp=True, locale="ar")
async def test_axe_finds_nothing_from_right_to_left(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(lang="ar")
    standin.say("هل تريد استرداد المبلغ؟", buttons=[{"id": "yes", "label": "نعم"}])
    await expect(visitor.bubbles).to_have_count(1)
    assert await complaints(visitor) == []


@pytest.mark.context(bypass_csp=True)
async def test_every_brand_colour_stays_legible(visitor: Visitor, standin: StandIn) -> None:
    await choosing(visitor, standin)
    await visitor.say("Hello")
    await standin.until(lambda: standin.accepted)
    standin.push("delta", turn="t9", offset=0, text="Let me see")
    await expect(visitor.preview).to_be_visible()
    dye = "(colour) => document.documentElement.style.setProperty('--support-chat-color', colour)"
    for scheme in SCHEMES:
        await visitor.page.emulate_media(color_scheme=scheme)
        for colour in ("#ffd23f", "#0b6e4f", "#3b82f6", "#767676", "#000", "#fff", "oklch(0.7 0.2 30)"):
            await visitor.page.evaluate(dye, colour)
            assert await complaints(visitor, "color-contrast") == [], (scheme, colour)


@pytest.mark.context(bypass_csp=True)
async def test_axe_finds_nothing_on_the_page_of_its_own(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.goto(f"{standin.origin}/chat")
    await standin.until(lambda: standin.streams)
    standin.say("Hello")
    await expect(visitor.bubbles).to_have_count(1)
    assert await complaints(visitor) == []


async def test_a_whole_conversation_by_keyboard(visitor: Visitor, standin: StandIn) -> None:
    keyboard = visitor.page.keyboard
    await visitor.visit()
    await keyboard.press("Tab")
    await expect(visitor.launcher).to_be_focused()
    await keyboard.press("Enter")
    await expect(visitor.composer).to_be_focused()
    await keyboard.type("First")
    await keyboard.press("Shift+Enter")
    await keyboard.type("second")
    await keyboard.press("Enter")
    await standin.until(lambda: standin.accepted)
    assert next(iter(standin.accepted.values()))["text"] == "First\nsecond"
    standin.say("Refund?", buttons=CHOICE)
    no = visitor.page.get_by_role("button", name="No", exact=True)
    await expect(no).to_be_visible()
    await keyboard.press("Shift+Tab")
    await expect(no).to_be_focused()
    await keyboard.press("Space")
    await standin.until(lambda: len(standin.accepted) == 2)
    await expect(visitor.composer).to_be_focused()
    await keyboard.press("Escape")
    await expect(visitor.dialog).to_be_hidden()
    await expect(visitor.launcher).to_be_focused()


async def test_an_input_method_keeps_its_enter(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.composer.fill("にほん")
    press = "(it, how) => it.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...how }))"
    for how in ({"isComposing": True}, {"keyCode": 229}):
        await visitor.composer.evaluate(press, how)
    await expect(visitor.composer).to_have_value("にほん")
    await visitor.composer.press("Control+Enter")
    await standin.until(lambda: standin.accepted)
    await expect(visitor.composer).to_have_value("")
    assert len(standin.posts) == 1


async def test_a_screen_reader_hears_history_in_silence_and_news_aloud(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await expect(visitor.log).to_have_attribute("aria-busy", "false")
    standin.push("delta", turn="t9", offset=0, text="Let me")
    await expect(visitor.preview).to_have_text("Let me")
    assert await visitor.page.locator(".live").get_attribute("aria-busy") == "true"
    assert await visitor.page.locator("[role=log] .live, [aria-live] .live, .live[aria-live]").count() == 0
    await expect(visitor.dialog).to_have_accessible_name("Support")
    assert await visitor.dialog.get_attribute("aria-modal") != "true"


@pytest.mark.context(viewport={"width": 320, "height": 568})
async def test_a_phone_shows_the_panel_alone(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit(body='<a href="#orders">Orders</a>')
    await visitor.open()
    standin.say("averylongwordwithoutanyspacesthatmustbreaksomewhereorthepagewouldscrollsideways " * 2)
    await expect(visitor.bubbles).to_have_count(1)
    box = await visitor.dialog.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 320, "height": 568}
    assert await visitor.dialog.get_attribute("aria-modal") == "true"
    assert await visitor.dialog.evaluate("(it) => it.scrollWidth") == 320
    assert await visitor.page.locator(".scroll").evaluate("(it) => it.scrollWidth <= it.clientWidth")
    assert await visitor.page.evaluate("document.body.inert && document.documentElement.scrollWidth") == 320
    await visitor.page.get_by_role("button", name="Close chat").click()
    assert await visitor.page.evaluate("document.body.inert") is False
    await expect(visitor.launcher).to_be_focused()


async def test_everything_pressable_is_large_enough(visitor: Visitor, standin: StandIn) -> None:
    await choosing(visitor, standin)
    standin.refusals = [413]
    await visitor.say("Too much")
    await expect(visitor.page.get_by_role("button", name="Try again")).to_be_visible()
    buttons = await visitor.page.get_by_role("button").all()
    assert len(buttons) >= 7
    for button in buttons:
        box = await button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 24, await button.inner_text()


async def test_wide_spacing_of_text_cuts_nothing_off(visitor: Visitor, standin: StandIn) -> None:
    await choosing(visitor, standin)
    await visitor.page.evaluate(SPACING)
    cut = "(all) => all.filter((it) => it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1).length"
    assert await visitor.page.locator(".head, .head p, .bubble, .choices button, .who, .person").evaluate_all(cut) == 0
    await expect(visitor.page.get_by_role("button", name="Talk to a person")).to_be_in_viewport(ratio=1)


async def test_nothing_moves_for_those_who_ask_for_it(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit()
    durations = """() => [...document.querySelector('support-chat').shadowRoot.querySelectorAll('.launcher, .launcher *')]
        .map((it) => getComputedStyle(it).transitionDuration)"""
    assert set(await visitor.page.evaluate(durations)) == {"0s"}
    await choosing(visitor, standin)
    standin.push("typing")
    await expect(visitor.page.locator(".dots")).to_be_visible()
    moving = "document.querySelector('support-chat').shadowRoot.getAnimations().length"
    assert await visitor.page.evaluate(moving) == 0
    await visitor.page.emulate_media(reduced_motion="no-preference")
    await visitor.until(f"{moving} >= 3")


async def test_right_to_left_mirrors(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(lang="ar")
    await visitor.say("Hello عربي")
    await standin.until(lambda: standin.accepted)
    standin.say("مرحبا")
    await expect(visitor.bubbles).to_have_count(2)
    await expect(visitor.dialog).to_have_accessible_name("الدعم")
    mine, theirs, panel = [
        await locator.bounding_box() for locator in (visitor.bubbles.first, visitor.bubbles.last, visitor.dialog)
    ]
    assert mine
    assert theirs
    assert panel
    assert panel["x"] < 100  # the panel stands at the end of the line: left
    assert mine["x"] < theirs["x"]
    directions = await visitor.bubbles.evaluate_all("(all) => all.map((it) => getComputedStyle(it).direction)")
    assert directions == ["ltr", "rtl"]


async def test_an_unknown_language_speaks_english(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit(lang="fi")
    await expect(visitor.launcher).to_have_accessible_name("Open chat")


async def test_the_launcher_makes_way_for_the_focus(visitor: Visitor, standin: StandIn) -> None:
    corner = "position:fixed;inset-block-end:30px;inset-inline-end:30px"
    await visitor.visit(body='<button id="corner">x</button><button id="other">y</button>')
    await visitor.page.locator("#corner").evaluate("(it, style) => (it.style.cssText = style)", corner)
    await visitor.page.locator("#corner").focus()
    covered = "() => document.elementFromPoint(innerWidth - 40, innerHeight - 40).id"
    await visitor.until(f"({covered})() === 'corner'")
    await visitor.page.locator("#other").focus()
    await visitor.until(f"({covered})() !== 'corner'")


async def test_escape_uncovers_what_has_the_focus(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit(body='<button id="under">x</button>')
    place = "(it) => (it.style.cssText = 'position:fixed;inset:300px 200px auto auto')"
    await visitor.page.locator("#under").evaluate(place)
    await visitor.open()
    await visitor.page.locator("#under").focus()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.dialog).to_be_hidden()
    await expect(visitor.page.locator("#under")).to_be_focused()


@pytest.mark.context(forced_colors="active")
async def test_high_contrast_keeps_the_outlines(visitor: Visitor, standin: StandIn) -> None:
    await choosing(visitor, standin)
    widths = await visitor.bubbles.evaluate_all("(all) => all.map((it) => getComputedStyle(it).borderTopWidth)")
    assert set(widths) == {"1px"}


@pytest.mark.context(color_scheme="dark")
async def test_a_page_can_insist_on_light(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    colour = "(it) => getComputedStyle(it).backgroundColor"
    assert await visitor.dialog.evaluate(colour) == "rgb(22, 23, 28)"
    await visitor.page.locator("support-chat").evaluate("(it) => (it.style.colorScheme = 'light')")
    assert await visitor.dialog.evaluate(colour) == "rgb(255, 255, 255)"
