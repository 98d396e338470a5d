"""Twilio gives up after 15 seconds; what it gave up on is in its list, and is brought in."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bus.errors import Retryable
from demo.twilio.courier import Overrides
from tests.channels.whatsapp_twilio.world import Life, lived
from tests.support.clock import Clock
from tests.support.whatsapp import WEBHOOK, twilio


async def test_ten_minutes_of_outage_lose_and_double_nothing(tmp_path: Path) -> None:
    """Some messages came in before, some half way; everything that was said while nobody answered is there after one look."""
    clock, numbers = Clock(), itertools.count(1)
    async with twilio(clock) as account:
        phones = [account.phone(f"+346000000{number:02d}", f"P{number}") for number in range(12)]
        async with Life(tmp_path, account, clock, numbers).living() as life:
            await life.channel.reconciler.look()
            said = [await phone.say(f"{phone.address} before") for phone in phones]
            await life.settle()
        account.courier.places[WEBHOOK.removesuffix("/webhooks/whatsapp")] = "http://127.0.0.1:9"
        account.webhook = WEBHOOK + "#rc=0"
        for minute in range(10):
            said += [await phone.say(f"{phone.address} in minute {minute}") for phone in phones]
            clock.advance(60)
        given_up = [one for one in account.courier.deliveries if one.answers == ["ct"]]
        assert len(given_up) == 120
        async with Life(tmp_path, account, clock, numbers).living() as life:
            recovered = await life.channel.reconciler.look()
            again = await life.channel.reconciler.look()
            await life.settle()
            stored = [one.text for one in life.stored()]
            assert (recovered, again) == (120, 0)
            assert sorted(stored) == sorted(one.body for one in said)
            assert len(stored) - len(set(stored)) == 0
            for phone in phones:
                mine = [text for text in stored if text.startswith(phone.address)]
                assert mine == [one.body for one in said if one.sender == phone.address]
            assert life.channel.status()["recovered"] == 120


async def test_it_is_looked_at_once_after_the_start(tmp_path: Path) -> None:
    clock, numbers = Clock(), itertools.count(1)
    async with twilio(clock) as account:
        async with Life(tmp_path, account, clock, numbers).living() as life:
            await life.channel.reconciler.look()
        account.webhook = ""
        await account.phone("+34600111222").say("is anybody there?")
        async with Life(tmp_path, account, clock, numbers).living() as life:
            await life.channel.open()
            while not life.stored():
                await life.settle()
            assert [one.text for one in life.stored()] == ["is anybody there?"]


async def test_history_of_before_the_channel_existed_stays_where_it_is(life: Life) -> None:
    life.account.webhook = ""
    await life.account.phone("+34600111222").say("years ago")
    assert [await life.channel.reconciler.look() for _ in range(2)] == [0, 1]
    life.clock.advance(11 * 60)
    assert await life.channel.reconciler.look() == 0


async def test_what_came_while_the_channel_was_off_is_nobodys(life: Life) -> None:
    await life.channel.reconciler.look()
    life.clock.advance(20 * 60)
    life.channel.reconfigure(life.channel.settings.model_copy(update={"mode": "off"}))
    await life.account.phone("+34600111222").say("hello?")
    assert await life.channel.reconciler.look() == 0
    life.clock.advance(11 * 60)
    await life.channel.reconciler.look()
    life.channel.reconfigure(life.channel.settings.model_copy(update={"mode": "live"}))
    assert await life.channel.reconciler.look() == 0
    assert life.everything() == 0


async def test_files_are_recovered_with_the_words(tmp_path: Path) -> None:
    async with lived(tmp_path) as life:
        await life.channel.reconciler.look()
        life.account.webhook = ""
        ana = life.account.phone("+34600111222")
        sent = await ana.share(b"\xff\xd8\xff", "image/jpeg", "the broken part")
        await life.channel.reconciler.look()
        (told,) = life.stored()
        (file,) = told.attachments
        assert (told.text, file.media_type) == ("the broken part", "image/jpeg")
        assert file.source == life.account.media_url(sent, sent.media[0])


async def test_a_person_known_by_another_id_is_recovered_into_the_same_conversation(life: Life) -> None:
    await life.channel.reconciler.look()
    ana = life.account.phone("+34600111222", "Ana", person="ES.1a2b3c")
    await ana.say("hello")
    life.account.webhook = ""
    await ana.say("are you there?")
    await life.channel.reconciler.look()
    await life.settle()
    assert [one.text for one in life.stored()] == ["hello", "are you there?"]
    assert len(life.echo.conversations) == 1


async def test_a_mark_does_not_move_when_twilio_cannot_be_asked(life: Life) -> None:
    await life.channel.reconciler.look()
    life.account.webhook = ""
    await life.account.phone("+34600111222").say("hello?")
    life.account.faults.down = True
    life.clock.advance(3600)
    with pytest.raises(Retryable):
        await life.channel.reconciler.look()
    life.account.faults.down = False
    assert await life.channel.reconciler.look() == 1


async def test_a_hundred_and_more_are_listed_page_by_page(life: Life) -> None:
    await life.channel.reconciler.look()
    life.account.webhook = ""
    for number in range(250):
        await life.account.phone(f"+34600{number:06d}").say(f"message {number}")
        life.clock.advance(0.5)
    assert await life.channel.reconciler.look() == 250
    assert [one.text for one in life.stored()] == [f"message {number}" for number in range(250)]


async def test_the_stand_in_is_as_patient_as_the_fragment_says(life: Life) -> None:
    assert Overrides.of(WEBHOOK) == Overrides(1, frozenset({"ct"}), 5.0, 15.0, 15.0)
    patient = Overrides.of(f"{WEBHOOK}#rc=9&rp=all&ct=2000&rt=5000&tt=99000")
    assert patient == Overrides(5, frozenset({"all"}), 2.0, 5.0, 15.0)
    assert [patient.again(answer) for answer in (200, 403, 503, "ct", "rt")] == [False, True, True, True, True]
    life.account.courier.places["https://support.test"] = "http://127.0.0.1:9"
    await life.account.phone("+34600111222").say("anybody?")
    assert life.account.courier.deliveries[-1].answers == ["ct"] * 6
