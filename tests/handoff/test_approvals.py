"""An approval is decided once, by an approver, before it expires; whatever else is pressed changes nothing."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from bus.action import Action
from bus.entries import AgentSaid, ApprovalDecided, SystemSaid
from bus.message import ApprovalCard, CaseCard, Mark, Memo, Move, Outbound, Turn, Words
from tests.handoff.stage import (
    BEN,
    CASE,
    GUEST,
    NOW,
    SARA,
    WEB,
    action,
    card,
    desk,
    kinds,
    log,
    memo,
    pressed,
    row,
    take,
    to_customer,
    typed,
)

NAME = "Sara Lindqvist"
ARGS = {"order_id": "A-48291", "amount": Decimal("189.40")}
QUIET = Memo("quiet", "quiet", NOW + 24 * 3_600_000)
"""Closes the matter when nothing more is heard."""
DRAFT = action(what="reply", tool="", args={}, text="Our **legal** answer", reason="legal")


def decided(verdict: str, by: str = SARA, name: str = NAME) -> ApprovalDecided:
    return ApprovalDecided(
        action="act_1", verdict=verdict, by=by, name=name, tool="create_refund", args=ARGS, digest="d1", spec="v1"
    )


def moved(one: Action, state: str, by: str = SARA) -> Action:
    stamp = {"decided_by": by, "decided_at": NOW} if by else {}
    return msgspec.structs.replace(one, state=state, **stamp)


async def test_an_approval_is_asked_in_the_thread_and_expires_by_itself() -> None:
    turn = await take(memo("approval", action="act_1"), known=[action()], owner="agent", status="open")
    assert turn == Turn(
        outbounds=(
            Outbound("approval:act_1", "say", CASE, ApprovalCard(action(), "Ana Ruiz")),
            Outbound("card:c1:7", "replace", CASE, CaseCard(card(turn)), target_key="card:c1"),
        ),
        memos=(Memo("expire:act_1", "expire", NOW + 3_600_000, {"action": "act_1"}),),
    )


async def test_an_approval_opens_the_thread_if_there_is_none_and_the_agent_keeps_the_word() -> None:
    lines = log()
    turn = await take(
        memo("approval", action="act_1"), known=[action()], owner="agent", status="open", desk=None, lines=lines
    )
    assert [one.key for one in turn.outbounds] == ["card:c1", "details:c1:7", "approval:act_1"]
    assert (card(turn).state, card(turn).reason, turn.owner) == ("agent", "amount_above_200", None)


@pytest.mark.parametrize("state", ["approved", "denied", "expired", "withdrawn", "done"])
async def test_what_is_decided_already_is_not_asked(state: str) -> None:
    assert await take(memo("approval", action="act_1"), known=[moved(action(), state)]) == Turn()


async def test_approving_moves_the_action_and_starts_the_call_in_one_turn() -> None:
    turn = await take(pressed("approve", "act_1"), known=[action()], owner="agent", status="open")
    assert turn == Turn(
        entries=(decided("approved"),),
        outbounds=(
            Outbound(
                "approval:act_1:7",
                "replace",
                CASE,
                ApprovalCard(moved(action(), "approved"), "Ana Ruiz", "Approved by Sara Lindqvist 10:00 UTC"),
                target_key="approval:act_1",
            ),
            Outbound("card:c1:7", "replace", CASE, CaseCard(card(turn)), target_key="card:c1"),
        ),
        moves=(Move("act_1", "pending", "approved", SARA),),
        memos=(Memo("execute:act_1", "execute", NOW, {"action": "act_1"}),),
        cancel=("expire:act_1",),
    )


async def test_rejecting_runs_nothing_and_tells_the_customer() -> None:
    turn = await take(pressed("reject", "act_1"), known=[action()], owner="agent", status="open")
    assert turn.entries[0] == decided("denied")
    assert turn.moves == (Move("act_1", "pending", "denied", SARA),)
    assert (turn.status, turn.memos) == ("waiting_customer", (QUIET,))
    assert to_customer(turn) == [("system", "", "Our team has looked at your request and could not approve it.")]
    replaced = next(one.content for one in turn.outbounds if one.target_key == "approval:act_1")
    assert replaced == ApprovalCard(moved(action(), "denied"), "Ana Ruiz", "Rejected by Sara Lindqvist 10:00 UTC")


async def test_a_rejection_leaves_open_what_still_waits_for_staff_or_belongs_to_a_person() -> None:
    other = msgspec.structs.replace(action(), id="act_2")
    turn = await take(pressed("reject", "act_1"), known=[action(), other], owner="agent")
    assert (turn.status, turn.memos) == (None, ())
    turn = await take(pressed("reject", "act_1"), known=[action()], owner="staff", owner_name=NAME)
    assert (turn.status, turn.memos) == (None, ())


@pytest.mark.parametrize("button", ["approve", "reject"])
@pytest.mark.parametrize("who", [BEN, GUEST])
async def test_who_is_no_approver_decides_nothing_and_is_on_record(button: str, who: str) -> None:
    turn = await take(pressed(button, "act_1", sender=who), known=[action()])
    assert [(one.verdict, one.by) for one in turn.entries if isinstance(one, ApprovalDecided)] == [("refused", who)]
    assert (turn.moves, turn.memos, to_customer(turn)) == ((), (), [])
    assert [one.content for one in turn.outbounds] == [
        Mark("refused", who, "You may not decide this: you are not one of the approvers.")
    ]


@pytest.mark.parametrize("state", ["approved", "denied", "expired", "withdrawn", "executing", "done", "failed"])
async def test_a_second_decision_changes_nothing(state: str) -> None:
    turn = await take(pressed("reject", "act_1"), known=[moved(action(), state)])
    assert turn == Turn(
        outbounds=(
            Outbound(
                "mark:c1:7:0",
                "mark",
                CASE,
                Mark("refused", SARA, f"Nothing to decide any more: this is {state}."),
                target="1779271201.000200",
            ),
        )
    )


@pytest.mark.parametrize("value", ["", "act_2", "c1", "act_1'; --"])
async def test_a_press_with_another_actions_id_changes_nothing(value: str) -> None:
    turn = await take(pressed("approve", value), known=[action()])
    assert (turn.entries, turn.moves, turn.memos) == ((), (), ())


async def test_the_customers_own_confirmation_is_not_staffs_to_give() -> None:
    turn = await take(pressed("approve", "act_1"), known=[action(asks="customer")])
    assert (turn.entries, turn.moves, turn.memos) == ((), (), ())


async def test_an_action_of_another_conversation_is_refused() -> None:
    turn = await take(pressed("approve", "act_1"), known=[action(conversation="c2")])
    assert (turn.entries, turn.moves, turn.memos) == ((), (), ())


async def test_typed_words_approve_nothing() -> None:
    for text in ("approve act_1", "!approve act_1", "yes, approve"):
        turn = await take(typed(text), known=[action()])
        assert turn.moves == ()
        assert not [one for one in turn.memos if one.name == "execute"]


async def test_a_press_after_the_deadline_expires_the_approval() -> None:
    late = action(expires_at=NOW)
    turn = await take(pressed("approve", "act_1"), known=[late], owner="agent")
    assert [one.verdict for one in turn.entries if isinstance(one, ApprovalDecided)] == ["expired"]
    assert turn.moves == (Move("act_1", "pending", "expired"),)
    assert (turn.status, turn.memos) == ("waiting_customer", (QUIET,))
    assert Mark("refused", SARA, "This approval has expired.") in [one.content for one in turn.outbounds]


async def test_nobody_decided_in_time_and_both_sides_are_told() -> None:
    turn = await take(memo("expire", action="act_1"), known=[action(expires_at=NOW)], owner="agent")
    assert kinds(turn) == ["approval_decided", "system_said"]
    assert turn.moves == (Move("act_1", "pending", "expired"),)
    assert "nothing was done" in to_customer(turn)[0][2]
    replaced = next(one.content for one in turn.outbounds if one.target_key == "approval:act_1")
    assert isinstance(replaced, ApprovalCard)
    assert replaced.outcome == "Expired 10:00 UTC: nobody decided in time"


@pytest.mark.parametrize("one", [action(), moved(action(expires_at=NOW), "approved")])
async def test_an_expiry_that_the_matter_has_overtaken_does_nothing(one: Action) -> None:
    assert await take(memo("expire", action="act_1"), known=[one]) == Turn()


async def test_an_approved_reply_is_sent_in_the_agents_name() -> None:
    turn = await take(pressed("approve", "act_1"), known=[DRAFT], owner="agent", status="open")
    assert turn.entries[1] == AgentSaid(text="Our **legal** answer", by=SARA)
    assert turn.outbounds[0] == Outbound("reply:act_1", "say", WEB, Words("Our **legal** answer", "agent"), cause=-1)
    assert [(one.before, one.after) for one in turn.moves] == [
        ("pending", "approved"),
        ("approved", "executing"),
        ("executing", "done"),
    ]
    assert (turn.status, turn.memos) == ("waiting_customer", (QUIET,))


async def test_a_rejected_reply_leaves_the_customer_with_the_person_who_rejected_it() -> None:
    turn = await take(pressed("reject", "act_1"), known=[DRAFT], owner="agent", status="open")
    assert (turn.owner, turn.owner_name, turn.status, turn.bump_epoch) == ("staff", NAME, "waiting_staff", True)
    assert to_customer(turn) == [("system", "", "You are now talking with Sara Lindqvist.")]
    assert "legal" not in str([one for one in turn.outbounds if one.to == WEB])


async def test_an_expired_reply_goes_to_people() -> None:
    expired = msgspec.structs.replace(DRAFT, expires_at=NOW)
    turn = await take(memo("expire", action="act_1"), known=[expired], owner="agent", status="open")
    assert (turn.owner, turn.status) == ("staff", "waiting_staff")
    assert SystemSaid(text="I'm going to bring in someone from the team.") in turn.entries
    assert "handed_over" in kinds(turn)


async def test_the_result_of_an_approved_call_is_told_in_the_thread() -> None:
    done = msgspec.structs.replace(moved(action(), "done"), result={"ref": "R-7711"})
    turn = await take(memo("case_changed", action="act_1"), known=[done])
    assert turn.outbounds[0].content == Words(
        "create\\_refund (order\\_id: A-48291, amount: 189.40) – done: ref: R-7711", "system"
    )
    assert turn.outbounds[1] == Outbound(
        "approval:act_1:7",
        "replace",
        CASE,
        ApprovalCard(done, "Ana Ruiz", "Approved by Sara Lindqvist 10:00 UTC – done"),
        target_key="approval:act_1",
    )


@pytest.mark.parametrize(
    ("state", "line", "outcome"),
    [
        ("withdrawn", None, "Withdrawn: the customer wrote again"),
        ("blocked", "waits until the customer has signed in again", "waits until the customer has signed in again"),
        ("unknown", "no answer: nobody knows yet whether it happened", "nobody knows yet whether it happened"),
        ("failed", "failed", "Approved by Sara Lindqvist 10:00 UTC – failed"),
    ],
)
async def test_what_became_of_an_approval_is_told(state: str, line: str | None, outcome: str) -> None:
    one = moved(action(), state, "" if state == "withdrawn" else SARA)
    turn = await take(memo("case_changed", action="act_1"), known=[one])
    told = [out.content.text for out in turn.outbounds if isinstance(out.content, Words)]
    assert [bool(line and line in text) for text in told] == ([] if line is None else [True])
    replaced = next(out.content for out in turn.outbounds if out.target_key == "approval:act_1")
    assert isinstance(replaced, ApprovalCard)
    assert outcome in replaced.outcome


async def test_a_changed_draft_is_sent_as_it_was_changed() -> None:
    press = row("press", button="edit", text="act_1", data={"text": " Our kind answer \n"})
    turn = await take(press, known=[DRAFT], owner="agent", status="open")
    assert turn.entries[1] == AgentSaid(text="Our kind answer", by=SARA)
    assert to_customer(turn) == [("agent", "", "Our kind answer")]
    assert turn.moves[0].changed == msgspec.structs.replace(DRAFT, text="Our kind answer")


async def test_whoever_may_answer_may_send_a_draft() -> None:
    press = row("press", button="edit", text="act_1", data={"text": "pay them"}, sender=BEN)
    turn = await take(press, known=[DRAFT], owner="agent")
    assert to_customer(turn) == [("agent", "", "pay them")]


async def test_a_guest_changes_no_draft() -> None:
    press = row("press", button="edit", text="act_1", data={"text": "pay them"}, sender=GUEST)
    turn = await take(press, known=[DRAFT], owner="agent")
    assert (turn.moves, to_customer(turn)) == ((), [])


@pytest.mark.parametrize(("one", "text"), [(action(), "amount: 1"), (DRAFT, "  "), (DRAFT, "")])
async def test_a_call_cannot_be_edited_and_empty_words_are_not_sent(one: Action, text: str) -> None:
    press = row("press", button="edit", text="act_1", data={"text": text})
    assert await take(press, known=[one], owner="agent") == Turn()


async def test_in_draft_mode_nothing_is_said_without_a_click() -> None:
    draft_mode = desk(mode=lambda _: "draft")
    turn = await take(memo("expire", action="act_1"), known=[action(expires_at=NOW)], owner="agent", at=draft_mode)
    assert (to_customer(turn), turn.status, turn.memos) == ([], None, ())
    turn = await take(pressed("reject", "act_1"), known=[action()], owner="agent", at=draft_mode)
    assert len(to_customer(turn)) == 1


async def test_a_change_without_a_desk_is_nobodys() -> None:
    assert await take(memo("case_changed"), desk=None) == Turn()
