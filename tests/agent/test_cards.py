"""What a result offers to look at comes as a link card, and several rows come as a list that says what each one is."""

from __future__ import annotations

import pytest

from agent.problems import problems
from agent.spec import Spec
from tests.agent.shop import SPEC, Shop
from tests.agent.world import ADA, World

CARD = """
    card:
      title: {en: "Track {{ order_id }}", es: "Seguir {{ order_id }}"}
      url: "{{ tracking.url }}"
      text: "With {{ tracking.carrier }}, due {{ tracking.due_at | date }}"
"""
TRACKING = {"url": "https://parcels.example/track?n=1_2&x=*3*", "carrier": "DHL_Express", "due_at": "2024-05-22"}
SHOWN = {
    "url": "https://parcels.example/track?n=1_2&x=*3*",
    "title": "Track A-48291",
    "text": "With DHL_Express, due 22 May",
}


@pytest.fixture
def tracked(world: World, shop: Shop) -> World:
    """The shop, whose orders have a parcel to look at."""
    say = '    say: "Order {{ order_id }} is {{ status }}."\n'
    world.publish(SPEC.replace("{BASE}", shop.url).replace(say, say + CARD.lstrip("\n")))
    shop.orders["A-48291"]["tracking"] = TRACKING
    return world


async def test_a_result_comes_with_its_card(tracked: World) -> None:
    talk = tracked.talk(customer=ADA)
    assert await talk.say("Where is my order A-48291?") == ["Order A-48291 is returned."]
    assert talk.entries("agent_said")[-1].cards == (SHOWN,)
    (card,) = talk.sent[-1].content.cards  # type: ignore[union-attr]
    assert (card.url, card.title) == (SHOWN["url"], SHOWN["title"])


async def test_the_card_speaks_the_customers_language(tracked: World) -> None:
    talk = tracked.talk(customer=ADA)
    await talk.say("Hola, ¿dónde está mi pedido A-48291?")
    assert talk.entries("agent_said")[-1].cards[0]["title"] == "Seguir A-48291"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "http://parcels.example",
        "https://",
        "https://a b",
        "https://bank.example@evil.example/",
    ],
)
async def test_a_link_that_nobody_should_follow_is_no_card(tracked: World, shop: Shop, url: str) -> None:
    shop.orders["A-48291"]["tracking"] = {**TRACKING, "url": url}
    talk = tracked.talk(customer=ADA)
    assert await talk.say("Where is my order A-48291?") == ["Order A-48291 is returned."]
    assert talk.entries("agent_said")[-1].cards == ()


async def test_where_a_value_is_missing_there_is_no_card(tracked: World, shop: Shop) -> None:
    del shop.orders["A-48291"]["tracking"]
    talk = tracked.talk(customer=ADA)
    assert await talk.say("Where is my order A-48291?") == ["Order A-48291 is returned."]
    assert talk.entries("agent_said")[-1].cards == ()


async def test_a_draft_has_the_link_among_its_words(tracked: World) -> None:
    tracked.mode = "draft"
    talk = tracked.talk(customer=ADA)
    await talk.say("Where is my order A-48291?")
    assert talk.entries("drafted")[-1].text == f"Order A-48291 is returned.\n\n[Track A-48291](<{SHOWN['url']}>)"


@pytest.mark.parametrize(
    ("url", "problem"),
    [("http://plain.example", "should begin with https://"), ("{% if %}", "not a template"), ("/track", "https://")],
)
def test_a_card_that_can_never_be_shown_is_found_by_the_check(shop: Shop, url: str, problem: str) -> None:
    spec = Spec.model_validate(
        {
            "name": "x",
            "tools": {"t": {"http": {"url": "https://x.example"}, "card": {"title": "a title", "url": url}}},
        }
    )
    assert [said for said in problems(spec) if said.startswith("tools.t.card.url") and problem in said]


async def test_a_list_says_what_each_row_is(world: World) -> None:
    talk = world.talk(customer=ADA)
    await talk.say("Where is my order?")
    assert talk.entries("agent_said")[-1].buttons == (
        {"id": "A-48291", "label": "A-48291 · Headphones", "detail": "1 May"},
        {"id": "A-48519", "label": "A-48519 · Running shoes", "detail": "17 May"},
    )
