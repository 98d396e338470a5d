"""The story that everything here is for, told once, in two businesses that have nothing in common.

A customer asks about money that did not come back. The agent looks it up, asks before it acts, acts once, and stops where it
should: a person of the team sees the whole case in a Slack thread, answers, and closes it. The next message is the agent's again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.businesses import Business, hotel, shop
from tests.support.visitor import Visitor


@pytest.fixture(params=[shop, hotel], ids=["shop", "hotel"])
async def business(request: pytest.FixtureRequest, tmp_path) -> AsyncIterator[Business]:  # type: ignore[no-untyped-def]
    async with request.param(tmp_path) as opened:
        yield opened


async def test_the_story(business: Business) -> None:
    customer = await Visitor(business.http, business.url).arrive(business.identity)

    # The customer asks; the agent looks it up with the customer's own token, and asks before it pays.
    await customer.say(business.asks)
    offer = await customer.hears("agent")
    for words in business.offer_says:
        assert words in offer["text"]
    assert {button["id"] for button in offer["buttons"]} == {"yes", "no"}
    assert business.effects() == []

    # The customer says yes and asks for more; the payment happens once, and the second matter stops the agent.
    await customer.say(business.agrees_and_asks_more)
    answer = await customer.sees(lambda item: business.receipt in item["text"], after=offer["seq"])
    told = await customer.sees(lambda item: business.handover in item["text"], after=offer["seq"])
    assert len(business.effects()) == 1

    # The team sees the case: what was said, each call with its result, why the agent stopped and what it proposes.
    await business.running.settle()
    card, details = await business.card(), await business.thread_text()
    for words in (business.customer_name, business.reason):
        assert words in card
    for words in (business.asks[:40], business.first_id, business.second_id, business.receipt_number):
        assert words in details

    # A person answers from the thread and the customer sees their name.
    await business.slack.post_as(business.person, business.reply, thread_ts=await business.root())
    said = await customer.hears("staff", after=told["seq"])
    assert (said["name"], said["text"]) == (business.person_name, business.reply)
    await business.marked(business.reply, "white_check_mark")

    # They resolve it; the customer's next message opens a new episode, and the agent answers again.
    await business.slack.press(business.person, await business.root(), "resolve")
    await business.running.settle()
    await customer.say(business.later_question)
    again = await customer.hears("agent", after=said["seq"])
    assert business.later_answer in again["text"]
    await customer.leave()

    log = await business.running.log(customer.conversation)
    kinds = [line["kind"] for line in log]
    assert kinds.index("understood") < kinds.index("tool_asked")
    understood = next(line for line in log if line["kind"] == "understood")
    assert understood["intent"] == business.intent
    assert understood["sentiment"]["label"] == "neutral"
    handed = next(line for line in log if line["kind"] == "handed_over")
    assert handed["reason"] == business.reason
    assert {line["episode"] for line in log} == {1, 2}
    assert [line["seq"] for line in log] == list(range(1, len(log) + 1))
    assert business.receipt in answer["text"]
    assert len(business.effects()) == 1
