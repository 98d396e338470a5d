"""Hostile words, hostile links, hostile pages. Every test of this folder runs under `default-src 'none'` and Trusted Types."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.channels.widget.standin import StandIn
from tests.channels.widget.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>&lt;b&gt;'


def link(href: str, *text: str) -> list[Any]:
    return [{"t": "p", "c": [{"t": "a", "href": href, "c": list(text) or ["click me"]}]}]


async def test_markup_is_text_whoever_says_it(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say(MARKUP)
    await standin.until(lambda: standin.accepted)
    standin.push("delta", turn="t", offset=0, text=MARKUP)
    await expect(visitor.preview).to_have_text(MARKUP)
    standin.say(MARKUP, turn="t", name=MARKUP)
    standin.say(
        "x",
        tree=[
            {"t": "p", "c": [MARKUP]},
            {"t": "script", "c": ["alert(3)"]},
            {"t": "img", "src": "https://evil.example"},
        ],
    )
    standin.push("state", owner="agent", name=None)
    standin.push("state", owner="staff", name=MARKUP)
    standin.say(MARKUP, **{"from": "staff", "name": MARKUP})
    await expect(visitor.dialog).to_have_accessible_name(MARKUP)
    await expect(visitor.bubbles).to_have_text([MARKUP, MARKUP, MARKUP + "alert(3)", MARKUP])
    assert await visitor.page.locator("img, script:not([src]), iframe").count() == 0


async def test_hostile_links_are_only_words(visitor: Visitor, standin: StandIn) -> None:
    hostile = [
        "javascript:alert(1)",
        "\x01javascript:alert(1)",
        "JaVa\tScript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "blob:https://shop.example/1",
        "http://plain.example",
        "//protocol.example",
        "/relative",
        "",
    ]
    await visitor.chat()
    standin.say("x", tree=[node for href in hostile for node in link(href)])
    standin.say("x", tree=[{"t": "a", "c": ["no href"]}, {"t": "a", "href": {"toString": "x"}, "c": ["odd href"]}])
    await expect(visitor.bubbles).to_have_text(["click me" * len(hostile), "no hrefodd href"])
    assert await visitor.log.locator("a, [href]").count() == 0


async def test_honest_links_open_elsewhere(visitor: Visitor, standin: StandIn) -> None:
    honest = ["https://shop.example/orders", "mailto:help@shop.example", "tel:+441632960000"]
    await visitor.chat()
    standin.say("x", tree=[node for href in honest for node in link(href)])
    anchors = visitor.log.get_by_role("link", name="click me")
    await expect(anchors).to_have_count(3)
    for n, href in enumerate(honest):
        await expect(anchors.nth(n)).to_have_attribute("href", href)
        await expect(anchors.nth(n)).to_have_attribute("rel", "noopener nofollow ugc")
        await expect(anchors.nth(n)).to_have_attribute("target", "_blank")


async def test_a_link_that_names_another_host_names_its_own(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("x", tree=link("https://evil.example/login", "https://bank.example"))
    await expect(visitor.log.get_by_role("link")).to_have_text("evil.example")


async def test_a_tree_becomes_elements(visitor: Visitor, standin: StandIn) -> None:
    row = {"t": "tr", "c": [{"t": "td", "c": ["Tent"]}, {"t": "td", "c": ["€120"]}]}
    head = {"t": "tr", "c": [{"t": "th", "c": ["Item"]}, {"t": "th", "c": ["Price"]}]}
    tree = [
        {"t": "h", "c": ["Returns"]},
        {"t": "p", "c": ["Within ", {"t": "strong", "c": ["30 days"]}, {"t": "br"}, {"t": "s", "c": ["60"]}]},
        {"t": "ul", "c": [{"t": "li", "c": [{"t": "em", "c": ["unused"]}]}]},
        {"t": "ol", "c": [{"t": "li", "c": ["first"]}]},
        {"t": "quote", "c": [{"t": "p", "c": ["quoted"]}]},
        {"t": "pre", "c": [{"t": "code", "c": ["x = 1\n  y"]}]},
        {"t": "hr"},
        {"t": "table", "c": [head, row]},
        {"t": "marquee", "c": ["unknown ", {"t": "em", "c": ["kept"]}]},
        {"t": "constructor", "c": "one"},
        None,
    ]
    await visitor.chat()
    standin.say("fallback", tree=tree)
    bubble = visitor.bubbles.first
    for tag in (
        "h3",
        "strong",
        "br",
        "s",
        "ul li em",
        "ol li",
        "blockquote p",
        "pre code",
        "hr",
        "table tr th",
        "table tr td",
    ):
        await expect(bubble.locator(tag).first).to_be_attached()
    await expect(bubble.get_by_role("cell", name="€120")).to_be_visible()
    await expect(bubble).to_contain_text("unknown keptone")


async def test_a_bottomless_tree_ends(visitor: Visitor, standin: StandIn) -> None:
    tree: Any = "deep"
    for _ in range(200):
        tree = {"t": "quote", "c": [tree]}
    await visitor.chat()
    standin.say("x", tree=[tree])
    standin.say("Next")
    await expect(visitor.text("Next")).to_be_visible()


async def test_words_keep_their_lines_without_a_tree(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("one\n  two")
    assert await visitor.bubbles.first.inner_text() == "one\n  two"


async def test_a_broken_event_breaks_nothing(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    for queue in standin.newest.streams:
        queue.put_nowait(
            b"event: message\ndata: {not json\n\nevent: message\ndata: {}\n\nevent: typing\ndata:\n\nevent: new\ndata: 1\n\n"
        )
    standin.say("Fine")
    await expect(visitor.bubbles).to_have_text(["Fine"])
    assert len(standin.resumed) == 1


async def test_the_stream_may_be_cut_into_any_pieces(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    whole = b'id: 7\r\nevent: message\r\ndata: {"seq": 7, "from": "agent",\r\ndata: "text": "\xc3\xa9\xf0\x9f\x99\x82", "at": 0}\r\n\r\n'
    for queue in standin.newest.streams:
        for byte in whole:
            queue.put_nowait(bytes([byte]))
    await expect(visitor.bubbles).to_have_text(["é🙂"])


async def test_the_page_of_its_own_needs_no_inline_code(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.goto(f"{standin.origin}/chat?locale=es")
    await expect(visitor.composer).to_be_focused()
    await standin.until(lambda: standin.streams)
    standin.say("Hola")
    await expect(visitor.bubbles).to_have_text(["Hola"])
    await expect(visitor.page.get_by_role("main")).to_have_accessible_name("Atención al cliente")
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "es")
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.bubbles).to_be_visible()
    assert await visitor.page.locator("script:not([src]), [style]").count() == 0
