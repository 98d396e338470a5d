"""The agent through its front door: what the customer hears, what is recorded, what was done."""

from __future__ import annotations

from tests.agent.shop import Shop
from tests.agent.world import ADA, World


async def test_the_whole_story(world: World, shop: Shop) -> None:
    talk = world.talk(customer=ADA)
    first = await talk.say(
        "Hi, I returned the headphones two weeks ago and still haven't seen the refund on my card. Order #A-48291."
    )
    assert "189.40" in first[-1]
    assert shop.refunds == []
    assert talk.decided.decision == "confirm"
    second = await talk.say(
        "Yes please, and also can you check on the second pair I ordered last Friday? It hasn't shipped."
    )
    assert [refund["amount"] for refund in shop.refunds] == [189.4]
    assert "Refund of $189.40 issued — confirmation #R-7711." in second[-1]
    assert second[-1].endswith("I'm going to bring in someone from the team.")
    assert talk.entries("handed_over")[-1].reason == "warehouse_flag"
    assert talk.conversation.owner == "staff"


async def test_a_plain_question(world: World, shop: Shop) -> None:
    talk = world.talk(customer=ADA)
    said = await talk.say("Where is my order A-48291?")
    assert said == ["Order A-48291 is returned."]
    assert talk.kinds() == [
        "customer_said", "understood", "tool_asked", "tool_answered", "model_replied", "tool_asked", "tool_answered", "model_replied",
        "decided", "agent_said",
    ]  # fmt: skip
