"""What customers see: nothing pings, links are honest, Slack refuses nothing, and nothing is lost on the way."""

from __future__ import annotations

import os
import random
import re
import time
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.message import Attachment, Button, Words
from channels.markup import tree
from channels.slack.customers.dialect import markdown
from channels.slack.customers.writing import face, render, without_buttons
from demo.slack import blocks

TEXTS = int(os.environ.get("SLACK_TEXTS", "800"))
PIECES = (
    "<!channel>", "<!here|now>", "<@U0SARA0001>", "<#C1|x>", "<!subteam^S1>", "@channel", "<https://evil.example|bank.example>",
    "[bank.example](https://evil.example)", "[ok](https://shop.example/a_(b))", "![x](https://evil.example/p.png)", "**bold**", "*it*",
    "_it_", "~~no~~", "`<!here>`", "```\n<!channel>\nx < y\n```", "# Head", "> said", "- one\n- two", "1. a\n2. b", "3. c", "---", "===",
    "| a | b |\n| --- | --- |\n| 1 | <!here> |", "&lt;!channel&gt;", "&amp;", "\\", "\\<!here>", "[", "]", "](", "](https://evil.example)",
    "`", "``", "~~~", "javascript:alert(1)", "[a](javascript:x)", "<javascript:x>", "http://plain.example", "https://shop.example",
    "<b>hi</b>", "snake_case_word", "2 * 3 * 4", "\u202e", "\u200b", "مرحبا", "👩‍👩‍👧", "héllo", " ", "\n", "\n\n", "    code",
)  # fmt: skip


def words(nodes: Any) -> str:
    return "".join(node if isinstance(node, str) else words(node["c"]) for node in nodes)


def links(nodes: Any) -> list[tuple[str, str]]:
    found = []
    for node in nodes:
        if isinstance(node, dict):
            found += (
                [(words(node["c"]).replace("&lt;", "<"), unquote(node["href"]))]
                if node["t"] == "a"
                else links(node["c"])
            )
    return found


def letters(text: str) -> str:
    """What must not be lost. In code an angle bracket may be written as an entity."""
    return "".join(character for character in text.replace("&lt;", "<") if character.isalnum())


def refused(parts: Any) -> list[str]:
    return [
        said
        for part in parts
        for said in blocks.problems(list(part.blocks))
        + (["too long"] * (blocks.characters(list(part.blocks)) > 13_200))
    ]


def texts(count: int) -> list[str]:
    chance = random.Random(7)
    return ["".join(chance.choices(PIECES, k=chance.randint(1, 12))) for _ in range(count)]


def test_random_texts_ping_nobody_hide_no_link_lose_no_letter_and_are_never_refused() -> None:
    pings = hidden = lost = problems = 0
    for text in texts(TEXTS):
        written = markdown(text)
        pings += re.search(r"<(?:[!@#]|[^<>\s]*\||\w+:)", written) is not None
        wanted, seen = tree(text), tree(written)
        new = [href for label, href in links(seen) if (label, href) not in links(wanted)]
        hidden += any(href not in words(wanted) for href in new)  # an address that stands there as it is hides nothing
        lost += not new and letters(words(wanted)) != letters(words(seen))
        problems += len(refused(render(Words(text, "agent"), ())))
    assert (pings, hidden, lost, problems, TEXTS) == (0, 0, 0, 0, TEXTS)


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_written_so_that_it_reads_the_same(text: str) -> None:
    assert letters(words(tree(markdown(text)))) == letters(words(tree(text)))
    assert refused(render(Words(text, "staff", "Sara"), ())) == []
    assert refused(render(Words(text, "agent"), ())) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("**Refund** of *$189.40*", "**Refund** of *$189.40*"),
        ("<!channel> look", "&lt;!channel&gt; look"),
        ("see [our page](https://shop.example/a)", "see [our page](https://shop.example/a)"),
        ("[bank.example](https://evil.example/x)", "[evil.example](https://evil.example/x)"),
        ("<https://evil.example|https://bank.example>", "&lt;[https://evil.example|https://bank.example](%)&gt;"),
        ("[x](javascript:alert)", "x"),
        ("- a\n- b\n\n1. c\n2. d", "- a\n- b\n\n1. c\n2. d"),
        ("a\n\nb", "a\n\nb"),
        ("```\nif a < b: <!here>\n```", "```\nif a < b: &lt;!here>\n```"),
        ("`a`", "`a`"),
        ("# Head", "### Head"),
        ("> quoted\n> more", "> quoted\n> more"),
        ("snake_case_word", "snake_case_word"),
        (r"\# no head", r"\# no head"),
        (r"2\. no list", r"2\. no list"),
        ("| a | b |\n| - | - |\n| 1 | 2 |", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
    ],
)
def test_the_dialect(text: str, written: str) -> None:
    if "%" in written:
        assert all(
            label.startswith(("evil.example", "https://evil.example")) for label, _ in links(tree(markdown(text)))
        )
        return
    assert markdown(text) == written


