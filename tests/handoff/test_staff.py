"""A plain reply goes to the customer; everything that might not be one stays inside."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.channel import Limits
from bus.entries import (
    Claimed,
    CustomerSaid,
    Recorded,
    Reopened,
    Resolved,
    Returned,
    StaffNoted,
    StaffSaid,
    SystemSaid,
    TakenOver,
)
from bus.message import Address, Attachment, CaseCard, Inbound, Mark, Memo, Outbound, Received, Sender, Turn, Words
from handoff.commands import HELP
from tests.handoff.stage import (
    BEN,
    CASE,
    GUEST,
    NOW,
    SARA,
    WAITING,
    WEB,
    action,
    card,
    desk,
    kinds,
    log,
    named,
    pressed,
    row,
    take,
    to_customer,
    typed,
)

TS = "1779271201.000200"
NAME = "Sara Lindqvist"


def marked(turn: Turn) -> list[Mark]:
    return [one.content for one in turn.outbounds if isinstance(one.content, Mark)]


async def test_the_first_reply_claims_introduces_and_goes_out() -> None:
    turn = await take(typed("Hi, this is Sara. I'll sort it out today."))
    hello = "You are now talking with Sara Lindqvist."
    capsule = card(turn)
    assert turn == Turn(
        entries=(
            Claimed(by=SARA, name=NAME),
            SystemSaid(text=hello),
            StaffSaid(text="Hi, this is Sara. I'll sort it out today.", id=TS, by=SARA, name=NAME),
        ),
        outbounds=(
            Outbound("talking_with:c1:7:0", "say", WEB, Words(hello, "system"), cause=-2),
            Outbound(
                f"reply:C1:{TS}",
                "say",
                WEB,
                Words("Hi, this is Sara. I'll sort it out today.", "staff", NAME),
                cause=-1,
            ),
            Outbound("card:c1:7", "replace", CASE, CaseCard(capsule), target_key="card:c1"),
        ),
        cancel=("unclaimed",),
        owner="staff",
        owner_name=NAME,
        status="waiting_customer",
    )
    assert (capsule.state, capsule.owner_name) == ("claimed", NAME)


async def test_the_next_reply_introduces_nobody_again() -> None:
    lines = [*WAITING, *log(Claimed(by=SARA, name=NAME), StaffSaid(text="Hi", id="1", by=SARA, name=NAME))]
    turn = await take(typed("Done."), lines=lines, owner_name=NAME)
    assert kinds(turn) == ["staff_said"]
    assert to_customer(turn) == [("staff", NAME, "Done.")]


async def test_a_colleagues_reply_goes_out_under_their_own_name_and_moves_the_claim() -> None:
    lines = [*WAITING, *log(Claimed(by=SARA, name=NAME), StaffSaid(text="Hi", id="1", by=SARA, name=NAME))]
    turn = await take(typed("Ben here.", sender=BEN), lines=lines, owner_name=NAME)
    assert kinds(turn) == ["claimed", "system_said", "staff_said"]
    assert to_customer(turn)[-1] == ("staff", "Ben Okafor", "Ben here.")
    assert turn.owner_name == "Ben Okafor"


async def test_a_reply_while_the_agent_has_the_word_takes_over_and_withdraws_its_drafts_but_no_call() -> None:
    draft = action(id="act_2", what="reply", tool="", args={}, text="Drafted words")
    turn = await take(typed("I'll take this."), owner="agent", status="open", known=[action(), draft])
    assert kinds(turn) == ["taken_over", "system_said", "approval_decided", "staff_said"]
    assert [(move.action, move.after) for move in turn.moves] == [("act_2", "withdrawn")]
    assert (turn.owner, turn.bump_epoch, turn.status) == ("staff", True, "waiting_customer")
    replaced = next(one for one in turn.outbounds if one.target_key == "approval:act_2")
    assert replaced.content.outcome == "Withdrawn: Sara Lindqvist took the case"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "note: she is a vip", "Note : x", "NOTE:x", "private: x", ";; x", ";;x", "\\\\ x", "🔒 x", ":lock: x", "  note: x",
        "*note:* x", "_private:_ x", "> note: x", "\u200bnote: x", "note：x", "note:", "🔒",
    ],
)  # fmt: skip
async def test_notes_stay_inside(text: str) -> None:
    turn = await take(typed(text))
    assert kinds(turn) == ["staff_noted"]
    assert to_customer(turn) == []
    assert marked(turn) == [Mark("private", SARA)]
    assert (turn.owner, turn.status) == (None, None)


async def test_a_note_is_kept_without_its_sign() -> None:
    turn = await take(typed("note: she is a vip"))
    assert turn.entries == (StaffNoted(text="she is a vip", id=TS, by=SARA, name=NAME),)


async def test_a_line_to_a_colleague_stays_inside() -> None:
    turn = await take(typed("@U2 can you look?", aside=True, mentions=["U2"]))
    assert turn.entries == (StaffNoted(text="@Ben Okafor can you look?", id=TS, by=SARA, name=NAME),)
    assert "mention" in marked(turn)[0].note
    assert to_customer(turn) == []


async def test_a_mention_inside_a_reply_is_shown_by_name() -> None:
    turn = await take(typed("I asked @U2 about it.", mentions=["U2"]))
    assert to_customer(turn)[-1] == ("staff", NAME, "I asked @Ben Okafor about it.")


@pytest.mark.parametrize("text", ["", "   ", "\n", "\u200b", "*_*"])
async def test_nothing_said_is_nothing(text: str) -> None:
    assert await take(typed(text)) == Turn()


async def test_somebody_who_is_no_member_is_heard_inside_only() -> None:
    turn = await take(typed("You should refund her", sender=GUEST))
    assert turn.entries == (StaffNoted(text="You should refund her", id=TS, by=GUEST, name="Robin Vale"),)
    assert to_customer(turn) == []
    assert marked(turn)[0].author == GUEST
    assert "only members" in marked(turn)[0].note


@pytest.mark.parametrize("text", ["!resolve", "!ai", "!claim", "!help"])
async def test_commands_of_strangers_do_nothing(text: str) -> None:
    turn = await take(typed(text, sender=GUEST))
    assert kinds(turn) == ["staff_noted"]
    assert (turn.owner, turn.status, to_customer(turn)) == (None, None, [])


@pytest.mark.parametrize(
    "text", ["!reslove", "!refund 9999", "!", "! hello", "!!!", "！resolved", "!resolved", "*!close*"]
)
async def test_an_unknown_command_is_never_sent(text: str) -> None:
    turn = await take(typed(text))
    assert kinds(turn) == ["staff_noted"]
    assert to_customer(turn) == []
    assert "is no command" in marked(turn)[0].note


async def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    assert "Did you mean !resolve?" in marked(await take(typed("!reslove")))[0].note


async def test_help_is_shown_to_who_asked() -> None:
    turn = await take(typed("!help"))
    assert turn == Turn(outbounds=(Outbound("mark:c1:7:0", "mark", CASE, Mark("seen", SARA, HELP), target=TS),))


async def test_claiming() -> None:
    for each in (pressed("claim"), typed("!claim")):
        turn = await take(each)
        assert turn.entries == (Claimed(by=SARA, name=NAME),)
        assert (turn.owner, turn.owner_name, turn.cancel) == ("staff", NAME, ("unclaimed",))
        assert (card(turn).state, card(turn).owner_name) == ("claimed", NAME)
        assert to_customer(turn) == []


async def test_claiming_while_the_agent_has_the_word_is_no_silent_switch() -> None:
    turn = await take(pressed("claim"), owner="agent", status="open")
    assert turn.entries[0] == TakenOver(by=SARA, name=NAME)
    assert to_customer(turn) == [("system", "", "You are now talking with Sara Lindqvist.")]
    assert turn.bump_epoch


async def test_claiming_what_is_mine_changes_nothing() -> None:
    turn = await take(pressed("claim"), lines=[*WAITING, *log(Claimed(by=SARA, name=NAME))], owner_name=NAME)
    assert turn.entries == ()
    assert marked(turn) == [Mark("refused", SARA, "You have this case already.")]


async def test_resolving_closes_the_matter_and_what_still_waited() -> None:
    question = action(id="act_2", asks="customer")
    for each in (pressed("resolve"), typed("!resolve")):
        turn = await take(each, owner_name=NAME, known=[action(), question])
        assert kinds(turn) == ["approval_decided", "confirmation_given", "resolved", "system_said"]
        assert [move.after for move in turn.moves] == ["withdrawn", "withdrawn"]
        assert (turn.owner, turn.owner_name, turn.status) == ("agent", "", "resolved")
        assert turn.bump_epoch
        assert turn.new_episode
        assert to_customer(turn) == [("system", "", "We have closed this request. Write again at any time.")]
        assert card(turn).state == "resolved"


async def test_resolving_twice_is_refused() -> None:
    turn = await take(pressed("resolve"), owner="agent", status="resolved")
    assert turn.entries == ()
    assert marked(turn)[0].note == "This case is already resolved."


async def test_returning_lets_the_agent_answer_what_nobody_answered() -> None:
    for each in (pressed("return"), typed("!ai")):
        turn = await take(each, owner_name=NAME)
        assert turn.entries[0] == Returned(by=SARA, name=NAME)
        assert (turn.owner, turn.owner_name, turn.status, turn.bump_epoch) == ("agent", "", "open", True)
        assert turn.memos == (Memo("answer", "answer", NOW, {"reason": "returned"}),)
        assert to_customer(turn) == [("system", "", "Our assistant is with you again.")]
        assert card(turn).state == "agent"


async def test_returning_an_answered_conversation_starts_no_turn() -> None:
    lines = [*WAITING, *log(StaffSaid(text="Done", id="1", by=SARA))]
    turn = await take(pressed("return"), lines=lines, owner_name=NAME)
    assert turn.memos == ()
    assert to_customer(turn) == [("system", "", "I'm back with you. How can I help?")]


async def test_returning_what_the_agent_has_is_refused() -> None:
    turn = await take(pressed("return"), owner="agent")
    assert turn.entries == ()
    assert marked(turn)[0].note == "The agent has this conversation already."


async def test_words_after_a_command_are_kept_as_a_note() -> None:
    turn = await take(typed("!ai tell her it ships on Monday"))
    assert turn.entries[0] == StaffNoted(text="tell her it ships on Monday", id=TS, by=SARA, name=NAME)


@pytest.mark.parametrize("button", ["claim", "resolve", "return"])
async def test_a_strangers_press_changes_nothing_and_is_on_record(button: str) -> None:
    turn = await take(pressed(button, sender=GUEST))
    assert turn.entries == (StaffNoted(text=f"(pressed {button}, refused)", by=GUEST, name="Robin Vale"),)
    assert (turn.owner, turn.status, turn.moves, to_customer(turn)) == (None, None, (), [])
    assert marked(turn)[0].sign == "refused"


@pytest.mark.parametrize("button", ["claim", "resolve", "return"])
async def test_a_press_with_another_conversations_id_is_refused(button: str) -> None:
    turn = await take(pressed(button, "c2"))
    assert turn.entries == ()
    assert turn.owner is None
    assert marked(turn)[0].sign == "refused"


SENT = [*WAITING, *log(StaffSaid(text="Hi", id=TS, by=SARA, name=NAME))]


async def test_an_edit_of_a_sent_reply_is_not_sent_again() -> None:
    turn = await take(row("edit", text="Hi!"), lines=SENT, at=desk(limits=lambda _: Limits(replaces=False)))
    assert kinds(turn) == ["staff_noted"]
    assert [one.act for one in turn.outbounds] == ["mark"]
    assert "has seen the original" in marked(turn)[0].note


async def test_an_edit_replaces_the_words_where_the_channel_can() -> None:
    turn = await take(row("edit", text="Hi!"), lines=SENT, at=desk(limits=lambda _: Limits(replaces=True)))
    assert turn.outbounds[0] == Outbound(
        "edit:c1:7:0", "replace", WEB, Words("Hi!", "staff", NAME), target_key=f"reply:C1:{TS}", cause=-1
    )


async def test_a_page_that_reads_the_log_finds_the_changed_words_there() -> None:
    at = desk(limits=lambda _: Limits(pull=True, replaces=True))
    turn = await take(row("edit", text="Hi!"), lines=SENT, at=at)
    assert turn.entries == (StaffSaid(text="Hi!", id=TS, by=SARA, name=NAME),)
    assert [(one.act, one.content.sign) for one in turn.outbounds if isinstance(one.content, Mark)] == [
        ("mark", "seen")
    ]
    turn = await take(row("delete"), lines=SENT, at=at)
    assert turn.entries == (StaffSaid(text="", id=TS, by=SARA, name=NAME),)
    assert turn.outbounds == ()


@pytest.mark.parametrize("limits", [Limits(replaces=True), Limits(pull=True, replaces=True)])
@pytest.mark.parametrize(
    ("text", "data"), [("note: Hi!", {}), ("!resolve", {}), ("", {}), ("@Ben this customer is lying", {"aside": True})]
)
async def test_an_edit_into_something_internal_never_leaves(text: str, data: dict[str, Any], limits: Limits) -> None:
    turn = await take(row("edit", text=text, data=data), lines=SENT, at=desk(limits=lambda _: limits))
    assert [one.act for one in turn.outbounds] == ["mark"]
    assert kinds(turn) == ["staff_noted"]


async def test_an_edit_of_a_note_sends_nothing() -> None:
    assert await take(row("edit", text="now a reply?")) == Turn()


async def test_a_deleted_reply_is_removed_where_the_channel_can() -> None:
    turn = await take(row("delete"), lines=SENT, at=desk(limits=lambda _: Limits(replaces=True)))
    assert turn.outbounds == (Outbound("delete:c1:7:0", "remove", WEB, target_key=f"reply:C1:{TS}", cause=-1),)


async def test_of_a_deleted_reply_that_the_customer_keeps_its_author_is_told() -> None:
    turn = await take(row("delete"), lines=SENT, at=desk(limits=lambda _: Limits(replaces=False)))
    assert kinds(turn) == ["staff_noted"]
    (mark,) = marked(turn)
    assert (mark.sign, mark.author) == ("refused", SARA)
    assert "customer keeps what you deleted" in mark.note


FILE = Attachment("label.pdf", "application/pdf", 10, "F1")


async def test_a_file_reaches_the_customer_as_their_channel_can_show_it() -> None:
    posted = row("message", text="Here it is", attachments=(FILE,))
    as_file = await take(posted, at=desk(limits=lambda _: Limits(files=True)))
    sent = [one for one in as_file.outbounds if isinstance(one.content, Words) and one.content.attachments]
    (told,) = [one.content for one in sent if isinstance(one.content, Words)]
    assert told == Words("", "staff", NAME, attachments=(msgspec.structs.replace(FILE, channel="desk"),))
    assert (sent[0].key, sent[0].to) == (f"reply:C1:{TS}:0", WEB)

    async def link(file: Attachment) -> str:
        return f"https://support.example.com/files/{file.channel}/{file.source}"

    as_link = await take(posted, at=desk(link_to=link))
    assert ("staff", NAME, "Here it is") in to_customer(as_link)
    said = as_link.entries[-1]
    assert isinstance(said, StaffSaid)
    assert (said.text, said.id) == ("Here it is", TS)
    (file,) = said.attachments
    assert (file["name"], file["url"]) == ("label.pdf", "https://support.example.com/files/desk/F1")
    assert [one for one in as_link.outbounds if isinstance(one.content, Words) and one.content.attachments] == []


SHARED_AT_DESK: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(FILE, channel="desk"))


def shared(text: str, *files: dict[str, Any]) -> list[Recorded]:
    return [*WAITING, *log(StaffSaid(text=text, id=TS, by=SARA, name=NAME, attachments=files))]


def changes(turn: Turn) -> list[tuple[str, str]]:
    return [(one.act, one.target_key) for one in turn.outbounds if one.to == WEB]


@pytest.mark.parametrize("text", ["Here they are", ""])
async def test_a_deleted_reply_takes_its_files_back(text: str) -> None:
    at = desk(limits=lambda _: Limits(files=True))
    turn = await take(row("delete"), lines=shared(text, SHARED_AT_DESK, SHARED_AT_DESK), at=at)
    words = [("remove", f"reply:C1:{TS}")] if text else []
    assert changes(turn) == [*words, ("remove", f"reply:C1:{TS}:0"), ("remove", f"reply:C1:{TS}:1")]
    assert {one.cause for one in turn.outbounds} == {-1}
    assert turn.entries == (StaffSaid(text="", id=TS, by=SARA, name=NAME),)


async def test_where_people_fetch_a_deleted_file_has_no_address_any_more() -> None:
    forgotten: list[Attachment] = []

    async def forget(file: Attachment) -> None:
        forgotten.append(file)

    lines = shared("", {**SHARED_AT_DESK, "url": "https://support.example.com/files/1/label.pdf"})
    turn = await take(row("delete"), lines=lines, at=desk(forget=forget))
    assert forgotten == [msgspec.structs.replace(FILE, channel="desk")]
    assert (turn.entries, changes(turn)) == ((StaffSaid(text="", id=TS, by=SARA, name=NAME),), [])

    async def fails(_: Attachment) -> None:
        raise OSError("disk")

    turn = await take(row("delete"), lines=lines, at=desk(forget=fails))
    assert "label.pdf may still be read" in marked(turn)[0].note


async def test_what_was_taken_back_is_not_taken_back_again() -> None:
    lines = [*SENT, *log(StaffSaid(text="", id=TS, by=SARA, name=NAME))]
    assert await take(row("delete"), lines=lines, at=desk(limits=lambda _: Limits(files=True))) == Turn()


async def test_words_that_are_changed_keep_their_file_and_words_beside_a_file_are_said() -> None:
    at = desk(limits=lambda _: Limits(files=True))
    turn = await take(row("edit", text="Hi!"), lines=shared("Hi", SHARED_AT_DESK), at=at)
    assert turn.entries == (StaffSaid(text="Hi!", id=TS, by=SARA, name=NAME, attachments=(SHARED_AT_DESK,)),)
    assert changes(turn) == [("replace", f"reply:C1:{TS}")]
    turn = await take(row("edit", text="Hi!"), lines=shared("", SHARED_AT_DESK), at=at)
    assert [(one.act, one.key) for one in turn.outbounds if one.to == WEB] == [("say", f"reply:C1:{TS}")]


async def test_a_file_alone_takes_the_case_as_words_do() -> None:
    turn = await take(row("message", text="", attachments=(FILE,)), at=desk(limits=lambda _: Limits(files=True)))
    assert turn.owner == "staff"
    assert "claimed" in kinds(turn)


async def test_a_file_that_does_not_leave_is_told_to_its_author() -> None:
    unreadable = await take(row("message", text="Here it is", attachments=(FILE,)))
    assert to_customer(unreadable)[-1] == ("staff", NAME, "Here it is")
    assert "label.pdf was not sent" in marked(unreadable)[0].note
    neither = await take(
        row("message", text="Here", attachments=(FILE,)), at=desk(limits=lambda _: Limits(files=False))
    )
    assert "takes no files" in marked(neither)[0].note


async def test_an_answer_given_elsewhere_is_told_in_the_thread() -> None:
    console = Received(
        43,
        Inbound("message:1", Address("default", "console", "", "c1"), Sender(SARA), "message", NOW, text="Hi"),
        "staff",
    )
    turn = await take(console)
    assert to_customer(turn)[-1] == ("staff", NAME, "Hi")
    assert [one.content for one in turn.outbounds if one.key.startswith("elsewhere:")] == [Words("Hi", "staff", NAME)]
    refused = msgspec.structs.replace(console, inbound=msgspec.structs.replace(console.inbound, text="!foo"))
    assert marked(await take(refused)) == []


async def test_a_name_with_markup_in_it_is_shown_as_it_is() -> None:
    async def people(_: str, sender: str):  # type: ignore[no-untyped-def]
        from bus.channel import Person

        return Person(sender, "[Sara](https://evil)", "", frozenset({"member"}))

    turn = await take(typed("Hello"), at=desk(people=people))
    assert to_customer(turn)[0][2] == "You are now talking with \\[Sara\\](https://evil)."


async def test_after_a_resolution_a_reply_opens_the_conversation_again_for_that_person() -> None:
    lines = [*WAITING, *log(Resolved(by=SARA), CustomerSaid(text="thanks"))]
    turn = await take(typed("One more thing"), lines=lines, owner="agent", status="resolved")
    assert kinds(turn) == ["reopened", "taken_over", "system_said", "staff_said"]
    assert turn.entries[0] == Reopened(by=SARA, name=NAME)
    assert named(turn, "answer") is None
