"""What the bus sends stands in Slack; what people do there comes back as Inbounds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.channel import Sending
from bus.errors import Permanent, Retryable, Uncertain
from bus.message import Address, CaseCard, CaseDetails, Content, Inbound, Mark, Outbound, Sender, Words
from channels.slack.connection import Connection
from channels.slack.desk import Desk
from channels.slack.payloads import milliseconds
from demo.slack.people import BILLING, BOT, DESK, GENERAL, OLD_DESK, OTHER_BOT, SARA, STRANGER
from demo.world import World
from tests.channels.slack_app.conftest import Recorder, slack_settings
from tests.channels.slack_app.samples import capsule

CASE = Address("default", "desk", "slack", DESK, "case:c1")


def sending(
    content: Content | None,
    *,
    act: Any = "say",
    anchor: str = "",
    target: str = "",
    key: str = "card:c1",
    to: Address = CASE,
) -> Sending:
    return Sending(Outbound(key, act, to, content), "att_1", anchor, target)


async def opened(desk: Desk) -> str:
    return await desk.send(sending(CaseCard(capsule())))


async def test_a_card_is_one_top_level_message_with_its_buttons(desk: Desk, world: World) -> None:
    ts = await opened(desk)
    (message,) = world.slack.messages(DESK)
    assert (message.ts, message.user, message.thread_ts) == (ts, BOT, None)
    buttons = [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]
    assert [(one["action_id"], one["value"]) for one in buttons] == [
        ("claim", "c1"),
        ("resolve", "c1"),
        ("return", "c1"),
    ]
    assert message.metadata == {
        "event_type": "case",
        "event_payload": {"key": "card:c1", "attempt": "att_1", "conversation": "c1"},
    }


async def test_everything_else_stands_in_its_thread(desk: Desk, world: World) -> None:
    root = await opened(desk)
    await desk.send(sending(CaseDetails(capsule()), anchor=root, key="details:c1:1"))
    await desk.send(sending(Words("<!channel> *hi*", "customer", "Ana"), anchor=root, key="mirror:1"))
    thread = world.slack.thread(root)
    assert [message.thread_ts for message in thread[1:]] == [root, root]
    assert thread[2].text == "Ana: &lt;!channel&gt; *hi*"


async def test_a_card_is_edited_in_place_and_keeps_its_case(desk: Desk, world: World) -> None:
    root = await opened(desk)
    claimed = capsule(state="claimed", owner_name="Sara Lindqvist")
    assert await desk.send(sending(CaseCard(claimed), act="replace", anchor=root, target=root, key="card:c1:2")) == root
    (message,) = world.slack.messages(DESK)
    assert message.blocks[0]["text"]["text"] == "🔵 Sara Lindqvist · Ana Ruiz · web"
    assert await desk.locate(msgspec.structs.replace(CASE, thread=root)) == "c1"


async def test_a_line_can_be_shown_to_the_whole_channel(desk: Desk, world: World) -> None:
    root = await opened(desk)
    await desk.send(sending(Words("Handed over again", "system", broadcast=True), anchor=root, key="line:1"))
    assert world.slack.thread(root)[1].broadcast


async def test_words_can_be_taken_back(desk: Desk, world: World) -> None:
    root = await opened(desk)
    line = await desk.send(sending(Words("x", "system"), anchor=root, key="line:1"))
    await desk.send(sending(None, act="remove", anchor=root, target=line, key="remove:1"))
    assert [message.ts for message in world.slack.thread(root)] == [root]


@pytest.mark.parametrize(
    ("sign", "reaction"),
    [("delivered", "white_check_mark"), ("failed", "warning"), ("private", "lock"), ("seen", "eyes")],
)
async def test_marks_are_reactions_and_their_reason_is_for_the_author_alone(
    desk: Desk, world: World, sign: Any, reaction: str
) -> None:
    root = await opened(desk)
    reply = await world.slack.post_as(SARA, "hello", thread_ts=root)
    for _ in range(2):  # a mark may be made again
        await desk.send(sending(Mark(sign, SARA, "why <!here>"), act="mark", anchor=root, target=reply))
    assert world.slack.message(DESK, reply).reactions == {reaction: [BOT]}
    notes = [message for message in world.slack.messages(DESK) if message.for_user]
    assert next((one.for_user, one.text, one.thread_ts) for one in notes) == (SARA, "why &lt;!here&gt;", root)


async def test_a_refused_press_leaves_no_sign_on_the_card(desk: Desk, world: World) -> None:
    root = await opened(desk)
    await desk.send(sending(Mark("refused", SARA, "no"), act="mark", anchor=root, target=root))
    assert world.slack.message(DESK, root).reactions == {}
    assert world.slack.messages(DESK)[-1].for_user == SARA


async def test_changing_what_is_gone_holds_nothing_up(desk: Desk, world: World) -> None:
    root = await opened(desk)
    gone = sending(CaseCard(capsule()), act="replace", anchor=root, target="1.000001")
    assert await desk.send(gone) == "1.000001"
    assert await desk.send(sending(Mark("seen", SARA), act="mark", anchor=root, target="1.000001")) == "1.000001"
    with pytest.raises(Permanent, match="nothing_to_change"):
        await desk.send(sending(CaseCard(capsule()), act="replace", anchor=root))


@pytest.mark.parametrize(
    ("channel", "reason"),
    [("C0NOWHERE", "channel_not_found"), (OLD_DESK, "is_archived"), (GENERAL, "not_in_channel")],
)
async def test_a_refusal_for_good_has_a_name(desk: Desk, channel: str, reason: str) -> None:
    with pytest.raises(Permanent) as caught:
        await desk.send(sending(CaseCard(capsule()), to=msgspec.structs.replace(CASE, peer=channel)))
    assert caught.value.reason == reason


async def test_too_fast_is_told_with_the_time_to_wait(desk: Desk, world: World) -> None:
    world.slack.faults.status_next, world.slack.faults.retry_after = [429], 7
    with pytest.raises(Retryable) as caught:
        await opened(desk)
    assert caught.value.after == 7


async def test_slack_down_is_tried_again(desk: Desk, world: World) -> None:
    world.slack.faults.down = True
    with pytest.raises(Retryable):
        await opened(desk)


async def test_a_server_error_may_have_happened(desk: Desk, world: World) -> None:
    world.slack.faults.status_next = [500]
    with pytest.raises(Uncertain):
        await opened(desk)


async def test_nobody_listening_at_slacks_address_is_tried_again(world: World) -> None:
    connection = Connection(slack_settings(world, api_base="http://127.0.0.1:1/api/"))
    with pytest.raises(Retryable):
        await connection.call("chat.postMessage", channel=DESK, text="x")
    await connection.close()


async def test_a_lost_answer_is_looked_up_by_its_key(desk: Desk, world: World) -> None:
    world.slack.faults.drop_next_answer = 1
    with pytest.raises(Uncertain):
        await opened(desk)
    (root,) = world.slack.messages(DESK)
    assert await desk.find(sending(CaseCard(capsule()))) == root.ts
    world.slack.faults.drop_next_answer = 1
    words = sending(Words("hi", "customer"), anchor=root.ts, key="mirror:1")
    with pytest.raises(Uncertain):
        await desk.send(words)
    assert await desk.find(words) == world.slack.thread(root.ts)[1].ts


async def test_what_never_arrived_is_certainly_not_there(desk: Desk) -> None:
    root = await opened(desk)
    assert await desk.find(sending(Words("hi", "customer"), anchor=root, key="mirror:1")) == ""
    assert await desk.find(sending(CaseCard(capsule()), key="card:c2")) == ""


async def test_a_look_up_that_fails_says_so(desk: Desk, world: World) -> None:
    root = await opened(desk)
    world.slack.faults.down = True
    with pytest.raises(Retryable):
        await desk.find(sending(Words("hi", "customer"), anchor=root, key="mirror:1"))


async def test_changes_and_marks_may_simply_be_made_again(desk: Desk) -> None:
    assert await desk.find(sending(CaseCard(capsule()), act="replace", target="1.1")) == ""
    assert await desk.find(sending(Mark("seen"), act="mark", target="1.1")) == ""


async def test_a_thread_is_located_by_our_own_root_only(desk: Desk, world: World) -> None:
    root = await opened(desk)
    theirs = await world.slack.post_as(SARA, "not a case")
    where = {name: msgspec.structs.replace(CASE, thread=name) for name in (root, theirs, "1.000001", "case:c1", "")}
    assert [await desk.locate(address) for address in where.values()] == ["c1", "", "", "", ""]
    assert await desk.locate(Address("default", "desk", "slack", GENERAL, root)) == ""


async def test_a_forged_root_is_nobodys(desk: Desk, world: World) -> None:
    forged, _ = world.slack.add(
        DESK, SARA, "case", metadata={"event_type": "case", "event_payload": {"conversation": "c1", "key": "card:c1"}}
    )
    assert await desk.locate(msgspec.structs.replace(CASE, thread=forged.ts)) == ""


async def test_a_reply_comes_in_whole(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    ts = await world.slack.post_as(SARA, "I'll ask @Ben & look at https://x.example/?a=1&b=2 😊", thread_ts=root)
    await world.slack.settled()
    assert intake.inbounds == [
        Inbound(
            key=f"message:{DESK}:{ts}",
            address=Address("default", "desk", "slack", DESK, root),
            sender=Sender(SARA, "", "channel"),
            kind="message",
            at=milliseconds(ts),
            text="I'll ask @U0BEN00001 & look at https://x.example/?a=1&b=2 😊",
            target=ts,
            data={"mentions": ["U0BEN00001"]},
        )
    ]
    assert intake.sides == ["staff"]
    assert b"event_callback" in intake.raws[0]


async def test_a_press_comes_in_whole(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    delivery = await world.slack.press(SARA, root, "claim")
    await world.slack.settled()
    assert delivery.answers == [200]
    (inbound,) = intake.inbounds
    assert inbound == Inbound(
        key=inbound.key,
        address=Address("default", "desk", "slack", DESK, root),
        sender=Sender(SARA, "", "channel"),
        kind="press",
        at=inbound.at,
        text="c1",
        button="claim",
        target=root,
    )
    assert inbound.key.startswith(f"press:{DESK}:{root}:claim:{SARA}:")


async def test_an_edit_and_a_deletion_come_in_whole(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    ts = await world.slack.post_as(SARA, "Hello", thread_ts=root)
    await world.slack.edit_as(SARA, ts, "Hello!")
    await world.slack.delete_as(SARA, ts)
    await world.slack.settled()
    told = [(one.kind, one.target, one.text, one.address.thread, one.sender.id) for one in intake.inbounds]
    assert told == [
        ("message", ts, "Hello", root, SARA),
        ("edit", ts, "Hello!", root, SARA),
        ("delete", ts, "", root, SARA),
    ]


async def test_what_is_not_a_persons_word_in_a_desk_thread_is_dropped(
    desk: Desk, world: World, intake: Recorder
) -> None:
    root = await opened(desk)
    await desk.send(sending(Words("ours", "system"), anchor=root, key="line:1"))
    await desk.send(sending(CaseCard(capsule()), act="replace", anchor=root, target=root, key="card:c1:2"))
    await world.slack.post_as(SARA, "beside the threads")
    await world.slack.post_as(SARA, "elsewhere", channel=GENERAL)
    await world.slack.react_as(SARA, root, "eyes")
    await world.slack.settled()
    assert intake.inbounds == []
    assert all(delivery.ok for delivery in world.slack.courier.deliveries)


async def test_strangers_are_told_to_the_relay_which_knows_that_they_are(
    desk: Desk, world: World, intake: Recorder
) -> None:
    root = await opened(desk)
    await world.slack.post_as(STRANGER, "we would like to know", thread_ts=root)
    assert [one.sender.id for one in intake.inbounds] == [STRANGER]
    assert (await desk.people(STRANGER)).roles == frozenset()


async def test_the_routes_channel_is_the_desks_too(desk: Desk, world: World, intake: Recorder) -> None:
    root = await desk.send(sending(CaseCard(capsule()), to=msgspec.structs.replace(CASE, peer=BILLING)))
    await world.slack.post_as(SARA, "hello", channel=BILLING, thread_ts=root)
    assert intake.inbounds[0].address.peer == BILLING


async def test_a_broadcast_reply_counts_once(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    await world.slack.post_as(SARA, "Hello", thread_ts=root, broadcast=True)
    await world.slack.settled()
    assert [one.text for one in intake.inbounds] == ["Hello"]


async def test_talking_to_the_bot_is_a_command_and_counts_once(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    await world.slack.post_as(SARA, "@Support Gateway resolve", thread_ts=root)
    await world.slack.settled()
    assert [one.text for one in intake.inbounds] == ["!resolve"]


async def test_another_bot_is_not_heard(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    message, events = world.slack.add(DESK, OTHER_BOT, "reminder", thread_ts=root)
    assert message.ts
    world.slack.tell_later([{**event, "bot_id": "B0WORKFLOW"} for event in events])
    await world.slack.settled()
    assert intake.inbounds == []


async def test_while_the_store_is_down_slack_keeps_the_event(desk: Desk, world: World, intake: Recorder) -> None:
    root = await opened(desk)
    intake.down = True
    await world.slack.post_as(SARA, "Hello", thread_ts=root)
    assert world.slack.courier.deliveries[-1].answers == [503, 503, 503, 503]
