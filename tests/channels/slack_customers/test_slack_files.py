"""A colleague's file reaches a customer in Slack in three steps, and what each of them leaves when it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.slack.message import Message
from demo.slack.people import BILLING, CUSTOMER, DESK, SARA
from tests.channels.slack_customers.conftest import DIRECT, HELP, Place, opened, words

PERSON = "I want to talk to a human please"
LABEL = b"%PDF-1.7\nthe return label"
ANNOUNCE, UPLOAD, COMPLETE = "files.getUploadURLExternal", "/upload/", "files.completeUploadExternal"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path, section=f"{{mode: live, channels: [{HELP}]}}") as found:
        yield found


async def card_of(place: Place) -> Message:
    """The one case."""
    await place.settle()
    (found,) = [
        one for room in (DESK, BILLING) for one in place.slack.messages(room) if one.by_app and not one.is_reply
    ]
    return found


async def share(place: Place, *, channel: str = DIRECT) -> Message:
    """Sara shares a label in the thread of a customer's case; its card."""
    await place.say(PERSON, channel=channel)
    card = await card_of(place)
    label = place.slack.files.keep("label.pdf", "application/pdf", LABEL, place.slack.ids)
    await place.slack.post_as(SARA, "", thread_ts=card.ts, channel=card.channel, files=(label,))
    return card


def shared(place: Place, channel: str = DIRECT) -> list[bytes]:
    """What of ours there is to download there."""
    posts = [one for one in place.heard(channel) if one.files]
    return [place.slack.files.known[file["id"]].content for one in posts for file in one.files]


def told(place: Place, card: Message) -> str:
    """What the thread says."""
    return "\n".join(words(one) for one in place.slack.thread(card.ts, card.channel) if one.by_app)


def reply(place: Place, card: Message) -> Message:
    """What Sara posted."""
    return [one for one in place.slack.thread(card.ts, card.channel) if one.user == SARA][-1]


def whispers(place: Place, card: Message) -> list[str]:
    """What Sara alone was told."""
    return [one.text for one in place.slack.messages(card.channel) if one.for_user == SARA]


async def test_a_deleted_reply_takes_its_file_back(place: Place) -> None:
    card = await share(place, channel=HELP)
    await place.settle()
    assert shared(place, HELP) == [LABEL]
    await place.slack.delete_as(SARA, reply(place, card).ts, channel=card.channel)
    await place.settle()
    assert (shared(place, HELP), whispers(place, card)) == ([], [])


async def test_it_comes_as_it_is_where_the_customer_wrote(place: Place) -> None:
    await share(place, channel=HELP)
    await place.settle()
    assert shared(place, HELP) == [LABEL]
    (post,) = [one for one in place.heard(HELP) if one.files]
    asked = next(one for one in place.slack.messages(HELP) if one.user == CUSTOMER)
    assert (post.thread_ts, post.files[0]["title"]) == (asked.ts, "label.pdf")
    assert "label.pdf" not in told(place, await card_of(place))


@pytest.mark.parametrize("step", [ANNOUNCE, UPLOAD, COMPLETE])
@pytest.mark.parametrize("status", [429, 503])
async def test_what_slack_does_not_take_now_comes_later_and_once(place: Place, step: str, status: int) -> None:
    place.slack.faults.only, place.slack.faults.status_next = step, [status]
    await share(place)
    await place.hears(lambda _: bool(shared(place)))
    await place.settle()
    assert (shared(place), place.slack.faults.status_next) == ([LABEL], [])


@pytest.mark.parametrize(("step", "reason"), [("files:write", "app_lacks_scope"), (UPLOAD, "file_not_taken")])
async def test_what_slack_refuses_is_told_to_who_shared_it_with_its_reason(
    place: Place, step: str, reason: str
) -> None:
    if step == UPLOAD:
        place.slack.faults.only, place.slack.faults.status_next = UPLOAD, [413]
    else:
        place.slack.missing_scopes.add(step)
    card = await share(place)
    await place.settle()
    assert shared(place) == []
    assert whispers(place, card) == [f"📎 label.pdf: This did not reach the customer: {reason}"]
    assert "warning" in reply(place, card).reactions


async def test_a_place_that_is_closed_is_told(place: Place) -> None:
    place.slack.watchers.append(lambda _: setattr(place.slack.rooms[HELP], "archived", bool(place.slack.files.known)))
    card = await share(place, channel=HELP)
    await place.settle()
    assert whispers(place, card) == ["📎 label.pdf: This did not reach the customer: place_archived"]


async def test_a_lost_answer_to_the_last_step_shares_nothing_twice_and_is_told_as_unknown(place: Place) -> None:
    place.slack.faults.only, place.slack.faults.drop_next_answer = COMPLETE, 1
    card = await share(place)
    await place.settle()
    assert shared(place) == [LABEL]
    assert whispers(place, card)[0].startswith("📎 label.pdf: Nobody knows whether the customer has read this")
    assert "grey_question" in reply(place, card).reactions
    assert (await place.running.api("channels/slack"))["sends"]["ambiguous"] == 1


@pytest.mark.parametrize("step", [ANNOUNCE, UPLOAD])
async def test_a_lost_answer_before_the_last_step_is_no_matter(place: Place, step: str) -> None:
    place.slack.faults.only, place.slack.faults.drop_next_answer = step, 1
    await share(place)
    await place.hears(lambda _: bool(shared(place)))
    await place.settle()
    assert shared(place) == [LABEL]


async def test_a_file_of_the_customers_that_cannot_be_shown_is_told_of_in_the_thread(place: Place) -> None:
    page = place.slack.files.keep("page.png", "image/png", b"<html><script>alert(1)</script>", place.slack.ids)
    await place.say(PERSON, files=(page,))
    card = await card_of(place)
    assert "(shared page.png, which cannot be shown here: this kind of file is not taken)" in told(place, card)
