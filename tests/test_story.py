"""The story that everything here is for, told once: in the same words wherever the customer writes, and in a second business.

A customer asks something, and gets an answer. They ask about money that did not come back: the agent looks it up, asks before it acts,
acts once, asks the team where it may not decide, and stops where it should. A person of the team sees the whole case in a Slack
thread, answers, hands the customer back to the agent, and closes the matter. The next message opens a new one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.slack.people import BEN, LENA
from tests.support import golden
from tests.support.businesses import Business
from tests.support.phones import Phone
from tests.support.telling import told
from tests.support.transports import TRANSPORTS, Served


@pytest.fixture(params=TRANSPORTS)
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    async with TRANSPORTS[request.param](tmp_path) as opened:
        yield opened


async def test_the_story(served: Served) -> None:
    business, phone = served
    await a_question_is_answered(business, phone)
    await a_refund_waits_for_a_yes_and_happens_once(business, phone)
    await a_larger_one_waits_for_the_team_as_well(business, phone)
    await what_the_agent_cannot_solve_is_a_persons(business, phone)
    await the_person_gives_the_customer_back_and_closes(business, phone)
    kept = golden.FOLDER / "story" / f"{business.name}.txt"
    golden.same(kept, await told(business), "tests/test_story.py")


async def a_question_is_answered(business: Business, phone: Phone) -> None:
    await phone.write(business.later_question)
    await phone.sees(business.later_answer)
    assert business.effects() == []


async def a_refund_waits_for_a_yes_and_happens_once(business: Business, phone: Phone) -> None:
    """It is looked up with the customer's own word, and offered with two choices."""
    await phone.write(business.asks)
    offer = await phone.sees(business.first_id)
    assert all(words in offer.text for words in business.offer_says)
    assert offer.choices == ("Yes", "No")
    assert business.effects() == []
    await phone.choose("Yes")
    await phone.sees(business.receipt, after=offer.place)
    assert len(business.effects()) == 1


async def a_larger_one_waits_for_the_team_as_well(business: Business, phone: Phone) -> None:
    """First the customer's word, then an approver's, and nobody else's."""
    before = phone.last
    await phone.write(business.second_request)
    offer = await phone.finds(lambda one: bool(one.choices), after=before)
    await phone.write("Yes, please.")
    await phone.finds(lambda one: "approve" in one.text, after=offer.place)
    await business.running.settle()
    approval = business.approval()
    await business.slack.press(BEN, approval.ts, "approve")
    await business.running.settle()
    assert len(business.effects()) == 1
    await business.slack.press(LENA, approval.ts, "approve")
    await phone.sees(business.second_receipt, after=offer.place)
    assert len(business.effects()) == 2


async def what_the_agent_cannot_solve_is_a_persons(business: Business, phone: Phone) -> None:
    """The team sees the case: what was said, each call with its result, why the agent stopped. A person answers from the thread."""
    await phone.write(business.third_request)
    stopped = await phone.sees(business.handover)
    await business.running.settle()
    card, details = await business.card(), await business.thread_text()
    assert business.customer_name in card
    assert business.reason in card
    for words in (business.asks[:40], business.first_id, business.second_id, business.receipt_number):
        assert words in details
    await business.say_at_the_desk(business.person, "note: rang them about it", "lock")
    await business.say_at_the_desk(business.person, business.reply, "white_check_mark")
    said = await phone.sees(business.reply, after=stopped.place)
    assert business.person_name in (said.by, said.text.partition(":")[0])
    assert not [one for one in phone.shown() if "rang them" in one.text]


async def the_person_gives_the_customer_back_and_closes(business: Business, phone: Phone) -> None:
    """What the customer answers is the person's to read; after that the agent's again, and then another matter."""
    root, before = await business.root(), len(phone.shown())
    await phone.write("Thank you!")
    await business.running.settle()
    assert len(phone.shown()) == before
    assert "Thank you!" in await business.thread_text()
    await business.slack.press(business.person, root, "return")
    await business.running.settle()
    last = phone.last
    await phone.write(business.later_question)
    last = (await phone.sees(business.later_answer, after=last)).place
    await business.slack.press(business.person, root, "resolve")
    await business.running.settle()
    await phone.write(business.later_question)
    await phone.sees(business.later_answer, after=last)
    await business.running.settle()
