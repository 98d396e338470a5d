"""What every channel keeps, whatever platform it speaks to. It finds the channels by itself; each needs an adapter in `contract/`."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bus.channel import Sending
from bus.errors import Permanent, Retryable
from bus.message import Inbound, Outbound, Words
from channels.cleaning import HIDDEN, cleaned
from tests.channels.contract.kinds import adapter, kinds
from tests.channels.contract.platform import CUT
from tests.channels.contract.rig import Rig

KINDS = kinds()
PUSHING = sorted(name for name, kind in KINDS.items() if not kind.LIMITS.pull)
LONG = "\n\n".join(f"Paragraph {number} of a long answer: " + "some more words " * 40 for number in range(40))
YEAR = 365 * 86_400
HOSTILE = {
    "controls": "my refund\x00 \x07\x1b[31mnow\x9b",
    "right to left": "order \u202e19284-A\u202c \u2066and\u2069",
    "zero width": "re\u200bfu\u2060nd\ufeff",
    "tags": "hello\U000e0068\U000e0069",
    "joined emoji": "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇪🇸",
    "combining": "Z" + "\u0334\u0321\u0353" * 300,
    "beyond the plane": "𝒳" * 3_000,
    "scripts": "مرحبا Ω שלום 你好 नमस्ते",
    "line ends": "one\r\ntwo\u2028three\rfour",
    "markup": "<b>*_`~[x](javascript:a) <!channel> &amp; {{7*7}} ${x}",
}


@pytest.fixture
async def rig(kind: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, adapter(kind)).living(KINDS[kind]) as made:
        yield made


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


pushing = pytest.mark.parametrize("kind", PUSHING)


# --- in: proved, read, recorded once, and only then acknowledged


async def test_what_is_genuine_is_recorded_and_acknowledged(rig: Rig) -> None:
    platform = rig.platform
    assert await rig.post(await platform.says(1, 1, "Where is my refund? 🎧")) == platform.accepted
    assert await rig.post(await platform.says(1, 2, "It was A-48291.")) == platform.accepted
    await rig.settle()
    assert [one.text for one in rig.stored()] == ["Where is my refund? 🎧", "It was A-48291."]
    assert [one.text for one in rig.agent.took] == ["Where is my refund? 🎧", "It was A-48291."]
    assert {(one.kind, one.address.channel, one.address.tenant) for one in rig.stored()} == {
        ("message", platform.name, "default")
    }
    assert len({one.address for one in rig.stored()}) == 1


async def test_who_does_not_know_the_secret_is_refused(rig: Rig) -> None:
    call = await rig.platform.says(1, 1, "Where is my refund?")
    before = rig.everything()
    statuses = [await rig.post(forged) for forged in rig.platform.forged(call)]
    assert len(statuses) >= 7
    assert set(statuses) <= {401, 403}
    headers = next(rig.platform.forged(call)).headers
    malformed = [await rig.post(one._replace(headers=headers)) for one in rig.platform.malformed()]
    assert set(malformed) <= {401, 403}, "who is not known learns what is malformed"
    assert rig.everything() == before
    assert await rig.post(call) == rig.platform.accepted, "the very same words were not genuine"


async def test_without_a_secret_there_is_no_channel(kind: str, rig: Rig) -> None:
    for section in rig.platform.unsafe():
        with pytest.raises(ValueError, match=r".+"):
            KINDS[kind].build(kind, KINDS[kind].Settings.model_validate(section), rig.lent())


async def test_what_is_malformed_is_refused_and_never_an_error_of_ours(rig: Rig) -> None:
    await rig.post(await rig.platform.says(1, 1, "Hello"))
    before = rig.everything()
    statuses = [await rig.post(call) for call in rig.platform.malformed()]
    assert len(statuses) >= 6
    assert set(statuses) <= {400, 401}  # 401: nothing that could have been signed
    assert statuses.count(400) > len(statuses) / 2
    assert rig.everything() == before


async def test_too_much_is_refused(rig: Rig) -> None:
    await rig.post(await rig.platform.says(1, 1, "Hello"))
    before = rig.everything()
    assert await rig.post(rig.platform.proved(b"x=" + b"x" * rig.platform.most)) == 413
    assert rig.everything() == before


async def test_what_is_somebody_elses_is_refused_or_left_alone(rig: Rig) -> None:
    await rig.post(await rig.platform.says(1, 1, "Hello"))
    before = rig.everything()
    assert {await rig.post(call) for call in rig.platform.foreign()} <= {200, 403}
    await rig.settle()
    assert rig.everything() == before
    assert [one.text for one in rig.agent.took] == ["Hello"]


async def test_fields_of_tomorrow_are_left_alone(rig: Rig) -> None:
    call = await rig.platform.says(1, 1, "Hello", FieldOfTomorrow="1")
    assert await rig.post(call) == rig.platform.accepted
    assert [one.text for one in rig.stored()] == ["Hello"]


async def test_while_nothing_can_be_recorded_nothing_is_acknowledged(rig: Rig) -> None:
    call = await rig.platform.says(1, 1, "Hello")
    before = rig.everything()
    rig.lose_the_store()
    assert await rig.post(call) == 503
    assert rig.everything() == before
    rig.mend_the_store()
    assert await rig.post(rig.platform.again(call)) == rig.platform.accepted
    assert [one.text for one in rig.stored()] == ["Hello"]


async def test_a_replay_adds_nothing_however_late(rig: Rig) -> None:
    call = await rig.platform.says(1, 1, "Hello")
    assert await rig.post(call) == rig.platform.accepted
    assert [await rig.post(call), await rig.post(rig.platform.again(call))] == [200, 200]
    rig.clock.advance(rig.platform.lasts + 1 if rig.platform.lasts else 60)
    assert await rig.post(call) == (401 if rig.platform.lasts else 200)
    rig.clock.advance(3_600)
    assert await rig.post(rig.platform.again(call)) == 200
    await rig.settle()
    assert [one.text for one in rig.agent.took] == ["Hello"]


async def test_however_often_and_in_whatever_order_it_comes_each_is_there_once(rig: Rig) -> None:
    chance = random.Random(9)
    calls = [
        await rig.platform.says(person, number, f"{person} says {number}")
        for person in range(6)
        for number in range(1, 11)
    ]
    brought = [call if n == 0 else rig.platform.again(call) for call in calls for n in range(chance.randint(1, 5))]
    chance.shuffle(brought)
    gate = asyncio.Semaphore(32)

    async def bring(number: int) -> int:
        async with gate:
            return await rig.post(brought[number])

    statuses = await asyncio.gather(*map(bring, range(len(brought))))
    await rig.settle()
    assert set(statuses) <= {200, rig.platform.accepted}
    assert len(brought) > 150
    wanted = sorted(f"{person} says {number}" for person in range(6) for number in range(1, 11))
    assert sorted(one.text for one in rig.stored()) == wanted
    assert sorted(rig.heard()) == wanted


async def test_switched_off_it_stores_nothing(rig: Rig) -> None:
    call = await rig.platform.says(1, 1, "Hello")
    before = rig.everything()
    channel = rig.channel
    channel.reconfigure(channel.settings.model_copy(update={"mode": "off"}))  # type: ignore[attr-defined]
    assert await rig.post(call) == rig.platform.off
    assert rig.everything() == before


async def test_only_what_is_posted_is_heard(rig: Rig) -> None:
    async with rig.http.get(f"{rig.url}{rig.platform.path}") as answer:
        assert answer.status == 405


@pytest.mark.parametrize("words", HOSTILE)
async def test_no_text_breaks_anything(rig: Rig, words: str) -> None:
    text = HOSTILE[words]
    assert await rig.post(await rig.platform.says(1, 1, text)) == rig.platform.accepted
    await rig.settle()
    (stored,) = rig.stored()
    assert letters(stored.text) == letters(text)
    assert [one.text for one in rig.agent.took] == [stored.text]


def letters(text: str) -> str:
    """What people can read, without marks that a platform's own language may use."""
    return "".join(sign for sign in cleaned(text) if sign.isalnum())