def test_long_words_are_several_messages_in_order_with_nothing_lost() -> None:
    text = "\n\n".join(f"Paragraph {number}: " + "word_* " * 60 for number in range(80))
    parts = render(Words(text, "agent", buttons=(Button("yes", "Yes"),)), ("token",))
    said = "".join(part.blocks[0]["text"].replace("\\", "") for part in parts)
    assert len(parts) > 3
    assert letters(said) == letters(text)
    assert [number for part in parts for number in re.findall(r"Paragraph (\d+)", part.blocks[0]["text"])] == [
        str(number) for number in range(80)
    ]
    assert refused(parts) == []
    assert [len(part.blocks) for part in parts] == [1] * (len(parts) - 1) + [2]


def test_a_hostile_text_is_written_in_no_time() -> None:
    for text in ("[" * 12_000, "*" * 12_000, "`" * 20_000, "<" * 14_000, "](" * 6_000, "> " * 6_000):
        began = time.perf_counter()
        assert refused(render(Words(text, "agent"), ())) == []
        assert time.perf_counter() - began < 10


def test_people_are_literal_under_their_name_and_picture() -> None:
    said = Words("*hi* <!channel>", "staff", "Sara Lindqvist", picture="https://a.example/s.png")
    (part,) = render(said, ())
    assert part.blocks[0]["elements"][0]["elements"] == [{"type": "text", "text": "*hi* <!channel>"}]
    assert part.text == "*hi* &lt;!channel&gt;"
    assert face(said) == {"username": "Sara Lindqvist", "icon_url": "https://a.example/s.png"}
    assert face(Words("hi", "agent", "Sara")) == {}
    (named,) = render(said, (), named=True)
    assert named.text.startswith("Sara Lindqvist: ")


def test_files_are_named_and_nothing_at_all_is_a_dash() -> None:
    (part,) = render(Words("", "staff", "Sara", attachments=(Attachment("a.pdf", "application/pdf"),)), ())
    assert part.text == "📎 a.pdf (application/pdf)"
    for speaker in ("agent", "staff"):
        assert refused(render(Words("\u200b", speaker), ())) == []


def test_many_and_long_choices_fit() -> None:
    buttons = tuple(Button(str(number), "label " * 30) for number in range(60))
    parts = render(Words("Which?", "agent", buttons=buttons), [f"token-{number}" for number in range(60)])
    assert refused(parts) == []
    shown = [element["value"] for block in parts[0].blocks[1:] for element in block["elements"]]
    assert shown == [f"token-{number}" for number in range(60)]


def test_a_made_choice_stands_where_the_buttons_were() -> None:
    (part,) = render(Words("Shall I?", "agent", buttons=(Button("yes", "Yes"),)), ("token",))
    left = without_buttons(part.blocks, "Yes <!here>")
    assert [block["type"] for block in left] == ["markdown", "context"]
    assert left[1]["elements"] == [{"type": "plain_text", "text": "✓ Yes <!here>", "emoji": False}]
    assert blocks.problems(left) == []
