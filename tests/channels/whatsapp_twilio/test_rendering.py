"""Markdown as WhatsApp shows it: read by a checker of its own, which knows WhatsApp's rules and nothing of ours."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bus.message import Button, Words
from channels import markup
from channels.whatsapp import rendering

TRIES = int(os.environ.get("WHATSAPP_TEXTS", "500"))
SAME = "WHATSAPP_TEXTS" not in os.environ  # the same texts each time, unless somebody goes looking for others

CASES = [
    ("**bold** and *italic* and ~~gone~~", "*bold* and _italic_ and ~gone~"),
    ("***both***", "_*both*_"),
    ("un**believ**able", "unbelievable"),
    ("** no bold **", "∗∗ no bold ∗∗"),
    ("# Title\n\ntext", "*Title*\n\ntext"),
    ("- one\n- two\n  - deeper", "- one\n- two\n  - deeper"),
    ("1. one\n2. two", "1. one\n2. two"),
    ("> quoted\n> more", "> quoted\n> more"),
    ("`code`", "```code```"),
    ("```\na = 1\nb = 2\n```", "```a = 1\nb = 2```"),
    ("[our shop](https://shop.example/a_b)", "our shop (https://shop.example/a%5Fb)"),
    ("[https://bank.example](https://evil.example)", "evil.example (https://evil.example)"),
    ("https://shop.example/a_b_", "https://shop.example/a%5Fb＿"),
    ("[write](mailto:help@shop.example)", "write (help@shop.example)"),
    ("[run](javascript:alert(1))", "run"),
    (
        "| order | state |\n|---|---|\n| A-1 | paid |\n| A-2 | sent |",
        "order: A-1\nstate: paid\n\norder: A-2\nstate: sent",
    ),
    ("a\n\n---\n\nb", "a\n\n———\n\nb"),
    ("snake_case and 3 * 4", "snake_case and 3 * 4"),
    ("**two\nlines**", "*two*\n*lines*"),
    ("**a *b* c**", "*a _b_ c*"),
    ("# 2*3 ~ a_b", "*2∗3 ~ a_b*"),
]


@pytest.mark.parametrize(("markdown", "shown"), CASES)
def test_markdown_in_whatsapps_marks(markdown: str, shown: str) -> None:
    assert rendering.markdown(markdown) == shown


def test_a_persons_words_are_literal_and_begin_with_their_name() -> None:
    said = Words("*now* _really_ ~or~ ```not``` 2*3*4", "staff", "Sara")
    assert rendering.words(said) == "Sara: ∗now∗ ＿really＿ ∼or∼ ‵‵‵not‵‵‵ 2*3*4"


def test_buttons_are_numbered_below_the_words() -> None:
    said = Words("Shall I?", "agent", buttons=(Button("yes", "Yes *now*"), Button("no", "No")))
    assert rendering.words(said) == "Shall I?\n\n1. Yes ∗now∗\n2. No"


OPENS, ENDS = r"(?:^|(?<=[\s(\[{\"'«“‘¡¿–—:;,/\-*_~]))", r"(?=$|[\s)\]}\"'»”’.,:;!?…–—/\-*_~])"
SPAN = {
    mark: re.compile(
        rf"{OPENS}{re.escape(mark)}(?=\S)([^\n{re.escape(mark)}]*?[^\s{re.escape(mark)}]){re.escape(mark)}{ENDS}"
    )
    for mark in "*_~"
}
CODE = re.compile(r"```(?=[^`])([^`]+)```")
LOOK_ALIKE = str.maketrans("∗＿∼‵", "*_~`")


def shown(text: str) -> str:
    """What a phone shows of a text: whatever counts as a mark is gone."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[1])
        return f"\x00{len(kept) - 1}\x00"

    text = CODE.sub(keep, text)
    before = ""
    while text != before:
        before = text
        for mark in "*_~":
            text = SPAN[mark].sub(r"\1", text)
    return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], text)


def words_of(nodes: list[Any]) -> str:
    """The words of a tree, addresses of links among them."""
    found = ""
    for node in nodes:
        if isinstance(node, str):
            found += node
        elif node["t"] == "a":
            href = node["href"].partition(":")[2] if node["href"].startswith(("mailto:", "tel:")) else node["href"]
            label = words_of(node["c"])
            found += href if label.strip() in (href, node["href"], "") else f"{label} ({href})"
        else:
            found += " " + words_of(node["c"]) + " "
    return found


def letters(text: str) -> str:
    """Letters and digits in their order: what a reader must not lose."""
    decoded = re.sub(r"%(2A|5F|7E|60)", " ", text.translate(LOOK_ALIKE))
    return "".join(sign for sign in decoded if sign.isalnum())


PIECES = st.sampled_from([
    "**", "*", "_", "__", "~~", "~", "`", "```", "\n", "\n\n", "- ", "1. ", "> ", "# ", " ", "a", "word", "Ünï", "你好", "5", "(", ")", "!",
    "[x](https://a.example/b_c)",
    "https://a.example/~u_v", "|", "\\", "<b>", "&amp;", "😀", "\u202e", "---",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=24).map("".join)


@settings(max_examples=TRIES, deadline=None, database=None, derandomize=SAME)
@given(TEXTS)
def test_no_mark_is_left_to_see_and_no_word_is_lost(markdown: str) -> None:
    out = rendering.markdown(markdown)
    seen = shown(out)
    tree = markup.tree(markdown)
    if (
        any(isinstance(node, dict) and node["t"] in ("ol", "table", "hr") for node in tree)
        or "'ol'" in str(tree)
        or "'table'" in str(tree)
    ):
        assert set(letters(words_of(tree))) <= set(letters(seen))
    else:
        assert letters(seen) == letters(words_of(tree))
    assert sum(seen.count(mark) for mark in "*~") <= sum(markdown.count(mark) for mark in "*~"), (out, seen)


@settings(max_examples=TRIES, deadline=None, database=None, derandomize=SAME)
@given(st.text(st.sampled_from("*_~`ab 1.\n-(漢"), max_size=60))
def test_a_persons_words_are_shown_as_they_are(text: str) -> None:
    out = rendering.literal(text)
    assert shown(out).translate(LOOK_ALIKE) == out.translate(LOOK_ALIKE)
    assert out.translate(LOOK_ALIKE) == text.strip()


@settings(
    max_examples=TRIES // 2,
    deadline=None,
    database=None,
    derandomize=SAME,
    suppress_health_check=[HealthCheck.filter_too_much],
)
@given(TEXTS.filter(bool), st.integers(80, 160))
def test_a_cut_leaves_no_mark_open_and_loses_nothing(markdown: str, room: int) -> None:
    whole = rendering.markdown(markdown * 4)
    assume(all(len(word) < room - 24 for word in whole.split()))
    parts = rendering.messages(whole, room)
    assert all(0 < len(part) <= room for part in parts)
    assert letters("".join(parts)) == letters(whole)
    assert all(rendering.unclosed(part, len(part)) == [] for part in parts)
