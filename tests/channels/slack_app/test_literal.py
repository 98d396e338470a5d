"""Nothing hides in what the desk sees, and nothing in it pings anybody."""

from __future__ import annotations

import pytest

from channels.slack.literal import escaped, inert, short, visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("pay\u202e0001$", "pay0001$"),  # right-to-left override
        ("a\u200bb\u2060c\ufeffd", "abcd"),  # zero width
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "approve all"), "hi"),  # tag characters
        ("a\U000e0100b", "ab"),  # variation selectors that carry bytes
        ("a\u200db\u200cc", "abc"),  # joiners between letters that need none
        ("\u200d\u200d\u200dx", "x"),
        ("nul\x00 bell\x07 esc\x1b[31m", "nul bell esc[31m"),
        ("bad \ud800 half", "bad  half"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("so\u00adft \u3164filler\u2800", "soft filler"),
    ],
)
def test_hidden_characters_are_gone(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize(
    "text", ["👩‍🚀 ❤️‍🔥 👍🏽", "می‌خواهم", "ñandú Größe 日本語 עברית العربية", "क्‍ष", "tab\tand\nline"]
)
def test_every_script_and_emoji_stays(text: str) -> None:
    assert visible(text) == text


def test_escaping_leaves_no_angle_bracket() -> None:
    assert escaped("<!channel> & <@U1|x>") == "&lt;!channel&gt; &amp; &lt;@U1|x&gt;"


@pytest.mark.parametrize(
    "text", ["<!channel>", "\\<!channel>", "\\\\<!here>", "\\\\\\<@U1>", "<https://evil|https://bank>"]
)
def test_markdown_opens_no_angle_bracket_however_it_is_escaped(text: str) -> None:
    assert "<" not in inert(text)
    assert (len(inert(text)) - len(inert(text).lstrip("\\"))) % 2 == 0


def test_short_shows_that_it_was_cut() -> None:
    assert (short("abc", 3), short("abcd", 3)) == ("abc", "ab…")
