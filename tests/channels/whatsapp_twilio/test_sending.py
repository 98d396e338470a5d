"""What is said reaches the phone once and in order, whatever Twilio does meanwhile; and what it reports is believed once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from bus.message import Button, Words, Work
from demo.twilio import Phone
from tests.channels.whatsapp_twilio.world import Life, lived, recorded
from tests.support.whatsapp import CHOICES

ANA = "+34600111222"
LONG = " ".join(f"Sentence number {number} of a long answer." for number in range(100))
YES_NO = (Button("yes", "Yes, please"), Button("no", "No"))


def once(*said: Words) -> Callable[[Work], list[Words]]:
    """These words to the first turn, and nothing after it."""
    left = [list(said)]
    return lambda _: left.pop() if left else []


def agent(text: str, *buttons: Button) -> Words:
    return Words(text, "agent", buttons=buttons)


async def asked(life: Life, *said: Words) -> Phone:
    """Ana has written, and is answered with this."""
    life.echo.says = once(*said)
    ana = life.account.phone(ANA, "Ana Ruiz")
    await ana.say("hello")
    await life.settle()
    return ana


async def test_a_lost_answer_is_looked_up_and_nothing_is_sent_twice(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """One answer in five is lost: what Twilio lists was taken, and what it does not list for a minute was not."""
    dice = random.Random(20)
    async with lived(tmp_path) as life:
        phones = [life.account.phone(f"+346000000{number:02d}") for number in range(20)]
        life.echo.says = lambda work: [agent(f"to {row.inbound.text}") for row in work.rows]
        dropped = 0
        for number in range(5):
            for phone in phones:
                lost = dice.random() < 0.2
                dropped += lost
                life.account.faults.drop_next_answer = int(lost)
                await phone.say(f"{phone.address} {number}")
                await life.settle()
        for _ in range(20):
            life.clock.advance(10)
            await life.settle()
        texts = Counter(text for phone in phones for text in phone.texts)
        assert dropped > 10
        assert len(texts) == 100
        assert sum(texts.values()) - len(texts) == 0, "duplicates"
        assert Counter(state for state, _ in life.states()) == {"delivered": 100}, "ambiguous or lost"


async def test_a_message_that_never_arrived_is_sent_once_twilio_has_not_listed_it_for_a_minute(life: Life) -> None:
    life.account.loses = 1
    ana = await asked(life, agent("only once"))
    for _ in range(11):
        life.clock.advance(5)
        await life.settle()
    assert ana.texts == []
    for _ in range(4):
        life.clock.advance(5)
        await life.settle()
    assert ana.texts == ["only once"]


async def test_the_same_words_said_before_are_not_taken_for_the_lost_ones(life: Life) -> None:
    ana = await asked(life, agent("Anything else?"))
    life.echo.says = once(agent("Anything else?"))
    life.account.loses = 1
    await ana.say("yes")
    await life.settle()
    assert ana.texts == ["Anything else?"]
    for _ in range(15):
        life.clock.advance(5)
        await life.settle()
    assert ana.texts == ["Anything else?"] * 2


async def test_a_part_that_never_arrived_is_sent_after_the_ones_that_did(life: Life) -> None:
    taken = life.account.create

    def losing_the_next(form, media):  # type: ignore[no-untyped-def]
        life.account.create = taken  # type: ignore[method-assign]
        life.account.loses = 1
        return taken(form, media)

    life.account.create = losing_the_next  # type: ignore[method-assign]
    ana = await asked(life, agent(LONG), agent("end"))
    for _ in range(20):
        life.clock.advance(5)
        await life.settle()
    assert " ".join(ana.texts) == f"{LONG} end"


async def test_a_report_settles_an_attempt_whose_answer_never_came(life: Life) -> None:
    """The attempt stands in the address that Twilio reports to: whoever is told so need not look."""
    life.account.lag = 10**9
    life.account.faults.drop_next_answer = 1
    ana = await asked(life, agent("here"))
    await life.settle()
    assert ana.texts == ["here"]
    assert life.states() == [("delivered", "")]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
async def test_reports_in_any_order_come_to_the_same(life: Life, order: int) -> None:
    life.account.shuffled = random.Random(order)
    await asked(life, agent("one"), agent("two"), agent("three"))
    assert life.states() == [("delivered", "")] * 3


async def test_what_was_delivered_stays_so(life: Life) -> None:
    ana = await asked(life, agent("one"))
    await ana.read()
    for late in ("queued", "sent", "accepted", "sending"):
        await life.account.tell(ana.heard[0], late)
    await life.settle()
    assert life.states() == [("delivered", "")]


async def test_a_report_on_nobodys_message_changes_nothing(life: Life) -> None:
    await asked(life, agent("one"))
    before = life.states()
    assert await life.post(recorded("status-undelivered"), "/status") == 200
    assert await life.post(recorded("status-read") | {"AccountSid": "AC" + "2" * 32}, "/status") == 403
    assert await life.post(recorded("status-read"), "/status?attempt=att_none") == 200
    await life.settle()
    assert life.states() == before


@pytest.mark.parametrize(
    ("code", "reason"), [(63016, "window_closed"), (63003, "not_on_whatsapp"), (63049, "whatsapp_withheld")]
)
async def test_a_refusal_that_comes_later_is_told_with_its_name(life: Life, code: int, reason: str) -> None:
    life.account.refusals[f"whatsapp:{ANA}"] = code
    await asked(life, agent("one"))
    assert life.states() == [("failed", reason)]


async def test_a_failed_part_fails_the_whole(life: Life) -> None:
    life.account.refusals[f"whatsapp:{ANA}"] = 63024
    await asked(life, agent(LONG))
    assert life.states() == [("failed", "invalid_recipient")]


async def test_what_waited_until_the_window_had_closed_is_refused_here_and_the_reason_is_named(life: Life) -> None:
    life.account.faults.status_next, life.account.faults.retry_after = [503], 86_400
    ana = await asked(life, agent("an answer"))
    life.channel._windows._heard.clear()
    calls = len(life.account.messages)
    life.clock.advance(86_399)
    assert await life.channel._windows.is_open(life.stored()[0].address)
    life.clock.advance(1)
    assert not await life.channel._windows.is_open(life.stored()[0].address)
    await life.settle()
    assert (len(life.account.messages), ana.texts) == (calls, [])
    assert life.states() in ([("failed", "window_closed")], [("expired", "too old to be sent")])


async def test_buttons_are_a_numbered_list_and_a_number_is_the_choice(life: Life) -> None:
    ana = await asked(life, agent("Shall I *go* ahead?", *YES_NO))
    assert ana.texts == ["Shall I _go_ ahead?\n\n1. Yes, please\n2. No"]
    for words in ("2", "nothing of the kind"):
        await ana.say(words)
        await life.settle()
    (press,) = life.stored("press")
    assert (press.button, press.text, press.target[:1]) == ("no", "No", "m")
    assert [one.text for one in life.stored()] == ["hello", "nothing of the kind"]


@pytest.mark.parametrize(
    ("answer", "button"), [("1", "yes"), (" 1. ", "yes"), ("2️⃣", "no"), ("yes, PLEASE", "yes"), ("No", "no")]
)
async def test_an_answer_is_the_number_or_the_label(life: Life, answer: str, button: str) -> None:
    ana = await asked(life, agent("Well?", *YES_NO))
    await ana.say(answer)
    await life.settle()
    assert [press.button for press in life.stored("press")] == [button]


@pytest.mark.parametrize("answer", ["3", "0", "1 or 2", "no, the other one", "12"])
async def test_other_words_stay_words(life: Life, answer: str) -> None:
    ana = await asked(life, agent("Well?", *YES_NO))
    await ana.say(answer)
    await life.settle()
    assert (life.stored("press"), life.stored()[-1].text) == ([], answer)


async def test_a_number_without_a_question_is_a_number(life: Life) -> None:
    ana = await asked(life, agent("Hello."))
    await ana.say("1")
    await life.settle()
    assert (life.stored("press"), life.stored()[-1].text) == ([], "1")


async def test_quick_replies_are_used_where_a_template_for_them_is_configured(tmp_path) -> None:  # type: ignore[no-untyped-def]
    async with lived(tmp_path, templates={"choices_2": CHOICES}) as life:
        short = (Button("yes", "Yes"), Button("no", "No"))
        ana = await asked(life, agent("Well?", *short))
        assert [life.account.buttons(message) for message in ana.heard] == [["Yes", "No"]]
        await ana.tap(ana.heard[0], "No")
        await life.settle()
        assert [press.button for press in life.stored("press")] == ["no"]
        life.echo.says = once(agent("Again?", *short))
        life.account.templates.clear()
        await ana.say("what?")
        await life.settle()
        assert ana.texts[-1] == "Again?\n\n1. Yes\n2. No"


async def test_a_number_that_was_silent_for_months_proves_nothing_any_more(life: Life) -> None:
    ana = await asked(life)
    for days in (89, 91, 1):
        life.clock.advance(days * 86_400)
        await ana.say(f"after {days} days")
        await life.settle()
    assert [one.sender.verified for one in life.stored()] == ["channel", "channel", "none", "none"]


async def test_a_persons_own_id_is_not_joined_to_a_number_that_was_silent_for_months(life: Life) -> None:
    await asked(life)
    life.clock.advance(91 * 86_400)
    other = life.account.phone(ANA, "Somebody else", person="ES.999")
    await other.say("hello")
    await life.settle()
    assert len(life.echo.conversations) == 2
