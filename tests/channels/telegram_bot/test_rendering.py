"""What the agent writes becomes texts that Telegram takes, all of them, with nothing lost and nothing that misleads."""

from __future__ import annotations

import os
import random

import pytest

from bus.message import Attachment, Words
from channels import markup
from channels.splitting import utf16
from channels.telegram.rendering import Canvas, Part, rendered
from demo.telegram.formatting import check

TEXTS = int(os.environ.get("TELEGRAM_TEXTS", "2000"))


def shown(text: str, **more: object) -> Part:
    """The one message that says it."""
    (part,) = rendered(Words(text, "agent", **more))  # type: ignore[arg-type]
    check(part.text, list(part.entities))
    return part


def styled(part: Part) -> list[tuple[str, str]]:
    """(kind, words) of each entity."""
    encoded = part.text.encode("utf-16-le")
    return [
        (one["type"], encoded[one["offset"] * 2 : (one["offset"] + one["length"]) * 2].decode("utf-16-le"))
        for one in part.entities
    ]


def test_styles_are_spans_and_count_in_utf16() -> None:
    part = shown("👋 **bold _and italic_**, ~~gone~~, `x < y`")
    assert part.text == "👋 bold and italic, gone, x < y"
    assert styled(part) == [
        ("bold", "bold and italic"), ("italic", "and italic"), ("strikethrough", "gone"), ("code", "x < y"),
    ]  # fmt: skip
    assert part.entities[0] == {"type": "bold", "offset": 3, "length": 15}


def test_blocks_stand_apart() -> None:
    part = shown("# Title\n\nOne.\n\n- a\n- b\n  1. c\n  2. d\n\n> quoted\n> on\n\n```\ncode **x**\n```\n\n---\n\nend")
    assert part.text == "Title\n\nOne.\n\n• a\n• b\n    1. c\n    2. d\n\nquoted\non\n\ncode **x**\n\n———\n\nend"
    assert styled(part) == [("bold", "Title"), ("blockquote", "quoted\non"), ("pre", "code **x**")]


def test_a_table_is_set_as_a_typewriter_would() -> None:
    part = shown("| order | state |\n|---|---|\n| A-1 | **sent** |\n| A-22 | [late](https://shop.example/x) |")
    assert part.text == "order | state\nA-1   | sent\nA-22  | late (https://shop.example/x)"
    assert styled(part) == [("pre", part.text)]


@pytest.mark.parametrize(
    ("text", "words", "link"),
    [
        ("[our page](https://shop.example/returns)", "our page", "https://shop.example/returns"),
        ("[https://bank.example](https://evil.example/x)", "evil.example", "https://evil.example/x"),
        ("[write](mailto:help@shop.example)", "write (help@shop.example)", ""),
        ("[call](tel:+34600111222)", "call (+34600111222)", ""),
        ("[x](tg://user?id=1)", "x", ""),
        ("[x](javascript:alert(1))", "x", ""),
        ("[win](https://t.me/some_bot?start=abc)", "https://t.me/some_bot?start=abc", ""),
        ("<a href='tg://user?id=1'>x</a>", "<a href='tg://user?id=1'>x</a>", ""),
    ],
)
def test_a_link_says_where_it_leads(text: str, words: str, link: str) -> None:
    part = shown(text)
    assert part.text == words
    assert [one.get("url", "") for one in part.entities] == ([link] if link else [])


def test_a_persons_words_are_literal_after_their_name() -> None:
    (part,) = rendered(Words("**not bold** <b> [x](https://a.example)", "staff", "Sara"))
    assert part == Part("Sara: **not bold** <b> [x](https://a.example)")


def test_files_are_named_and_nothing_is_nothing() -> None:
    assert shown("Here:", attachments=(Attachment("invoice.pdf", "application/pdf"),)).text == "Here:\n📎 invoice.pdf"
    assert rendered(Words(" \u2060 \n", "agent")) == []


def test_a_long_text_keeps_its_styles_across_the_cut() -> None:
    text = "**" + " ".join(f"word{number}" for number in range(1200)) + "** end"
    parts = rendered(Words(text, "agent"))
    assert len(parts) > 2
    for part in parts:
        check(part.text, list(part.entities))
        assert [kind for kind, _ in styled(part)] == ["bold"]
    assert "".join(part.text.replace(" ", "") for part in parts) == text.replace("*", "").replace(" ", "")


def test_exactly_full_is_one_message() -> None:
    assert [utf16(part.text) for part in rendered(Words("😀" * 2048, "staff"))] == [4096]
    assert [utf16(part.text) for part in rendered(Words("😀" * 2049, "staff"))] == [4096, 2]


PIECES = [
    "word", "Ünïcödé", "👩‍👩‍👧‍👦", "🇪🇸", "e\u0301", "שלום", "你好", "**", "_", "*", "`", "```", "~~", "[", "](", ")", "https://a.example/x",
    "[l](https://a.example)", "[https://b.example](https://c.example)", "<b>", "</b>", "&lt;", "\\", "|",
    "| a | b |\n|---|---|\n| c | d |\n",
    "\n", "\n\n", "\n- ", "\n1. ", "\n> ", "\n# ", "\n---\n", " ", "  \n", "\t", "!", "![i](https://d.example)", "{", "}", "#", "+", "-",
    "=",
    ".", "\u200b", "\u202e", "\x00", "\ud800", "\u3000", "\xa0", '<a href="tg://user?id=1">', "mailto:x@y.example", "@name", "/start",
    "    indented", "\n    code\n", "http://plain.example", "[t](https://t.me/b?start=1)", "\n```py\n", "\n> > ", "x" * 300,
]  # fmt: skip


def scrambled(random_: random.Random) -> str:
    size = random_.choice((3, 12, 40, 200, 900))
    return "".join(random_.choice(PIECES) for _ in range(random_.randrange(1, size)))


def bare(text: str) -> str:
    return "".join(text.split())


def test_whatever_is_written_telegram_takes_it_whole() -> None:
    random_ = random.Random(11)
    messages = 0
    for number in range(TEXTS):
        text = scrambled(random_)
        speaker = "staff" if number % 5 == 0 else "agent"
        room = random_.choice((40, 300, 4096))
        parts = rendered(Words(text, speaker), room)  # type: ignore[arg-type]
        messages += len(parts)
        for part in parts:
            check(part.text, list(part.entities), room)
        if speaker == "agent":
            canvas = Canvas()
            canvas.blocks(markup.tree(text))
            assert bare("".join(part.text for part in parts)) == bare(canvas.text)
    assert messages > TEXTS / 2
