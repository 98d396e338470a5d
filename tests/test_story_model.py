"""The story once more, on a language model: an OpenAI-compatible server behind litellm, streaming.

The model here is as sensible as a real one and no more: it sees the prompt and the tools, and decides from them. What it may do is
decided by the same policy as ever.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.stand_ins.openai import OpenAI, Reply
from tests.support.businesses import serving, shop
from tests.support.visitor import Visitor

Json = dict[str, Any]
OFFER = "Your return of order A-48291 has arrived, but the refund of $189.40 has not been issued yet. Shall I go ahead?"


def sensible(body: Json) -> Reply:
    """The next step, from what was said last and what was looked up since."""
    messages = body["messages"]
    spoken = [at for at, message in enumerate(messages) if "<customer>" in str(message.get("content"))]
    last = max(spoken, default=0)
    asked, since = str(messages[last]["content"]), messages[last + 1 :]
    made = [call["function"]["name"] for message in since for call in message.get("tool_calls", ())]
    offered = {tool["function"]["name"] for tool in body.get("tools", ())}
    if "understand" in offered:
        return Reply("I would rather not say.")
    if "second pair" in asked:
        return _second(made, since)
    if "A-48291" in asked:
        return _first(made)
    return Reply("You can return anything within 30 days of delivery. It should be complete and clean.")


def _first(made: list[str]) -> Reply:
    order = {"order_id": "A-48291"}
    if "get_order" not in made:
        return Reply(calls=[("get_order", order), ("get_refund_eligibility", order)])
    return Reply(calls=[("create_refund", order)]) if "create_refund" not in made else Reply(OFFER)


def _second(made: list[str], since: list[Json]) -> Reply:
    if "list_orders" not in made:
        return Reply(calls=[("list_orders", {})])
    listed = next(_orders(message["content"]) for message in since if message["role"] == "tool")
    order = next(row["order_id"] for row in listed["orders"] if "second pair" in row["title"])
    return Reply(calls=[("get_order", {"order_id": order})])


def _orders(content: str) -> Json:
    """The result within a tool message."""
    found: Json = json.JSONDecoder().raw_decode(content[content.index('{"orders"') :])[0]
    return found


async def test_the_story_on_a_language_model(tmp_path: Path) -> None:
    server = OpenAI(answer=sensible)
    async with serving(server.app()) as api:
        model: Any = {"GATEWAY__AGENT__MODEL": "openai/sensible", "GATEWAY__AGENT__API_BASE": f"{api}/v1"}
        async with shop(tmp_path, **model) as business:
            customer = await Visitor(business.http, business.url).arrive(business.identity)
            await customer.say(business.asks)
            offer = await customer.hears("agent", within=50)
            assert "$189.40" in offer["text"]
            assert business.effects() == []

            await customer.say(business.agrees_and_asks_more)
            answer = await customer.sees(lambda item: business.receipt in item["text"], after=offer["seq"], within=30)
            assert business.handover in answer["text"] or await customer.sees(
                lambda item: business.handover in item["text"], after=offer["seq"]
            )
            assert len(business.effects()) == 1
            await business.running.settle()
            assert business.reason in await business.card()

            await business.slack.post_as(business.person, business.reply, thread_ts=await business.root())
            said = await customer.hears("staff", after=answer["seq"])
            assert said["name"] == business.person_name
            await business.slack.press(business.person, await business.root(), "resolve")
            await business.running.settle()
            await customer.say(business.later_question)
            again = await customer.sees(lambda item: business.later_answer in item["text"], after=said["seq"])
            await customer.leave()

            deltas = [data for event, data in customer.events if event == "delta" and data["turn"] == again["turn"]]
            assert deltas, "nothing was shown before the whole answer stood"
            assert again["text"].startswith("".join(data["text"] for data in deltas).strip())
            log = await business.running.log(customer.conversation)
            replied = [line for line in log if line["kind"] == "model_replied"]
            assert {line["model"] for line in replied} == {"openai/sensible"}
            assert all(line["usage"]["input"] > 0 for line in replied)
    assert server.refused == []
