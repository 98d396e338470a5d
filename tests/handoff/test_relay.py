"""The relay opens the case, mirrors the customer and reports what was delivered."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from bus.channel import Person
from bus.entries import (
    AgentSaid,
    CustomerSaid,
    Decided,
    HandedOver,
    Parked,
    Returned,
    StaffSaid,
    SystemSaid,
)
from bus.message import (
    CaseCard,
    CaseDetails,
    Mark,
    Memo,
    Outbound,
    Received,
    Turn,
    Words,
)
from handoff.relay import HANDLERS
from tests.handoff.stage import (
    CASE,
    NOW,
    SARA,
    WAITING,
    WEB,
    desk,
    kinds,
    log,
    memo,
    named,
    row,
    said,
    story,
    take,
    to_customer,
    without_story,
)


async def test_a_handover_opens_one_thread_with_card_and_details() -> None:
    turn = await take(memo("handover", reason="warehouse_flag"), desk=None)
    capsule = story(turn)
    assert turn == Turn(
        outbounds=(
            Outbound("card:c1", "say", CASE, CaseCard(without_story(capsule))),
            Outbound("details:c1:7", "say", CASE, CaseDetails(capsule)),
        ),
        memos=(Memo("unclaimed", "unclaimed", NOW + 600_000),),
        status="waiting_staff",
    )
    assert (capsule.state, capsule.reason, capsule.last_message) == ("waiting", "warehouse_flag", "Where is my refund?")


async def test_the_case_goes_where_its_route_says() -> None:
    turn = await take(memo("handover", reason="vip"), desk=None, at=desk(route=lambda capsule: f"C-{capsule.reason}"))
    assert {one.to.peer for one in turn.outbounds} == {"C-vip"}


async def test_parked_work_is_handed_over_and_the_customer_is_told() -> None:
    lines = log(CustomerSaid(text="Hello"), Parked(what="message:1", why="no end after 5 attempts"))
    turn = await take(memo("handover", reason="interrupted", parked=True), lines=lines, owner="agent", desk=None)
    assert kinds(turn) == ["system_said", "handed_over"]
    assert (turn.owner, turn.status, turn.bump_epoch) == ("staff", "waiting_staff", True)
    assert to_customer(turn) == [("system", "", "I'm going to bring in someone from the team.")]


async def test_a_second_handover_comes_back_in_the_same_thread_for_all_to_see() -> None:
    lines = [*WAITING, *log(Returned(by=SARA), CustomerSaid(text="Still nothing"), HandedOver(reason="sentiment"))]
    turn = await take(memo("handover", reason="sentiment"), lines=lines)
    capsule = story(turn)
    assert turn.outbounds == (
        Outbound(
            "line:c1:7:0", "say", CASE, Words("Handed over again: The customer is upset.", "system", broadcast=True)
        ),
        Outbound("details:c1:7", "say", CASE, CaseDetails(capsule)),
        Outbound("card:c1:7", "replace", CASE, CaseCard(without_story(capsule)), target_key="card:c1"),
    )


async def test_what_the_customer_says_appears_in_the_thread_once_and_in_order() -> None:
    turn = await take(said("<!channel> hi", number=42), said("*are* you there?", number=43))
    mirrored = [one for one in turn.outbounds if one.key.startswith("mirror:")]
    assert mirrored == [
        Outbound("mirror:42", "say", CASE, Words("<!channel> hi", "customer", "Ana Ruiz")),
        Outbound("mirror:43", "say", CASE, Words("*are* you there?", "customer", "Ana Ruiz")),
    ]
    assert [one.act for one in turn.outbounds] == ["say", "say", "replace"]
    assert (turn.status, turn.owner, to_customer(turn)) == ("waiting_staff", None, [])


async def test_before_the_thread_is_open_the_handover_will_tell_everything() -> None:
    turn = await take(said("and another thing"), desk=None, due=["handover"])
    assert turn == Turn(status="waiting_staff")


async def test_a_case_from_before_there_was_a_desk_opens_with_the_customers_next_words() -> None:
    turn = await take(said("is anybody there?"), desk=None)
    assert [one.key for one in turn.outbounds] == ["card:c1", "details:c1:7", "mirror:42"]
    whole = story(turn)
    assert (whole.reason, [line.text for line in whole.transcript]) == ("warehouse_flag", ["Where is my refund?"])
    assert named(turn, "unclaimed") == Memo("unclaimed", "unclaimed", NOW + 600_000)


async def test_a_case_whose_handover_was_parked_opens_with_the_customers_next_words() -> None:
    lines = [*WAITING, *log(Parked(what="memo:c1:handover", why="no end after 5 attempts"))]
    turn = await take(said("is anybody there?"), desk=None, lines=lines)
    assert [one.key for one in turn.outbounds] == ["card:c1", "details:c1:7", "mirror:42"]


async def test_a_case_that_somebody_has_is_not_called_out_when_its_thread_opens() -> None:
    turn = await take(said("hello?"), desk=None, owner_name="Sara Lindqvist")
    assert (named(turn, "unclaimed"), len(turn.outbounds)) == (None, 3)


async def test_without_a_handover_to_come_the_customer_opens_the_thread() -> None:
    turn = await take(said("hello?"), desk=None, lines=log(CustomerSaid(text="hello?")))
    assert [one.key for one in turn.outbounds] == ["card:c1", "details:c1:7", "mirror:42"]


async def test_an_edit_a_deletion_and_a_press_of_the_customers_are_shown_as_such() -> None:
    edit = row("edit", "customer", text="A-48292, sorry", target="m1")
    delete = row("delete", "customer", target="m1")
    press = row("press", "customer", text="Yes", button="yes", target="m2")
    shown = [(await take(each)).outbounds[0].content for each in (edit, delete, press)]
    assert shown == [
        Words("A-48292, sorry", "customer", "Ana Ruiz (edited)"),
        Words("(deleted a message)", "customer", "Ana Ruiz"),
        Words("Yes", "customer", "Ana Ruiz"),
    ]


def report(of: int, reason: str = "") -> Received:
    return row("delivery", "customer", data={"of": of, "reason": reason, "logged": True})


STAFF_LINES = log(CustomerSaid(text="Hello"), StaffSaid(text="Hi", id="1.5", by=SARA, name="Sara"))


async def test_a_delivered_reply_gets_its_sign() -> None:
    turn = await take(report(2), lines=STAFF_LINES)
    assert turn == Turn(outbounds=(Outbound("mark:c1:7:0", "mark", CASE, Mark("delivered", SARA), target="1.5"),))


async def test_a_failed_reply_is_shown_to_its_author_with_the_reason() -> None:
    turn = await take(report(2, "window_closed"), lines=STAFF_LINES)
    mark = Mark("failed", SARA, "This did not reach the customer: window_closed")
    assert turn == Turn(outbounds=(Outbound("mark:c1:7:0", "mark", CASE, mark, target="1.5"),))


async def test_words_of_the_gateway_that_did_not_arrive_are_told_in_the_thread() -> None:
    lines = log(CustomerSaid(text="Hello"), SystemSaid(text="Bye"))
    turn = await take(report(2, "bot_blocked"), lines=lines)
    assert turn.outbounds[0].content == Words("⚠️ The customer was not reached (bot\\_blocked) with: Bye", "system")


async def test_of_a_reply_that_may_or_may_not_have_arrived_neither_is_said() -> None:
    turn = await take(report(2, "ambiguous"), lines=STAFF_LINES)
    (mark,) = [one.content for one in turn.outbounds]
    assert isinstance(mark, Mark)
    assert (mark.sign, mark.author) == ("unknown", SARA)
    for words in (
        "Nobody knows whether the customer has read this",
        "not sent a second time",
        "they may read it twice",
    ):
        assert words in mark.note


async def test_of_the_agents_words_that_may_or_may_not_have_arrived_the_thread_is_told_which() -> None:
    turn = await take(
        report(2, "ambiguous"), lines=log(CustomerSaid(text="Hello"), AgentSaid(text="*Refunded*.\n" * 99))
    )
    told = turn.outbounds[0].content
    assert isinstance(told, Words)
    assert told.text.startswith("❔ Nobody knows whether the customer has read this")
    assert "on its way: \\*Refunded\\*. \\*Refunded" in told.text
    assert "did not reach" not in told.text
    assert len(told.text) < 800


SHARED = log(StaffSaid(text="", id="1.5", by=SARA, attachments=({"name": "label.pdf"},)))
TAKEN_BACK = log(StaffSaid(text="", id="1.5", by=SARA))


def about_file(of: int, reason: str) -> Received:
    return row("delivery", "customer", data={"of": of, "reason": reason, "file": "label*.pdf", "logged": True})


async def test_a_reply_that_is_only_a_file_gets_its_sign() -> None:
    turn = await take(report(1), lines=SHARED)
    assert turn == Turn(outbounds=(Outbound("mark:c1:7:0", "mark", CASE, Mark("delivered", SARA), target="1.5"),))


async def test_of_a_file_that_did_not_arrive_its_author_hears_which() -> None:
    (mark,) = [one.content for one in (await take(about_file(1, "blocked"), lines=SHARED)).outbounds]
    assert mark == Mark("failed", SARA, "📎 label*.pdf: This did not reach the customer: blocked")
    (mark,) = [one.content for one in (await take(about_file(1, "ambiguous"), lines=SHARED)).outbounds]
    assert isinstance(mark, Mark)
    assert mark.note.startswith("📎 label*.pdf: Nobody knows whether")


async def test_what_could_not_be_taken_back_is_told_to_its_author() -> None:
    assert await take(report(1), lines=TAKEN_BACK) == Turn()
    (mark,) = [one.content for one in (await take(report(1, "too_late_to_change"), lines=TAKEN_BACK)).outbounds]
    still = "This could not be taken back, and the customer still has it: too_late_to_change"
    assert mark == Mark("failed", SARA, still)


@pytest.mark.parametrize(
    ("reason", "why"),
    [("archived", "could not be shown here: archived"), ("ambiguous", "may be missing here: the connection broke")],
)
async def test_a_customers_file_that_the_thread_did_not_get_is_named_there(reason: str, why: str) -> None:
    turn = await take(about_file(0, reason))
    told = turn.outbounds[0].content
    assert isinstance(told, Words)
    assert told.text.startswith(f"📎 label\\*.pdf {why}")
    assert turn.outbounds[0].to == CASE
    assert await take(about_file(0, reason), desk=None) == Turn()


async def test_a_report_that_is_not_in_the_log_yet_is_recorded() -> None:
    turn = await take(row("delivery", "customer", data={"of": 2, "reason": "gone"}), lines=STAFF_LINES)
    assert kinds(turn) == ["delivery_failed"]


async def test_a_delivery_without_a_desk_says_nothing() -> None:
    assert await take(report(1, "gone"), lines=STAFF_LINES, desk=None) == Turn()


async def test_without_a_desk_people_answer_elsewhere_and_nothing_waits_to_be_posted() -> None:
    nowhere = desk(route=lambda _: "")
    for each in (memo("handover", reason="turns"), said("hello"), memo("unclaimed")):
        turn = await take(each, desk=None, lines=log(CustomerSaid(text="hello")), at=nowhere)
        assert [one for one in turn.outbounds if one.to != WEB] == []
    turn = await take(memo("handover", reason="turns"), desk=None, lines=log(), owner="agent", at=nowhere)
    assert (turn.owner, kinds(turn), turn.status) == ("staff", ["system_said", "handed_over"], "waiting_staff")


async def test_in_draft_mode_a_handover_is_not_announced() -> None:
    turn = await take(memo("handover", reason="x"), owner="agent", lines=log(), at=desk(mode=lambda _: "draft"))
    assert to_customer(turn) == []


FLAGGED_LINES = log(
    CustomerSaid(text="Do you have blue ones?", name="Ana Ruiz"),
    Decided(decision="flag", reason="flag", confidence=0.71, band="flag", cost=Decimal(0), spec="v1"),
)
FLAGGED_LINES.append(
    msgspec.structs.replace(FLAGGED_LINES[-1], seq=3, entry=AgentSaid(text="We have *blue* ones.\n" * 40))
)


async def test_a_flagged_reply_is_told_in_the_thread_and_to_nobody_else() -> None:
    turn = await take(memo("flagged", turn=2), lines=FLAGGED_LINES, owner="agent")
    content = turn.outbounds[0].content
    assert isinstance(content, Words)
    assert content.text.startswith(
        "🟡 The agent answered, but was not quite sure (0.71): We have \\*blue\\* ones. We have"
    )
    assert (len(content.text) < 500, content.broadcast, turn.outbounds[0].to) == (True, False, CASE)
    assert [one.act for one in turn.outbounds] == ["say", "replace"]
    assert (to_customer(turn), turn.owner, turn.status) == ([], None, None)


async def test_a_flagged_reply_opens_no_case() -> None:
    assert await take(memo("flagged", turn=2), lines=FLAGGED_LINES, owner="agent", desk=None) == Turn()


async def test_a_flagged_reply_that_is_gone_says_nothing() -> None:
    assert await take(memo("flagged", turn=9), lines=FLAGGED_LINES, owner="agent") == Turn()


async def test_a_flagged_reply_is_marked_in_the_case_that_opens_later() -> None:
    lines = [*FLAGGED_LINES, *log(HandedOver(reason="sentiment"))]
    turn = await take(memo("handover", reason="sentiment"), lines=lines, desk=None)
    assert [(line.speaker, line.flagged) for line in story(turn).transcript] == [("customer", False), ("agent", True)]


async def test_an_unclaimed_case_is_called_out_once() -> None:
    turn = await take(memo("unclaimed"))
    content = turn.outbounds[0].content
    assert isinstance(content, Words)
    assert content.broadcast
    assert "10 minutes" in content.text


async def test_a_claimed_case_is_not_called_out() -> None:
    assert await take(memo("unclaimed"), owner_name="Sara Lindqvist") == Turn()


async def test_what_nobody_knows_is_done_without_a_word() -> None:
    assert await take(memo("from_the_future")) == Turn()
    assert await take(row("press", button="link")) == Turn()


async def test_a_decision_to_hand_over_what_people_have_already_hides_nothing() -> None:
    decided = Decided(decision="hand_over", reason="turns", confidence=0.2, band="hold", cost=0, spec="v1")  # type: ignore[arg-type]
    turn = await take(said("?"), desk=None, lines=log(decided))
    assert (story(turn).reason, turn.outbounds[-1].key) == ("turns", "mirror:42")


def test_the_table_of_handlers_is_complete() -> None:
    assert sorted(HANDLERS) == [
        ("customer", "delete"),
        ("customer", "edit"),
        ("customer", "message"),
        ("customer", "press"),
        ("delivery", ""),
        ("memo", "approval"),
        ("memo", "case_changed"),
        ("memo", "expire"),
        ("memo", "flagged"),
        ("memo", "handover"),
        ("memo", "unclaimed"),
        ("press", "approve"),
        ("press", "claim"),
        ("press", "edit"),
        ("press", "reject"),
        ("press", "reopen"),
        ("press", "resolve"),
        ("press", "return"),
        ("staff", "delete"),
        ("staff", "edit"),
        ("staff", "message"),
    ]


async def test_a_customers_name_is_the_one_they_wrote_under() -> None:
    turn = await take(said("hi", name=""))
    assert turn.outbounds[0].content == Words("hi", "customer", "Ana Ruiz")
    assert Person(SARA, "x").roles == frozenset()
    assert turn.outbounds[0].to != WEB
