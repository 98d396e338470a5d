"""The capsule is made from recorded fields only, and holds all that a person needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bus.capsule import Capsule, Line, Source, ToolRun, Who
from bus.entries import (
    AgentSaid,
    CustomerSaid,
    Decided,
    Drafted,
    Entry,
    HandedOver,
    ModelReplied,
    Retrieved,
    StaffNoted,
    StaffSaid,
    ToolAnswered,
    ToolAsked,
    Understood,
)
from bus.message import Customer
from handoff.case import build, state
from tests.handoff.stage import NOW, action, conversation, log

ORDER = {"order_id": "A-48519"}
REFUND = {"order_id": "A-48291", "amount": Decimal("189.40")}


def understood(**changes: object) -> Understood:
    plain = {
        "intent": "refund_status", "sentiment": {"label": "negative", "score": Decimal("-0.4")}, "language": "en",
        "urgency": "high", "entities": {"order_id": "A-48291"}, "category": "billing", "confidence": 0.9,
    }  # fmt: skip
    return Understood(**{**plain, **changes})  # type: ignore[arg-type]


STORY: tuple[Entry, ...] = (
    CustomerSaid(text="Refund for A-48291?", name="Ana Ruiz"),
    understood(),
    Retrieved(query="refund", passages=({"source": "refunds.md", "heading": "When", "score": Decimal("0.81"), "text": "…"},)),
    ToolAsked(tool="create_refund", args=REFUND, policy={"verdict": "allow", "because": "confirmed"}, effect="write"),
    ToolAnswered(tool="create_refund", status="ok", result={"ref": "R-7711"}, args=REFUND, effect="write"),
    AgentSaid(text="Refunded — R-7711"),
    StaffNoted(text="internal"),
    understood(intent="order_status", entities={"order_id": "A-48519", "date": ""}),
    ToolAsked(tool="get_order", args=ORDER, policy={"verdict": "allow"}),
    ToolAnswered(tool="get_order", status="ok", result={"flags": ["warehouse"]}, args=ORDER),
    HandedOver(reason="warehouse_flag"),
)  # fmt: skip


def test_who_has_no_account_here_may_still_be_known_to_their_platform() -> None:
    words = [CustomerSaid(text=proof, name="Ana Ruiz", verified=proof) for proof in ("none", "channel")]
    assert build(conversation(), log(*words), [], now=NOW).customer == Who("Ana Ruiz", verified="channel")
    assert build(conversation(), log(*reversed(words)), [], now=NOW).customer == Who("Ana Ruiz")


def test_the_whole_capsule() -> None:
    lines = log(*STORY)
    at = [line.at for line in lines]
    case = build(conversation(), lines, [], now=NOW, link="https://x/c1")
    assert case == Capsule(
        conversation="c1",
        channel="web",
        customer=Who("Ana Ruiz"),
        episode=1,
        state="waiting",
        reason="warehouse_flag",
        reason_text="Rule “warehouse flag” applies.",
        summary=(
            "About order status – order_id: A-48291, A-48519. "
            "Done: create_refund (order_id: A-48291, amount: 189.40) → ref: R-7711. Stopped: warehouse flag"
        ),
        proposal="Look into what stopped the agent. Last call – get_order for A-48519: ok.",
        last_message="Refund for A-48291?",
        opened_at=at[-1],
        updated_at=NOW,
        intent="order_status",
        category="billing",
        sentiment="negative",
        sentiment_score=-0.4,
        urgency="high",
        language="en",
        entities={"order_id": ["A-48291", "A-48519"]},
        transcript=(
            Line("customer", "Ana Ruiz", "Refund for A-48291?", at[0]),
            Line("agent", "", "Refunded — R-7711", at[5]),
        ),
        tools=(
            ToolRun("create_refund", REFUND, "ok", {"ref": "R-7711"}, at[4], "allow: confirmed"),
            ToolRun("get_order", ORDER, "ok", {"flags": ["warehouse"]}, at[9], "allow"),
        ),
        sources=(Source("refunds.md", "When", 0.81),),
        executed=("create_refund (order_id: A-48291, amount: 189.40) → ref: R-7711",),
        link="https://x/c1",
    )


def test_an_earlier_episode_is_not_part_of_the_case() -> None:
    lines = [*log(*STORY), *log(CustomerSaid(text="Something else"), episode=2)]
    case = build(conversation(episode=2), lines, [], now=NOW)
    assert [line.text for line in case.transcript] == ["Something else"]
    assert (case.tools, case.executed, case.reason, case.intent) == ((), (), "", "")


def test_a_call_that_was_refused_or_never_answered_is_shown_as_such() -> None:
    lines = log(
        ToolAsked(tool="create_refund", args=REFUND, policy={"verdict": "refuse", "because": "limit"}, effect="write"),
        ToolAnswered(tool="create_refund", status="refused", result=None, args=REFUND, effect="write"),
        ToolAsked(tool="create_refund", args=REFUND, policy={"verdict": "allow"}, effect="write"),
    )
    case = build(conversation(), lines, [], now=NOW, reason="outcome_unknown")
    assert [(run.status, run.policy) for run in case.tools] == [("refused", "refuse: limit"), ("asked", "allow")]
    assert case.executed == ()
    assert case.proposal.startswith("Check whether the last writing call happened before it is done again.")


def test_what_waits_for_a_word_is_the_proposal() -> None:
    draft = action(id="act_2", what="reply", text="Dear Ana")
    case = build(conversation(), log(), [action(), draft], now=NOW)
    assert case.proposal == "Decide: create_refund (order_id: A-48291, amount: 189.40)\nSend the draft: Dear Ana"
    assert case.pending == ("act_1", "act_2")
    assert (case.reason, case.reason_text) == ("amount_above_200", "Rule “amount above 200” applies.")


def test_an_approval_that_a_condition_asked_for_shows_the_condition() -> None:
    case = build(conversation(), log(), [action(reason="args.amount > 200")], now=NOW)
    assert case.reason == "approval"
    assert case.reason_text == "The agent needs a person's word before it goes on. (args.amount > 200)"


@pytest.mark.parametrize(
    ("entry", "proposal"),
    [
        (ModelReplied(model="m", text="Perhaps on Monday"), "Check and send: Perhaps on Monday"),
        (Drafted(text="On Monday"), "Check and send: On Monday"),
        (AgentSaid(text="Hm"), "Answer the customer's last message."),
    ],
)
def test_words_that_were_not_sure_enough_are_proposed(entry: Entry, proposal: str) -> None:
    assert build(conversation(), log(entry), [], now=NOW, reason="low_confidence").proposal == proposal


def test_the_decision_to_hand_over_gives_the_reason_before_its_memo_is_worked_on() -> None:
    decided = Decided(decision="hand_over", reason="turns", confidence=0, band="hold", cost=Decimal(0), spec="v1")
    case = build(conversation(), log(decided), [], now=NOW)
    assert (case.reason, case.reason_text) == ("turns", "The agent used up its turns without settling the matter.")


def test_a_reason_with_details_shows_them() -> None:
    lines = log(HandedOver(reason="vip_billing", detail="customer.tier is vip"))
    assert build(conversation(), lines, [], now=NOW).reason_text == "customer.tier is vip"


@pytest.mark.parametrize(
    ("customer", "who"),
    [
        (None, Who("Anonymous visitor")),
        (Customer("site", "ana@x", "Ana", "ana@x.example"), Who("Ana", "ana@x", "ana@x.example", "site")),
        (Customer("link", "42"), Who("42", "42", "", "link")),
    ],
)
def test_who_the_customer_is_and_what_proves_it(customer: Customer | None, who: Who) -> None:
    assert build(conversation(customer=customer), log(), [], now=NOW).customer == who


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"owner": "staff", "owner_name": ""}, "waiting"),
        ({"owner": "staff", "owner_name": "Sara"}, "claimed"),
        ({"owner": "agent", "status": "open"}, "agent"),
        ({"owner": "agent", "status": "resolved"}, "resolved"),
    ],
)
def test_the_state_follows_owner_and_status(changes: dict[str, str], expected: str) -> None:
    assert state(conversation(**changes)) == expected


@pytest.mark.parametrize(
    ("band", "draft", "flagged"), [("send", False, False), ("flag", False, True), ("flag", True, False)]
)
def test_what_the_agent_was_not_sure_of_is_marked(band: Any, draft: bool, flagged: bool) -> None:
    decided = Decided(decision="flag", reason="", confidence=0.7, band=band, cost=Decimal(0), spec="v1")
    drafts = (Drafted(text="It is blue.", action="act_1"),) if draft else ()
    lines = [msgspec.structs.replace(line, turn=2) for line in log(decided, *drafts, AgentSaid(text="Blue."))]
    assert [line.flagged for line in build(conversation(), lines, [], now=NOW).transcript] == [flagged]


def test_the_transcript_names_the_files_of_a_person() -> None:
    lines = log(StaffSaid(text="", id="1", attachments=({"name": "label.pdf"},)), StaffSaid(text="", id="1"))
    assert [line.text for line in build(conversation(), lines, [], now=NOW).transcript] == [
        "📎 label.pdf", "(took the message back)",
    ]  # fmt: skip


def test_the_transcript_names_files_and_links() -> None:
    photo = {"name": "box.png", "media_type": "image/png", "size": 9, "source": "s/f1"}
    card = {"url": "https://parcels.example/1", "title": "Track it", "text": "With DHL"}
    said = log(
        CustomerSaid(text="", attachments=(photo,)),
        AgentSaid(text="On its way", cards=(card,)),
        CustomerSaid(text="Look", attachments=(photo,)),
    )
    assert [line.text for line in build(conversation(), said, [], now=NOW).transcript] == [
        "📎 box.png", "On its way\nTrack it: https://parcels.example/1", "Look\n📎 box.png",
    ]  # fmt: skip