async def test_no_secret_and_no_words_are_in_the_logs(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    platform = rig.platform
    caplog.set_level(logging.INFO)
    with capture_logs() as logged:
        call = await platform.says(1, 1, "my card is 4111 1111")
        for one in (call, *platform.forged(call), *platform.malformed(), *platform.foreign()):
            await rig.post(one)
        if not rig.channel.limits.pull:
            platform.far.next.extend((platform.too_many(1), CUT, platform.gone().answer))
            await rig.asked(1, 2, says=["the answer 4222", "the next 4222"])
            await rig.wait(60)
    said = "\n".join([str(logged), *(record.getMessage() for record in caplog.records if record.name != "asyncio")])
    proofs = [value for value in call.headers.values() if len(value) > 20 and "/" not in value]
    for secret in (*platform.secrets, *proofs, "4111 1111", "4222"):
        assert secret not in said
    assert not any(secret in f"{rig.channel.settings!r}{rig.channel.status()!r}" for secret in platform.secrets)  # type: ignore[attr-defined]


# --- out: in order, once, and what is refused has a name


def saying(inbound: Inbound, text: str, key: str) -> Sending:
    return Sending(Outbound(key, "say", inbound.address, Words(text, "agent"), cause=1), f"att_{key}")


@pushing
async def test_a_long_text_arrives_whole_and_in_order_and_before_what_comes_next(rig: Rig) -> None:
    await rig.asked(1, says=[LONG, "And that is all."])
    heard = rig.platform.heard(1)
    assert len(heard) > 3
    assert heard[-1].startswith("And that is all")
    assert letters("".join(heard)) == letters(f"{LONG} And that is all.")
    assert rig.states() == [("delivered", "")] * 2


@pushing
@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_parts_that_must_wait_are_not_overtaken_and_not_said_twice(rig: Rig, taken: int) -> None:
    rig.platform.far.next.extend([None] * taken + [rig.platform.too_many(7)])
    await rig.asked(1, says=[LONG, "And that is all."])
    await rig.wait(60)
    assert letters("".join(rig.platform.heard(1))) == letters(f"{LONG} And that is all.")
    assert rig.states() == [("delivered", "")] * 2


@pushing
async def test_too_many_waits_as_told_and_keeps_the_order(rig: Rig) -> None:
    rig.platform.far.next.append(rig.platform.too_many(7))
    await rig.asked(1, says=["one", "two"])
    rig.clock.advance(6.9)
    await rig.settle()
    assert (rig.platform.heard(1), rig.platform.far.asked) == ([], 1)
    rig.clock.advance(0.2)
    await rig.settle()
    await rig.wait(10)
    assert rig.platform.heard(1) == ["one", "two"]


@pushing
async def test_one_who_cannot_be_reached_delays_nobody_else(rig: Rig) -> None:
    rig.platform.far.next.append(rig.platform.gone().answer)
    for person in (1, 2):
        await rig.asked(person, person, says=[f"to {person}"])
    assert [rig.platform.heard(person) for person in (1, 2)] == [[], ["to 2"]]
    assert rig.states() == [("failed", rig.platform.gone().name), ("delivered", "")]


@pushing
async def test_one_who_must_wait_delays_only_whom_the_platform_counts_with_them(rig: Rig) -> None:
    rig.platform.far.next.append(rig.platform.too_many(300))
    for person in (1, 2):
        await rig.asked(person, person, says=[f"to {person}"])
    everybody = rig.platform.counts_everybody
    assert [rig.platform.heard(person) for person in (1, 2)] == [[], [] if everybody else ["to 2"]]
    await rig.wait(320)
    assert [rig.platform.heard(person) for person in (1, 2)] == [["to 1"], ["to 2"]]


@pushing
async def test_an_answer_that_is_lost_doubles_nothing(rig: Rig) -> None:
    rig.platform.far.next.append(CUT)
    await rig.asked(1, says=["only once", "and this"])
    await rig.wait(60)
    assert rig.platform.heard(1) == ["only once", "and this"]
    lost = rig.platform.lost
    assert rig.states() == [(lost, "" if lost == "delivered" else lost), ("delivered", "")]


@pushing
async def test_every_error_that_the_platform_tells_of_has_an_outcome(rig: Rig) -> None:
    inbound = await rig.asked(1, says=[])
    refusals = [*rig.platform.refusals()]
    wrong: list[tuple[object, ...]] = []
    for number, refusal in enumerate(refusals):
        rig.platform.far.next.append(refusal.answer)
        rig.clock.advance(60)
        try:
            await rig.channel.send(saying(inbound, "Hello", f"k{number}"))
        except refusal.kind as error:
            told = error.reason if isinstance(error, Permanent) else ""
            after = error.after if isinstance(error, Retryable) else None
            quoted = [secret for secret in (*rig.platform.secrets, "quotes the customer") if secret in str(error)]
            if (told, refusal.after or after, quoted) != (refusal.name, after, []):
                wrong.append((refusal, told, after, quoted))
        except Exception as error:  # noqa: BLE001 - all that went wrong is told at once
            wrong.append((refusal, error, None, []))
        else:
            wrong.append((refusal, "was sent", None, []))
        rig.platform.far.next.clear()
    assert wrong == []
    assert len({one.name for one in refusals if one.name}) >= rig.platform.named
    assert rig.platform.heard(1) == []


@pushing
@pytest.mark.parametrize("words", HOSTILE)
async def test_no_text_of_ours_is_refused_or_hides_anything(rig: Rig, words: str) -> None:
    await rig.asked(1, says=[HOSTILE[words], "Goodbye."])
    heard = rig.platform.heard(1)
    assert heard[-1].startswith("Goodbye")
    assert not any(HIDDEN.search(text) for text in heard)
    assert rig.states() == [("delivered", "")] * 2


# --- the suite itself


def test_a_channel_without_an_adapter_is_told() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"write tests/channels/contract/pigeon\.py"):
        adapter("pigeon")
    assert {"letterbox", "slack", "telegram", "web", "whatsapp"} <= KINDS.keys()
    for kind in KINDS:
        adapter(kind)
