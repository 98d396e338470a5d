"""A list of choices and a link card, in each channel's own way: nothing of what they say is lost, and no link misleads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bus.entries import AgentSaid, Recorded
from bus.message import Button, Card, Words
from channels.slack.customers import writing
from channels.telegram.rendering import rendered
from channels.web import events
from channels.whatsapp import rendering
from demo.slack import blocks
from demo.telegram.formatting import check

LIST = (Button("A-1", "A-1 · *Headphones*", "3 May"), Button("A-2", "A-2 · Shoes", "17 May · size_42"))
CARD = Card("https://parcels.example/track/1_2", "Parcel *1_2*", "With <DHL>")
EVIL = Card("javascript:alert(1)", "Free money", "click")
BOTH = Words("Which one?", "agent", buttons=LIST, cards=(CARD,))


def test_telegram_says_in_the_text_what_does_not_fit_on_a_button() -> None:
    (part,) = rendered(BOTH)
    check(part.text, list(part.entities))
    assert part.text == (
        "Which one?\n\n• A-1 · *Headphones* – 3 May\n• A-2 · Shoes – 17 May · size_42\n\nParcel *1_2*\nWith <DHL>"
    )
    links = [one for one in part.entities if one["type"] == "text_link"]
    assert [(one["url"], one["length"]) for one in links] == [(CARD.url, len(CARD.title))]


def test_whatsapp_numbers_the_list_and_writes_the_link_out() -> None:
    assert rendering.words(BOTH) == (
        "Which one?\n\n*Parcel ∗1_2∗* (https://parcels.example/track/1%5F2)\nWith <DHL>\n\n"
        "1. A-1 · ∗Headphones∗ – 3 May\n2. A-2 · Shoes – 17 May · size_42"
    )


def test_slack_puts_each_choice_beside_what_it_is() -> None:
    (part,) = writing.render(BOTH, ("t1", "t2"))
    assert blocks.problems(list(part.blocks)) == []
    said, card, one, two = part.blocks
    assert said["type"] == "markdown"
    link, text = card["elements"][0]["elements"]
    assert (link["url"], link["text"], text["text"]) == (CARD.url, CARD.title, "\nWith <DHL>")
    assert [(item["text"]["text"], item["accessory"]["text"]["text"], item["accessory"]["value"]) for item in (one, two)] == [
        ("3 May", "A-1 · *Headphones*", "t1"), ("17 May · size_42", "A-2 · Shoes", "t2"),
    ]  # fmt: skip
    assert "Parcel *1_2*: https://parcels.example/track/1_2" in part.plain
    assert "• A-2 · Shoes – 17 May · size_42" in part.plain


def test_a_slack_list_is_gone_once_one_was_chosen() -> None:
    (part,) = writing.render(BOTH, ("t1", "t2"))
    kept = writing.without_buttons(part.blocks, "A-1")
    assert [block["type"] for block in kept] == ["markdown", "rich_text", "context"]


def shown(**more: Any) -> dict[str, Any]:
    """What the widget is told."""
    line = Recorded(7, 1_790_000_000_000, 1, 1, AgentSaid(text="Which one?", **more))
    data: dict[str, Any] = json.loads(events.message(line, 0, list).split(b"data: ")[1])
    return data


def test_the_widget_is_given_both_as_data() -> None:
    found = shown(
        buttons=({"id": "A-1", "label": "A-1", "detail": "3 May"}, {"id": "A-2", "label": "A-2"}),
        cards=({"url": CARD.url, "title": "Parcel"}, {"url": EVIL.url, "title": EVIL.title}),
    )
    assert found["buttons"] == [{"id": "A-1", "label": "A-1", "detail": "3 May"}, {"id": "A-2", "label": "A-2"}]
    assert found["cards"] == [{"url": CARD.url, "title": "Parcel"}]
    assert "cards" not in shown()


@pytest.mark.parametrize("url", [EVIL.url, "https://bank.example@evil.example/", "https://evil.example\\@bank.example"])
def test_a_card_that_leads_nowhere_good_has_no_link_anywhere(url: str) -> None:
    words = Words("Look", "agent", cards=(Card(url, "bank.example"),))
    (part,) = rendered(words)
    assert not [one for one in part.entities if "url" in one]
    assert "http" not in rendering.words(words)
    (slack,) = writing.render(words, ())
    assert len(slack.blocks) == 1
    assert "http" not in slack.plain
    assert "cards" not in shown(cards=({"url": url, "title": "bank.example"},))


def test_a_title_that_names_another_site_gives_way_to_where_the_link_goes() -> None:
    words = Words("Look", "agent", cards=(Card("https://evil.example/x", "bank.example"),))
    (part,) = rendered(words)
    assert "bank.example" not in part.text
    assert "bank.example" not in rendering.words(words)
    (slack,) = writing.render(words, ())
    assert "bank.example" not in str(slack.blocks)
    assert (
        shown(cards=({"url": "https://evil.example/x", "title": "bank.example"},))["cards"][0]["title"]
        == "evil.example"
    )
