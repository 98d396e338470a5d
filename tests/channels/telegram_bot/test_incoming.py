"""What is nobody's, what is malformed, and what follows from the settings. Whole Inbounds are in tests/golden."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.errors import Rejected
from bus.message import Address, Inbound, Sender
from channels.telegram.incoming import Reading, messages_of, parse, platform_id, read, token_of

BOT = "4200000042"
ANA = {"id": 10001, "is_bot": False, "first_name": "Ana", "last_name": "Ruiz", "username": "ana", "language_code": "es"}
PRIVATE = {"id": 10001, "first_name": "Ana", "last_name": "Ruiz", "username": "ana", "type": "private"}
GROUP = {"id": -1001234567890, "title": "Halden fans", "type": "supergroup", "is_forum": True}
READING = Reading("default", "telegram", BOT)
GROUPS = msgspec.structs.replace(READING, groups=True)
Json = dict[str, Any]
SAID = Inbound(
    key="message:10001:57",
    address=Address("default", "telegram", BOT, "10001"),
    sender=Sender("10001", "Ana Ruiz", "channel"),
    kind="message",
    at=1_790_000_000_000,
    target="10001:57",
)


def message(**fields: Any) -> Json:
    """A message as the Bot API tells it."""
    return {"message_id": 57, "from": ANA, "chat": PRIVATE, "date": 1_790_000_000} | fields


def update(kind: str = "message", /, **fields: Any) -> Json:
    return {"update_id": 921_000_004, kind: message(**fields)}


def parsed(payload: Json, reading: Reading = READING) -> Inbound | None:
    return parse(read(payload), reading)


def said(**changes: Any) -> Inbound:
    return msgspec.structs.replace(SAID, **changes)


def test_in_a_group_the_peer_is_the_chat_and_the_person() -> None:
    payload = update(chat=GROUP, text="/refund@halden_bot now please")
    assert parsed(payload) is None
    found = parsed(payload, GROUPS)
    assert found is not None
    assert found.address == Address("default", "telegram", BOT, "-1001234567890:10001")
    assert (found.key, found.text) == ("message:-1001234567890:57", "/refund now please")
    other = parsed(update(chat=GROUP, text="yes, refund", **{"from": ANA | {"id": 10002}}), GROUPS)
    assert other is not None
    assert other.address != found.address


@pytest.mark.parametrize(
    "payload",
    [
        update(chat=GROUP, text="hi"),
        update(chat=GROUP | {"type": "group"}, text="hi"),
        {"update_id": 1, "channel_post": message(chat=GROUP | {"type": "channel"}, text="hi")},
        update(chat=GROUP | {"type": "channel"}, text="hi"),
        update(text="hi", forward_origin={"type": "user", "date": 1, "sender_user": ANA}),
        update(text="hi", via_bot={"id": 7, "is_bot": True, "first_name": "x"}),
        {"update_id": 1, "business_message": message(text="hi", business_connection_id="b1")},
        {"update_id": 1, "deleted_business_messages": {"chat": PRIVATE, "message_ids": [57]}},
        update(text="hi", **{"from": ANA | {"is_bot": True}}),
        {"update_id": 1, "message": {"message_id": 57, "chat": PRIVATE, "date": 1, "text": "hi"}},
        update(new_chat_members=[ANA]),
        update(pinned_message=message(text="x")),
        {"update_id": 1, "my_chat_member": {"chat": PRIVATE}},
        {"update_id": 1, "something_new": {"at": [1, 2]}},
        {"update_id": 1},
    ],
    ids=[
        "supergroup", "group", "channel post", "channel", "forwarded", "via bot", "business", "business deletion", "bot", "nobody",
        "members", "pin", "membership", "new kind", "empty",
    ],
)  # fmt: skip
def test_what_is_nobodys(payload: Json) -> None:
    assert parsed(payload) is None


def test_forwarded_words_are_read_where_that_is_wanted() -> None:
    payload = update(text="hi", forward_origin={"type": "user", "date": 1, "sender_user": ANA})
    assert parsed(payload, msgspec.structs.replace(READING, forwarded=True)) == said(text="hi")


@pytest.mark.parametrize(
    "payload",
    [
        {"update_id": "x"},
        {},
        [],
        "text",
        7,
        None,
        {"update_id": 1, "message": "x"},
        {"update_id": 1, "message": {"message_id": 1}},
        update(text=5),
        update(chat={"id": "x", "type": "private"}),
        update(photo="x"),
        {"update_id": 1.5},
        {"update_id": 10**30},
    ],
    ids=repr,
)
def test_what_is_malformed(payload: object) -> None:
    with pytest.raises(Rejected) as caught:
        read(payload)
    assert caught.value.status == 400


def test_a_name_is_literal_and_shows_all_it_holds() -> None:
    found = parsed(
        update(
            text="x", **{"from": ANA | {"first_name": '</b><a href="tg://user?id=1">', "last_name": "\u202eevil\u0000"}}
        )
    )
    assert found is not None
    assert found.sender.name == '</b><a href="tg://user?id=1"> evil'


def test_a_deep_link_is_told_from_other_words() -> None:
    assert [token_of(said(text=text)) for text in ("/start abc-_1", "/start", "/started x", "start x")] == [
        "abc-_1",
        "",
        "",
        "",
    ]


def test_platform_ids_come_back() -> None:
    assert messages_of(platform_id(-100, 1, 2)) == (-100, [1, 2])
    assert [messages_of(text) for text in ("", "x", "1:", "m7")] == [(0, []), (0, []), (0, []), (0, [])]
