"""The whole gateway, a customer at the widget and people in Slack: what the desk promises, under pressure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from demo.slack.message import Message
from demo.slack.people import BEN, BILLING, DESK, GUEST, LENA, SARA
from tests.support import businesses
from tests.support.businesses import Business, shop
from tests.support.running import running
from tests.support.visitor import Visitor

EXPENSIVE = "I returned the headphones A-47810 and want my refund."
PERSON = "I want to talk to a human please"


@asynccontextmanager
async def open_shop(folder: Path, identified: bool = True) -> AsyncIterator[tuple[Business, Visitor]]:
    async with shop(folder) as business:
        customer = await Visitor(business.http, business.url).arrive(business.identity if identified else "")
        yield business, customer
        await customer.leave()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Business, Visitor]]:
    async with open_shop(tmp_path) as found:
        yield found


def ours(business: Business) -> list[Message]:
    """Everything that the app posted for all to see, wherever."""
    return [one for room in (DESK, BILLING) for one in business.slack.messages(room) if one.by_app and not one.for_user]


def card(business: Business) -> Message:
    (found,) = [one for one in ours(business) if not one.is_reply]
    return found


def asked(business: Business) -> Message:
    """The one message that asks for an approval."""
    (found,) = [one for one in ours(business) if "'action_id': 'approve'" in str(one.blocks)]
    return found


async def kinds(business: Business, customer: Visitor) -> list[str]:
    return [line["kind"] for line in await business.running.log(customer.conversation)]


async def handed_over(business: Business, customer: Visitor) -> Message:
    """The card of a case that waits for a person."""
    await customer.say(PERSON)
    await customer.hears("agent")
    await business.running.settle()
    return card(business)


async def test_replies_are_counted_by_how_sure_the_agent_was(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    await customer.say(business.later_question)
    await customer.hears("agent")
    async with business.http.get(f"{business.url}/metrics") as answer:
        assert "gateway_replies_total{" in await answer.text()


async def test_fifty_presses_of_three_people_make_one_decision(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    await customer.say(EXPENSIVE)
    offer = await customer.hears("agent")
    await customer.say("yes")
    await customer.hears("agent", after=offer["seq"])
    await business.running.settle()
    approval = asked(business)
    assert business.effects() == []
    assert approval.thread_ts == card(business).ts

    for stranger in (GUEST, BEN):
        await business.slack.press(stranger, approval.ts, "approve", channel=approval.channel)
        await business.running.settle()
    assert business.effects() == []

    presses = [(who, what) for who in (SARA, LENA) for what in ("approve", "reject") for _ in range(12)]
    before = len(business.effects())
    await asyncio.gather(
        business.slack.press(SARA, approval.ts, "approve", channel=approval.channel),
        *(business.slack.press(who, approval.ts, what, channel=approval.channel) for who, what in presses[1:]),
        return_exceptions=True,
    )
    await business.running.settle()
    log = await business.running.log(customer.conversation)
    decisions = [line["verdict"] for line in log if line["kind"] == "approval_decided" and line["verdict"] != "refused"]
    refusals = [line["by"] for line in log if line["kind"] == "approval_decided" and line["verdict"] == "refused"]
    assert len(decisions) == 1
    assert refusals == [GUEST, BEN]
    assert len(business.effects()) - before == (1 if decisions == ["approved"] else 0)
    shown = str(business.slack.message(approval.channel, approval.ts).blocks)
    assert "'action_id'" not in shown
    assert ("Approved by" if decisions == ["approved"] else "Rejected by") in shown


async def test_a_rejected_call_does_not_run_and_the_customer_hears_of_it(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    await customer.say(EXPENSIVE)
    offer = await customer.hears("agent")
    await customer.say("yes")
    waits = await customer.hears("agent", after=offer["seq"])
    await business.running.settle()
    approval = asked(business)
    await business.slack.press(LENA, approval.ts, "reject", channel=approval.channel)
    await customer.hears("system", after=waits["seq"])
    await business.running.settle()
    assert business.effects() == []


async def test_what_the_customer_says_to_a_person_is_mirrored_in_order_and_once(
    opened: tuple[Business, Visitor],
) -> None:
    business, customer = opened
    root = await handed_over(business, customer)
    for number in range(20):
        await customer.say(f"line number {number}")
        if number % 3 == 0:
            await business.slack.post_as(SARA, f"answer {number}", channel=root.channel, thread_ts=root.ts)
    await business.running.settle()
    mirrored = [
        one.text for one in business.slack.thread(root.ts, root.channel) if one.by_app and "line number" in one.text
    ]
    assert [text.rpartition(" ")[2] for text in mirrored if text.startswith("Ana Ruiz: ")] == [
        str(n) for n in range(20)
    ]
    answers = [item["text"] for _, item in sorted(customer.messages.items()) if item["from"] == "staff"]
    assert answers == [f"answer {number}" for number in range(0, 20, 3)]


async def test_no_note_ever_leaves(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    root = await handed_over(business, customer)
    signs = ("note: ", "private: ", ";;", "\\\\", "🔒 ", "!nonsense ", "@Ben ", "Note:", "*note:* ")
    for number in range(45):
        text = f"{signs[number % len(signs)]}secret {number}"
        await business.slack.post_as(SARA, text, channel=root.channel, thread_ts=root.ts)
    await business.slack.post_as(SARA, "All good.", channel=root.channel, thread_ts=root.ts)
    await customer.hears("staff")
    await business.running.settle()
    assert not [item for item in customer.messages.values() if "secret" in item["text"]]
    noted = [one for one in business.slack.thread(root.ts, root.channel) if "lock" in one.reactions]
    assert len(noted) == 45


async def test_edits_and_deletions_change_what_the_customer_sees_and_a_broadcast_sends_nothing_more(
    opened: tuple[Business, Visitor],
) -> None:
    business, customer = opened
    root = await handed_over(business, customer)
    ts = await business.slack.post_as(SARA, "Hello", channel=root.channel, thread_ts=root.ts, broadcast=True)
    await customer.hears("staff")
    for number in range(5):
        await business.slack.edit_as(SARA, ts, f"Hello {number}", channel=root.channel)
    await business.slack.delete_as(SARA, ts, channel=root.channel)
    await customer.sees(lambda item: item["from"] == "staff" and not item["text"])
    said = [item for item in customer.messages.values() if item["from"] == "staff"]
    assert [item["text"] for item in said] == ["Hello", *(f"Hello {number}" for number in range(5)), ""]
    assert [item["replaces"] for item in said] == [None, *[said[0]["seq"]] * 6]


async def test_a_case_goes_back_and_forth_in_one_thread(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    root = await handed_over(business, customer)
    await business.slack.press(SARA, root.ts, "claim", channel=root.channel)
    await business.running.settle()
    assert "Sara Lindqvist" in str(card(business).blocks[0])
    await business.slack.press(SARA, root.ts, "return", channel=root.channel)
    back = await customer.hears("system")
    await customer.say(PERSON)
    await customer.hears("agent", after=back["seq"])
    await business.running.settle()
    thread = business.slack.thread(root.ts, root.channel)
    assert [one.text for one in thread if one.broadcast] == ["Handed over again: The customer asked for a person."]
    assert card(business).ts == root.ts
    assert "Waiting" in str(card(business).blocks[0])


async def test_slack_being_down_loses_no_case(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    business.slack.faults.down = True
    await customer.say(PERSON)
    await customer.hears("agent")
    await customer.say("are you there?")
    await asyncio.sleep(0)
    business.slack.faults.down = False
    async with asyncio.timeout(20):
        while "are you there?" not in str([one.blocks for one in ours(business)]):
            await business.running.settle()
            await asyncio.sleep(0.2)
    assert len([one for one in ours(business) if not one.is_reply]) == 1


async def test_an_answer_that_slack_lost_makes_no_second_card(opened: tuple[Business, Visitor]) -> None:
    business, customer = opened
    business.slack.faults.drop_next_answer = 1
    await customer.say(PERSON)
    await customer.hears("agent")
    async with asyncio.timeout(20):
        while len(ours(business)) < 2:
            await business.running.settle()
            await asyncio.sleep(0.2)
    assert len([one for one in ours(business) if not one.is_reply]) == 1


async def test_a_stranger_in_the_thread_is_heard_inside_only(tmp_path: Path) -> None:
    async with open_shop(tmp_path, identified=False) as (business, customer):
        root = await handed_over(business, customer)
        texts: list[Any] = []
        for who in (GUEST, LENA):
            if who in business.slack.rooms[root.channel].members:
                await business.slack.post_as(who, f"hello from {who}", channel=root.channel, thread_ts=root.ts)
        await business.running.settle()
        texts = [item["text"] for item in customer.messages.values() if "hello from" in item["text"]]
        assert texts == []
        assert "staff_noted" in await kinds(business, customer)


async def test_in_draft_mode_only_a_click_sends_words_as_a_person_changed_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drafting(config: Path, variables: dict[str, str], **more: Any) -> Any:
        return running(config, variables | {"GATEWAY__CHANNELS__WEB__MODE": "draft"}, **more)

    monkeypatch.setattr(businesses, "running", drafting)
    async with open_shop(tmp_path) as (business, customer):
        await customer.say("How long do I have to send something back?")
        async with asyncio.timeout(10):
            while not [one for one in ours(business) if "'action_id': 'edit'" in str(one.blocks)]:
                await business.running.settle()
        assert {item["from"] for item in customer.messages.values()} <= {"customer"}
        draft = asked(business)
        await business.slack.press(SARA, draft.ts, "edit", channel=draft.channel)
        (view,) = business.slack.views.values()
        typed = {"reply": {"text": {"type": "plain_text_input", "value": "30 days, and longer if you ask."}}}
        await business.slack.submit(SARA, view["id"], typed)
        assert (await customer.hears("agent"))["text"] == "30 days, and longer if you ask."
        await business.running.settle()
        assert "Approved by Sara Lindqvist" in asked_or_decided(business, draft.ts)


def asked_or_decided(business: Business, ts: str) -> str:
    return next(str(one.blocks) for one in ours(business) if one.ts == ts)
