"""Customers in Slack and a whole gateway: who is heard, where they are answered, and what they never see."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.slack.books import SlackError
from demo.slack.files import File
from demo.slack.message import Message
from demo.slack.people import BEN, BILLING, BOT, CUSTOMER, DESK, GENERAL, GUEST, LENA, OTHER_BOT, SARA, STRANGER
from tests.channels.slack_customers.conftest import DIRECT, HELP, Place, opened, words

QUESTION = "How long do I have to send something back?"
PERSON = "I want to talk to a human please"
REFUND = "Hi, I returned the headphones two weeks ago and still haven't seen the refund on my card. Order #A-48291."
MENTION = "@gateway"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path, section=f"{{mode: live, channels: [{HELP}]}}") as found:
        yield found


def at_desk(place: Place) -> list[Message]:
    return [one for room in (DESK, BILLING) for one in place.slack.messages(room) if one.by_app and not one.for_user]


async def card(place: Place) -> Message:
    await place.settle()
    (found,) = [one for one in at_desk(place) if not one.is_reply]
    return found


async def count(place: Place, kind: str) -> int:
    logs = [await place.running.log(one["id"]) for one in await place.conversations()]
    return sum(line["kind"] == kind for log in logs for line in log)


def effects(place: Place) -> int:
    return len(place.world.shop.ledger)


# --- where people are heard


async def test_a_mention_is_told_twice_and_is_one_message_answered_in_its_thread(place: Place) -> None:
    ts = await place.say(f"{MENTION} {QUESTION}", channel=GENERAL)
    told = [one.kind for one in place.slack.courier.deliveries if one.payload["event"].get("ts") == ts]
    answer = await place.hears(lambda text: "30 days" in text, channel=GENERAL)
    await place.settle()
    assert sorted(told) == ["app_mention", "message"]
    assert await count(place, "customer_said") == 1
    assert answer.thread_ts == ts
    assert len(place.heard(GENERAL)) == 1


async def test_a_thread_that_began_with_a_mention_goes_on_without_one(place: Place) -> None:
    ts = await place.say(f"{MENTION} {QUESTION}", channel=GENERAL)
    first = await place.hears(channel=GENERAL)
    await place.say("And how much is shipping?", channel=GENERAL, thread_ts=ts)
    again = await place.hears(channel=GENERAL, after=first.ts)
    await place.settle()
    assert again.thread_ts == ts
    assert len(await place.conversations()) == 1


async def test_talk_that_is_not_to_us_is_left_alone(place: Place) -> None:
    await place.say(QUESTION, channel=GENERAL)
    ts = await place.say(f"{MENTION} {QUESTION}", channel=GENERAL)
    await place.hears(channel=GENERAL)
    await place.say("I think it is 14 days", who=BEN, channel=GENERAL, thread_ts=ts)
    await place.settle()
    assert len(place.heard(GENERAL)) == 1
    assert await count(place, "customer_said") == 1


async def test_in_a_listed_channel_every_head_of_a_thread_is_a_question(place: Place) -> None:
    ts = [await place.say(QUESTION, who=who, channel=HELP) for who in (CUSTOMER, BEN)]
    await place.settle()
    assert sorted(str(one.thread_ts) for one in place.heard(HELP)) == sorted(ts)
    assert len(await place.conversations()) == 2


async def test_nobodys_yes_answers_what_another_was_asked(place: Place) -> None:
    ts = await place.say(REFUND, channel=HELP)
    offer = await place.hears(lambda text: "Shall I go ahead?" in text, channel=HELP)
    await place.say("yes", who=BEN, channel=HELP, thread_ts=ts)
    await place.slack.press(BEN, offer.ts, "choice:0", channel=HELP)
    await place.settle()
    assert effects(place) == 0
    told = [one for one in place.slack.messages(HELP) if one.for_user == BEN]
    assert [one.text for one in told] == ["These buttons are for the person who asked."]
    await place.slack.press(CUSTOMER, offer.ts, "choice:0", channel=HELP)
    await place.hears(lambda text: "R-7711" in text, channel=HELP)
    assert effects(place) == 1


async def test_a_direct_message_in_a_thread_is_answered_there(place: Place) -> None:
    head = await place.say(QUESTION)
    flat = await place.hears()
    await place.say("And how much is shipping?", thread_ts=head)
    threaded = await place.hears(after=flat.ts)
    await place.settle()
    assert (flat.thread_ts, threaded.thread_ts) == (None, head)
    assert len(await place.conversations()) == 2


async def test_while_the_agent_works_its_thread_says_so(place: Place) -> None:
    shown: list[str] = []
    place.slack.watchers.append(lambda news: shown.append(news["status"]["text"]) if "status" in news else None)
    await place.say(QUESTION, channel=HELP)
    await place.hears(channel=HELP)
    await place.settle()
    assert shown[:1] == ["is typing…"]
    assert place.slack.statuses == {} or shown[-1] == "is typing…"


async def test_names_stand_in_the_place_of_ids_and_files_come_along(place: Place) -> None:
    photo = place.slack.files.keep("box.jpg", "image/jpeg", b"\xff\xd8\xff", place.slack.ids)
    await place.say(
        "@Sara saw it: how long do I have to send it back?", files=(photo, File("F9", "a.txt", "text/plain"))
    )
    await place.hears()
    said = next(line for line in await place.log() if line["kind"] == "customer_said")
    assert said["text"] == "@Sara Lindqvist saw it: how long do I have to send it back?"
    assert said["name"] == "Priya Nair"
    assert [(one["name"], one["source"]) for one in said["attachments"]] == [("box.jpg", photo.id), ("a.txt", "F9")]


async def test_edits_and_deletions_are_recorded_and_answer_nothing_new(place: Place) -> None:
    ts = await place.say(PERSON)
    await place.hears()
    case = await card(place)
    await place.slack.edit_as(CUSTOMER, ts, "I want to talk to Sara", channel=DIRECT)
    await place.slack.delete_as(CUSTOMER, ts, channel=DIRECT)
    await place.settle()
    assert await count(place, "customer_edited") == 2
    thread = [one.text for one in place.slack.thread(case.ts, case.channel)]
    assert "Priya Nair (edited): I want to talk to Sara" in thread
    assert "Priya Nair: (deleted a message)" in thread


async def test_an_edit_of_what_was_never_said_to_us_is_nobodys(place: Place) -> None:
    ts = await place.say("lunch?", channel=GENERAL)
    await place.slack.edit_as(CUSTOMER, ts, "lunch at one?", channel=GENERAL)
    await place.slack.delete_as(CUSTOMER, ts, channel=GENERAL)
    await place.settle()
    assert await place.conversations() == []


# --- who is not


async def test_guests_strangers_and_bots_are_not_heard(place: Place) -> None:
    before = len(place.slack.log)
    for who in (GUEST, STRANGER):
        for _ in range(3):
            await place.say(QUESTION, who=who, channel=HELP)
    await place.say(QUESTION, who=OTHER_BOT, channel=HELP)
    await place.settle()
    assert await place.conversations() == []
    notes = [(one.for_user, one.text) for one in place.slack.log[before:] if one.by_app]
    assert notes == [(who, "I can only help members of this workspace.") for who in (GUEST, STRANGER)]


async def test_our_own_words_never_come_back(place: Place) -> None:
    for number in range(5):
        await place.say((QUESTION, "How much is shipping?", "Which payment methods do you take?")[number % 3])
        await place.settle()
    assert len(place.heard()) == 5
    assert await count(place, "customer_said") == 5


async def test_the_desk_and_the_customers_never_hear_each_others_words(place: Place) -> None:
    await place.say(f"{MENTION} {QUESTION}", channel=DESK, who=SARA)
    await place.settle()
    assert await place.conversations() == []
    assert at_desk(place) == []
    await place.say(PERSON)
    case = await card(place)
    await place.slack.post_as(SARA, "note: a secret", thread_ts=case.ts, channel=case.channel)
    await place.slack.post_as(SARA, "An answer.", thread_ts=case.ts, channel=case.channel)
    await place.hears(lambda text: text == "An answer.")
    await place.settle()
    assert not [one for one in place.heard() if "secret" in words(one)]


async def test_a_colleague_of_the_desk_may_be_a_customer_too(place: Place) -> None:
    await place.say(QUESTION, who=SARA, channel="D0SARA0001")
    await place.say(QUESTION)
    await place.hears(channel="D0SARA0001")
    await place.hears()
    assert len(await place.conversations()) == 2


# --- choices


async def test_a_choice_is_made_once_and_its_buttons_go(place: Place) -> None:
    await place.say(REFUND)
    offer = await place.hears(lambda text: "Shall I go ahead?" in text)
    values = [button["value"] for button in offer.blocks[-1]["elements"]]
    assert all("yes" not in value and DIRECT not in value for value in values)
    presses = ["choice:0", "choice:1"] * 6
    answers = await asyncio.gather(
        *(place.slack.press(CUSTOMER, offer.ts, press, channel=DIRECT) for press in presses), return_exceptions=True
    )
    assert all(isinstance(answer, SlackError) or answer.answers == [200] for answer in answers)  # type: ignore[union-attr]
    await place.settle()
    pressed = [line for line in await place.log() if line["kind"] == "customer_pressed"]
    assert [line["name"] for line in pressed] == ["Priya Nair"]
    assert effects(place) == (1 if pressed[0]["button"] == "yes" else 0)
    assert [block["type"] for block in offer.blocks] == ["markdown", "context"]
    assert offer.blocks[-1]["elements"][0]["text"] == f"✓ {pressed[0]['text']}"
    assert offer.metadata is not None


# --- words of people


async def test_a_persons_words_are_literal_and_follow_their_changes(place: Place) -> None:
    await place.say(PERSON)
    case = await card(place)
    long = "a line <!channel> *of* many\n" * 900
    ts = await place.slack.post_as(SARA, f"Hello <b> {long}", thread_ts=case.ts, channel=case.channel)
    await place.hears(lambda text: text.startswith("Hello <b>"))
    await place.settle()
    parts = [one for one in place.heard() if one.username]
    assert {(one.username, one.icon) for one in parts} == {("Sara Lindqvist", f"{place.slack.url}/avatars/{SARA}.svg")}
    said = "".join(words(one) for one in parts)
    assert len(parts) == 3
    assert said.replace("\n", "").replace(" ", "") == f"Hello <b> {long}".replace("\n", "").replace(" ", "")
    assert not any("<!" in one.text for one in parts)
    await place.slack.edit_as(SARA, ts, "Hello again", channel=case.channel)
    await place.settle()
    assert [words(one) for one in place.heard() if one.username] == ["Hello again"]
    await place.slack.delete_as(SARA, ts, channel=case.channel)
    await place.settle()
    assert [words(one) for one in place.heard() if one.username] == []


async def test_without_the_scope_for_faces_the_name_stands_before_the_words(place: Place) -> None:
    place.slack.missing_scopes.add("chat:write.customize")
    await place.say(PERSON)
    case = await card(place)
    for text in ("One.", "Two."):
        await place.slack.post_as(SARA, text, thread_ts=case.ts, channel=case.channel)
    await place.hears(lambda text: "Two." in text)
    said = [(one.username, words(one)) for one in place.heard() if "Sara Lindqvist:" in words(one)]
    assert said == [(None, "Sara Lindqvist: One."), (None, "Sara Lindqvist: Two.")]


async def test_in_draft_mode_only_a_click_sends_words(tmp_path: Path) -> None:
    async with opened(tmp_path, section="{mode: draft}") as place:
        await place.say(QUESTION)
        await place.settle()
        assert place.heard() == []
        (draft,) = [one for one in place.slack.messages(DESK) if "'action_id': 'approve'" in str(one.blocks)]
        await place.slack.press(SARA, draft.ts, "approve")
        assert "30 days" in words(await place.hears())


async def test_switched_off_it_answers_slack_and_keeps_nothing_and_the_desk_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path, section="{mode: off}") as place:
        await place.say(QUESTION)
        await place.say(f"{MENTION} {QUESTION}", channel=GENERAL)
        await place.settle()
        assert {tuple(one.answers) for one in place.slack.courier.deliveries} == {(200,)}
        assert await place.conversations() == []
        state = next(one for one in (await place.running.api("channels"))["items"] if one["name"] == "slack")
        assert (state["mode"], state["events"]) == ("off", {"off": 3})


# --- when things go wrong


async def test_each_event_told_up_to_five_times_at_once_and_in_any_order_is_one_message(place: Place) -> None:
    chance = random.Random(5)
    people = (CUSTOMER, BEN, SARA, LENA)
    heads = [await place.say(f"{MENTION} hello {n}", who=chance.choice(people), channel=HELP) for n in range(12)]
    direct = [await place.say(f"hello {n}") for n in range(8)]
    told = [one.payload for one in place.slack.courier.deliveries if one.kind in ("message", "app_mention")]
    again = [payload for payload in told for _ in range(chance.randint(0, 4))]
    chance.shuffle(again)
    await asyncio.gather(*(place.slack.courier.event(payload) for payload in again))
    await place.settle()
    assert len(again) > 40
    assert await count(place, "customer_said") == len({*heads, *direct}) == 20


async def test_answers_lost_on_the_way_back_double_nothing(place: Place) -> None:
    """Every fifth call takes effect and its answer never comes."""
    calls = 0

    def drop(_: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:
            place.slack.faults.drop_next_answer += 1

    place.slack.watchers.append(drop)
    for number in range(10):
        await place.say(f"{QUESTION} ({number})", channel=HELP)
    async with asyncio.timeout(30):
        while len(place.heard(HELP)) < 10 or await count(place, "delivered") < 10:
            await place.settle()
            await asyncio.sleep(0.05)
    assert calls > 10
    assert len(place.heard(HELP)) == 10
    assert await count(place, "delivery_failed") == 0


async def test_while_slack_does_not_say_who_writes_the_event_comes_again(place: Place) -> None:
    place.slack.faults.status_next += [503]
    await place.say(QUESTION)
    await place.hears()
    (delivery,) = [one for one in place.slack.courier.deliveries if one.payload["event"].get("user") == CUSTOMER]
    assert delivery.answers[-1] == 200
    assert len(place.heard()) == 1
    assert BOT not in str([line.get("by") for line in await place.log()])
