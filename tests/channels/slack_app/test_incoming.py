"""Recorded payloads in, whole Inbounds out; whatever is not clearly a person's word in a thread of ours is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bus.errors import Rejected
from bus.message import Address, Attachment, Inbound, Sender
from channels.slack.incoming import parse_event, parse_press
from channels.slack.payloads import milliseconds, read_envelope, read_press

THREAD = "1779271200.000100"
TS = "1779271201.000200"
HERE = Address("default", "desk", "slack", "C1", THREAD)
BLOCKS = [
    {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "emoji", "name": "parrot", "unicode": "1f99c"}]}
        ],
    }
]


def event(**changes: Any) -> dict[str, Any]:
    """A reply in a thread, as Slack posts it."""
    told = {
        "type": "message", "user": "U1", "ts": TS, "thread_ts": THREAD, "parent_user_id": "UBOT", "team": "T1",
        "channel": "C1", "channel_type": "channel", "event_ts": TS, "text": "Hello", "client_msg_id": "6f4", "blocks": [],
    }  # fmt: skip
    return {name: value for name, value in (told | changes).items() if value is not None}


def envelope(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "token": "x", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": "Ev1", "event_time": 1779271201,
        "authorizations": [{"enterprise_id": None, "team_id": "T1", "user_id": "UBOT", "is_bot": True}], "event": told,
    }  # fmt: skip


def parse(told: dict[str, Any]) -> Inbound | None:
    return parse_event(read_envelope(envelope(told)), tenant="default", name="desk", places=("C1", "C2"))


def said(**changes: Any) -> Inbound:
    plain: dict[str, Any] = {
        "key": f"message:C1:{TS}", "address": HERE, "sender": Sender("U1", "", "channel"), "kind": "message",
        "at": 1_779_271_201_000, "text": "Hello", "target": TS,
    }  # fmt: skip
    return Inbound(**(plain | changes))


def test_a_reply() -> None:
    assert parse(event()) == said()


def test_a_mention_of_the_app_is_the_same_message() -> None:
    told = event(type="app_mention", text="<@UBOT> claim", channel_type=None)
    assert parse(told) == said(text="!claim")


def test_who_we_are_is_known_where_the_envelope_does_not_say() -> None:
    told = envelope(event(text="<@UBOT> claim")) | {"authorizations": None}
    found = parse_event(read_envelope(told), tenant="default", name="desk", places=("C1",), bot="UBOT")
    assert found == said(text="!claim")


def test_a_file_beside_words() -> None:
    file = {
        "id": "F1",
        "name": "label.pdf",
        "mimetype": "application/pdf",
        "size": 10,
        "url_private": "https://files.slack.com/x",
    }
    told = event(subtype="file_share", files=[file, {"id": "F2", "mode": "tombstone", "name": None}])
    assert parse(told) == said(
        attachments=(
            Attachment("label.pdf", "application/pdf", 10, "F1"),
            Attachment("file", "application/octet-stream", 0, "F2"),
        )
    )


@pytest.mark.parametrize("subtype", ["me_message", "thread_broadcast"])
def test_other_ways_to_say_something(subtype: str) -> None:
    assert parse(event(subtype=subtype)) == said()


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a&lt;b &amp; c", {"text": "a<b & c"}),
        ("&lt;@U2&gt;", {"text": "<@U2>"}),  # typed, not meant
        ("see <https://x.example/?a=1&amp;b=2>", {"text": "see https://x.example/?a=1&b=2"}),
        ("<http://x.example|x.example>", {"text": "x.example"}),
        ("<https://evil.example|our bank>", {"text": "our bank (https://evil.example)"}),
        ("<mailto:a@x.example|a@x.example>", {"text": "a@x.example"}),
        ("in <#C9|billing>", {"text": "in #billing"}),
        ("ask <@U2> and <@U2>", {"text": "ask @U2 and @U2", "data": {"mentions": ["U2"]}}),
        ("<@U2> can you look?", {"text": "@U2 can you look?", "data": {"mentions": ["U2"], "aside": True}}),
        ("*<@U2|ben>* look", {"text": "*@ben* look", "data": {"aside": True}}),
        ("&gt; <!subteam^S1|@cx> look", {"text": "> @cx look", "data": {"aside": True}}),
        ("<!here> anybody?", {"text": "@here anybody?", "data": {"aside": True}}),
        ("@ben typed by hand", {"text": "@ben typed by hand", "data": {"aside": True}}),
        ("on <!date^1779271200^{date}|20 May>", {"text": "on 20 May"}),
        (":lock: secret", {"text": "🔒 secret"}),
        ("nice :parrot: :unknown_thing:", {"text": "nice 🦜 :unknown_thing:", "blocks": BLOCKS}),
        ("<@UBOT>: resolve", {"text": "!resolve"}),
        ("at 10:30:15 o'clock", {"text": "at 10:30:15 o'clock"}),
    ],
)  # fmt: skip
def test_text_is_what_was_meant(text: str, changes: dict[str, Any]) -> None:
    assert parse(event(text=text, blocks=changes.pop("blocks", []))) == said(**changes)


NOBODYS = [
    "bot_message", "channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive",
    "channel_unarchive", "channel_convert_to_private", "channel_posting_permissions", "group_join", "group_leave", "group_topic",
    "pinned_item", "unpinned_item", "ekm_access_denied", "reminder_add", "file_comment", "file_mention", "message_replied",
    "reply_broadcast", "bot_add", "bot_remove", "huddle_thread", "assistant_app_thread", "document_mention", "something_new",
]  # fmt: skip


@pytest.mark.parametrize("subtype", NOBODYS)
def test_every_other_subtype_stays_where_it_is(subtype: str) -> None:
    assert parse(event(subtype=subtype)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},  # any bot
        {"user": "UBOT"},  # ourselves
        {"user": None},
        {"thread_ts": None},  # talk beside the threads
        {"thread_ts": TS},  # the root of a thread
        {"channel": "C9"},  # not the desk's
        {"type": "reaction_added"},
        {"type": "member_joined_channel"},
    ],
)
def test_what_is_nobodys(changes: dict[str, Any]) -> None:
    assert parse(event(**changes)) is None


def changed(message: dict[str, Any], previous: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    told = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "ts": "1779271209.000300",
        "message": message,
    }
    return told | ({"previous_message": previous} if previous else {}) | more


EDITED = {"user": "U1", "ts": "1779271208.000000"}


def test_an_edit() -> None:
    assert parse(changed(event(text="Hi", edited=EDITED), event())) == said(
        key=f"edit:C1:{TS}:1779271208.000000", kind="edit", text="Hi", at=1_779_271_208_000
    )


@pytest.mark.parametrize(
    ("message", "previous"),
    [
        (event(edited=EDITED), event()),  # the same words: a link was unfurled
        (event(text="Hi"), event()),  # changed, but by nobody
        (event(text="Hi", bot_id="B1", edited=EDITED), event()),  # our own card
        (event(text="Hi", subtype="tombstone", edited=EDITED), event()),
        (event(text="Hi", thread_ts=None, edited=EDITED), event()),
    ],
)
def test_changes_that_are_no_edit(message: dict[str, Any], previous: dict[str, Any]) -> None:
    assert parse(changed(message, previous)) is None


def test_a_deletion() -> None:
    told = {
        "type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "1779271209.000300", "deleted_ts": TS,
        "previous_message": event(),
    }  # fmt: skip
    assert parse(told) == said(key=f"delete:C1:{TS}", kind="delete", text="", at=1_779_271_209_000)
    assert parse({**told, "previous_message": event(bot_id="B1")}) is None
    assert parse({name: value for name, value in told.items() if name != "previous_message"}) is None


@pytest.mark.parametrize(
    "told",
    [
        {"type": "message", "channel": ["C1"]},
        event(ts=1779271201.0002),
        event(ts="now"),
        event(ts="1779271201.000200; drop"),
        event(text={"a": 1}),
        event(files="all"),
        event(user=["U1"]),
        {"type": "message", "channel": "C1", "subtype": "message_changed", "message": "x"},
    ],
)
def test_a_malformed_event_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        parse(told)
    assert caught.value.status == 400


@pytest.mark.parametrize("payload", [[], "x", 1, None, {"event": []}, {"type": 5}, {"authorizations": {}}])
def test_a_malformed_envelope_is_refused(payload: Any) -> None:
    with pytest.raises(Rejected):
        read_envelope(payload)


def press(**changes: Any) -> dict[str, Any]:
    told = {
        "type": "block_actions", "team": {"id": "T1", "domain": "x"}, "user": {"id": "U1", "username": "sara", "team_id": "T1"},
        "api_app_id": "A1", "token": "x", "trigger_id": "1.2.x", "response_url": "https://hooks.slack.com/actions/x",
        "container": {"type": "message", "message_ts": THREAD, "channel_id": "C1", "is_ephemeral": False},
        "channel": {"id": "C1", "name": "cx"}, "message": {"ts": THREAD, "bot_id": "B1", "text": "card"},
        "actions": [{"type": "button", "action_id": "claim", "block_id": "b", "value": "c1", "action_ts": TS}],
    }  # fmt: skip
    return {name: value for name, value in (told | changes).items() if value is not None}


def parse_pressed(told: dict[str, Any]) -> Inbound | None:
    return parse_press(read_press(told), tenant="default", name="desk", places=("C1",))


def pressed(**changes: Any) -> Inbound:
    return said(
        **(
            {
                "key": f"press:C1:{THREAD}:claim:U1:{TS}",
                "kind": "press",
                "text": "c1",
                "button": "claim",
                "target": THREAD,
            }
            | changes
        )
    )


def test_a_press_on_the_card() -> None:
    assert parse_pressed(press()) == pressed()


def test_a_press_on_a_message_in_the_thread() -> None:
    told = press(
        container={"type": "message", "message_ts": TS, "channel_id": "C1", "thread_ts": THREAD},
        actions=[{"type": "button", "action_id": "approve", "value": "act_1", "action_ts": TS}],
    )
    assert parse_pressed(told) == pressed(
        key=f"press:C1:{TS}:approve:U1:{TS}", text="act_1", button="approve", target=TS
    )


def test_the_thread_is_found_in_the_message_too() -> None:
    told = press(
        container={"type": "message", "message_ts": TS, "channel_id": "C1"}, message={"ts": TS, "thread_ts": THREAD}
    )
    found = parse_pressed(told)
    assert found is not None
    assert (found.address, found.target) == (HERE, TS)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"type": "shortcut"},
        {"channel": {"id": "C9"}},
        {"actions": []},
        {"user": {"id": ""}},
    ],
)
def test_presses_that_are_nobodys(changes: dict[str, Any]) -> None:
    assert parse_pressed(press(**changes)) is None


@pytest.mark.parametrize(
    "changes", [{"actions": "claim"}, {"user": "U1"}, {"actions": [{"action_id": 5}]}, {"channel": []}]
)
def test_a_malformed_press_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        parse_pressed(press(**changes))


@pytest.mark.parametrize("ts", ["", "x", "1e5", "-1.0", "٣.0", "1.0.0", "9" * 400, "nan"])
def test_a_timestamp_is_digits(ts: str) -> None:
    with pytest.raises(Rejected):
        milliseconds(ts)


def test_timestamps_that_differ_in_the_last_digit_stay_apart() -> None:
    one, two = parse(event(ts="1779271201.000001")), parse(event(ts="1779271201.000002"))
    assert one is not None
    assert two is not None
    assert one.key != two.key
    assert (one.at, milliseconds("1779271201"), milliseconds("1779271201.5")) == (
        1_779_271_201_000,
        1_779_271_201_000,
        1_779_271_201_500,
    )
