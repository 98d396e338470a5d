"""What is nobody's, and what a press has to be. Whole Inbounds are in tests/golden."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.errors import Rejected
from bus.message import Address, Button, Inbound, Sender
from channels.slack.customers.reading import Reading, parse_event, parse_press, root, token
from channels.slack.payloads import read_envelope, read_press

TEAM, BOT, USER = "T0DESK0001", "U0GATEWAY1", "U0PRIYA001"
DIRECT, HELP, ELSEWHERE = "D0PRIYA001", "C0HELP0001", "C0GENERAL1"
TS, LATER = "1779271200.000100", "1779271260.000200"
AT = 1_779_271_200_000
Json = dict[str, Any]


def event(**changes: Any) -> Json:
    plain = {
        "client_msg_id": "0b1c", "type": "message", "user": USER, "text": "Where is my order?", "ts": TS, "team": TEAM,
        "channel": DIRECT, "channel_type": "im", "event_ts": TS,
        "blocks": [{"type": "rich_text", "block_id": "b", "elements": []}],
    }  # fmt: skip
    return {key: value for key, value in (plain | changes).items() if value is not None}


def envelope(told: Json) -> Json:
    return {
        "token": "x", "team_id": TEAM, "api_app_id": "A0GATEWAY1", "event": told, "type": "event_callback",
        "event_id": "Ev1", "event_time": 1779271200,
        "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }  # fmt: skip


def read(told: Json, channels: tuple[str, ...] = (HELP,)) -> Reading | None:
    return parse_event(read_envelope(envelope(told)), tenant="default", name="slack", channels=channels)


def said(**changes: Any) -> Inbound:
    plain = Inbound(
        key=f"message:{DIRECT}:{TS}", address=Address("default", "slack", TEAM, DIRECT), sender=Sender(USER, "", "channel"),
        kind="message", at=AT, text="Where is my order?", target=TS,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def at(channel: str, thread: str = "") -> Address:
    return Address("default", "slack", TEAM, channel, thread)


PHOTO = {
    "id": "F0PHOTO", "name": "box.jpg", "mimetype": "image/jpeg", "size": 48_123,
    "url_private_download": "https://files.slack.com/files-pri/T0DESK0001-F0PHOTO/download/box.jpg",
}  # fmt: skip
MENTION = f"<@{BOT}> Where is my order?"
HEAD = f"{TS}:{USER}"


NOT_OURS = {
    "our own post": event(user=BOT),
    "our own post under another name": event(user=None, bot_id="B0GATEWAY1", subtype="bot_message", username="Sara"),
    "another bot's": event(bot_id="B0OTHER"),
    "a workflow's": event(user=None, subtype="bot_message", bot_id="B0FLOW"),
    "nobody's": event(user=None),
    "nothing said": event(text=""),
    "nothing but spaces": event(text="   "),
    "without a channel": event(channel=None),
    "without a ts": event(ts=None),
    "an unfurled link": event(subtype="message_changed", message=event(), previous_message=event()),
    "a link unfurled in edited words": event(
        subtype="message_changed", message=event(edited={"user": USER, "ts": LATER}), previous_message=event()
    ),
    "our own edit": event(
        subtype="message_changed",
        message=event(user=BOT, text="b", edited={"ts": LATER}),
        previous_message=event(user=BOT),
    ),
    "a tombstone": event(
        subtype="message_changed",
        message=event(subtype="tombstone", text="This message was deleted.", edited={"ts": LATER}),
        previous_message=event(),
    ),
    "our own deletion": event(subtype="message_deleted", deleted_ts=TS, previous_message=event(bot_id="B0GATEWAY1")),
    "a deletion of nothing": event(subtype="message_deleted", deleted_ts=TS),
    "an edit of nothing": event(subtype="message_changed"),
    "a reaction": event(type="reaction_added"),
}
SUBTYPES = (
    "bot_add", "bot_remove", "channel_archive", "channel_join", "channel_leave", "channel_name", "channel_posting_permissions",
    "channel_purpose", "channel_topic", "channel_unarchive", "document_mention", "ekm_access_denied", "group_join", "huddle_thread",
    "message_replied", "pinned_item", "reminder_add", "reply_broadcast", "reminder_delete", "unpinned_item", "sh_room_created",
    "tombstone", "assistant_app_thread", "a_subtype_of_next_year",
)  # fmt: skip


@pytest.mark.parametrize("case", NOT_OURS)
def test_what_is_no_persons_word_is_nothing(case: str) -> None:
    assert read(NOT_OURS[case]) is None


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_only_listed_subtypes_are_words(subtype: str) -> None:
    assert read(event(subtype=subtype)) is None


@pytest.mark.parametrize("ts", ["abc", "1e9.1", "-1", "9" * 40, "17792712000001.1", "１７.1"])
def test_a_timestamp_that_is_none_is_malformed(ts: str) -> None:
    with pytest.raises(Rejected):
        read(event(ts=ts))


def test_neighbours_in_the_sixth_decimal_are_two_messages() -> None:
    one, other = read(event(ts="1779271200.000001")), read(event(ts="1779271200.000002"))
    assert one is not None
    assert other is not None
    assert one.inbound.key != other.inbound.key


# --- presses

SEALED = "sealed:"


def opened(value: str) -> str | None:
    return value.removeprefix(SEALED) if value.startswith(SEALED) else None


def press(value: str, **changes: Any) -> Json:
    plain = {
        "type": "block_actions", "team": {"id": TEAM, "domain": "halden"}, "user": {"id": USER, "team_id": TEAM},
        "container": {"type": "message", "message_ts": TS, "channel_id": DIRECT}, "channel": {"id": DIRECT},
        "actions": [{"action_id": "choice:0", "block_id": "x", "value": value, "type": "button", "action_ts": LATER}],
    }  # fmt: skip
    return plain | changes


def value(to: Address, button: Button | None = None, of: int = 7) -> str:
    return token(button or Button("yes", "Yes"), to, of, lambda text: SEALED + text)


def pressed(told: Json) -> Inbound | None:
    return parse_press(read_press(told), tenant="default", name="slack", opened=opened)


def test_a_choice_is_read_whole() -> None:
    assert pressed(press(value(at(DIRECT)))) == said(
        key=f"press:{DIRECT}:{TS}", kind="press", at=AT + 60_000, text="Yes", button="yes", data={"of": 7}
    )


def test_a_choice_in_a_thread_is_the_persons_it_was_offered_to() -> None:
    where = {"channel": {"id": HELP}, "container": {"message_ts": LATER, "channel_id": HELP, "thread_ts": TS}}
    told = press(value(at(HELP, HEAD), of=0), **where)
    assert pressed(told) == said(
        key=f"press:{HELP}:{LATER}", address=at(HELP, HEAD), kind="press", at=AT + 60_000, text="Yes", button="yes",
        target=LATER,
    )  # fmt: skip
    assert pressed(told | {"user": {"id": "U0BEN00001"}}) is None
    assert root(at(HELP, HEAD)) == TS


@pytest.mark.parametrize(
    "told",
    [
        press("yes"),
        press(""),
        press(SEALED),
        press(SEALED + '{"to": 5}'),
        press(value(at(HELP, HEAD))),
        press(value(Address("default", "other", TEAM, DIRECT))),
        press(value(Address("default", "slack", "T0OTHER", DIRECT))),
        press(value(at(DIRECT)), team=None),
        press(value(at(DIRECT)), user={"id": ""}),
        press(value(at(DIRECT)), actions=[]),
        press(value(at(DIRECT)), type="message_action"),
    ],
)
def test_a_press_that_was_not_offered_there_is_nothing(told: Json) -> None:
    assert pressed(told) is None


def test_the_same_choice_twice_and_the_other_one_are_one_press() -> None:
    keys = {
        found.key
        for button in (Button("yes", "Yes"), Button("no", "No"))
        for _ in range(2)
        if (found := pressed(press(value(at(DIRECT), button))))
    }
    assert keys == {f"press:{DIRECT}:{TS}"}
