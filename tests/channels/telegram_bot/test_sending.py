"""What is said arrives in order and once; every refusal has a name, and each ends where people can see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bus.channel import Sending
from bus.errors import Permanent, Retryable
from bus.message import Address, Attachment, Button, Outbound, Words
from bus.pace import Pace
from bus.wake import Discard, Preview, Rested
from channels.telegram import buttons
from channels.telegram.client import Client, reason
from channels.telegram.sending import Post
from channels.telegram.settings import LIMITS
from demo.telegram import ANA, JONAS
from demo.telegram.formatting import Refused
from tests.channels.telegram_bot.world import World, opened, settings
from tests.support.clock import Clock
from tests.support.telegram import TOKEN

LONG = "\n\n".join(f"Paragraph {number}. " + "words " * 150 for number in range(12))


def sending(to: Address, text: str, *, act: Any = "say", target: str = "", key: str = "k1", **more: Any) -> Sending:
    speaker = more.pop("speaker", "agent")
    return Sending(Outbound(key, act, to, Words(text, speaker, **more), cause=3), "att_1", target=target)


@pytest.fixture
def ana(world: World) -> Address:
    world.telegram.chat(ANA)
    return world.chat(ANA)


def texts(world: World, chat: int = ANA) -> list[str]:
    return [one.text for one in world.telegram.by_bot(chat)]


async def test_words_go_out_with_their_styles(world: World, ana: Address) -> None:
    assert await world.channel.send(sending(ana, "**Hi**, 👋")) == f"{ANA}:1"
    (said,) = world.telegram.by_bot(ANA)
    assert (said.text, said.entities) == ("Hi, 👋", [{"type": "bold", "offset": 0, "length": 2}])
    asked = world.telegram.calls[-1][1]
    assert asked["link_preview_options"] == {"is_disabled": True}
    assert "parse_mode" not in asked


async def test_a_person_speaks_under_their_name_and_literally(world: World, ana: Address) -> None:
    await world.channel.send(sending(ana, "*no* <b>", speaker="staff", name="Sara"))
    assert texts(world) == ["Sara: *no* <b>"]


async def test_a_topic_is_answered_in_the_topic(world: World) -> None:
    world.telegram.chat(ANA)
    await world.channel.send(sending(Address("default", "telegram", "42", str(ANA), "12"), "Hi"))
    assert world.telegram.by_bot(ANA)[0].thread == 12


async def test_buttons_stand_below_the_last_part(world: World, ana: Address) -> None:
    await world.channel.send(sending(ana, LONG, buttons=(Button("yes", "Yes"), Button("no", "No"))))
    said = world.telegram.by_bot(ANA)
    assert len(said) == 3
    assert [bool(one.keyboard) for one in said] == [False, False, True]
    assert [buttons.pressed(TOKEN, ana, data) for data in said[-1].buttons.values()] == [(3, 0), (3, 1)]


async def test_a_long_text_comes_in_order_and_is_one_message_to_us(world: World, ana: Address) -> None:
    assert await world.channel.send(sending(ana, LONG)) == f"{ANA}:1,2,3"
    assert "".join("".join(texts(world)).split()) == "".join(LONG.split())


async def test_what_is_sent_of_a_long_text_is_not_sent_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        ana = world.chat(ANA)
        world.telegram.chat(ANA)

        def too_many(_: Any) -> None:
            if len(world.telegram.by_bot(ANA)) == 1:
                world.telegram.refuse_next.append(Refused("Too Many Requests: retry after 2", 429, retry_after=2))

        world.telegram.watchers.append(too_many)
        with pytest.raises(Retryable) as caught:
            await world.channel.send(sending(ana, LONG))
        assert (caught.value.after, len(texts(world))) == (2, 1)
    async with opened(tmp_path) as again:  # the process has ended meanwhile: what was sent is on the disk
        again.telegram.chat(ANA)
        assert (await again.channel.send(sending(ana, LONG))).count(",") == 2
        assert len(texts(again)) == 2
        await again.channel.send(sending(ana, LONG, key="k2"))
        assert len(texts(again)) == 5


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Bad Request: message is not modified: specified new message content", "unchanged"),
        ("Bad Request: message to edit not found", "message_gone"),
        ("Bad Request: message to delete not found", "message_gone"),
        ("Bad Request: message can't be deleted for everyone", "too_late_to_change"),
        ("Bad Request: query is too old and response timeout expired or query ID is invalid", "query_too_old"),
        ('Bad Request: can\'t parse entities: Unsupported start tag "p" at byte offset 0', "malformed"),
        ("Bad Request: BUTTON_DATA_INVALID", "malformed"),
        ("Bad Request: ENTITY_BOUNDS_INVALID", "malformed"),
    ],
)
def test_refusals_of_other_calls_have_names(said: str, name: str) -> None:
    assert reason(said) == name


async def test_what_is_malformed_is_sent_once_more_as_mere_text(world: World, ana: Address) -> None:
    world.telegram.refuse_next.append(Refused("Bad Request: can't parse entities: ENTITY_BOUNDS_INVALID"))
    await world.channel.send(sending(ana, "**Hi**"))
    assert [(one.text, one.entities) for one in world.telegram.by_bot(ANA)] == [("Hi", [])]
    world.telegram.refuse_next += [Refused("Bad Request: can't parse entities")] * 2
    with pytest.raises(Permanent, match="can't parse"):
        await world.channel.send(sending(ana, "**Hi**"))
    assert len(texts(world)) == 1


async def test_a_group_that_moved_is_found_where_it_is(world: World) -> None:
    world.telegram.group(-5, kind="group").moved_to = -1005
    world.telegram.group(-1005)
    there = Address("default", "telegram", "42", f"-5:{ANA}")
    assert await world.channel.send(sending(there, "Hi")) == "-1005:1"
    assert await world.channel.send(sending(there, "again", key="k2")) == "-1005:2"
    assert texts(world, -1005) == ["Hi", "again"]


async def test_a_group_that_moved_is_found_after_a_restart(tmp_path: Path) -> None:
    there = Address("default", "telegram", "42", f"-5:{ANA}")
    async with opened(tmp_path) as world:
        world.telegram.group(-5, kind="group").moved_to = -1005
        world.telegram.group(-1005)
        await world.channel.send(sending(there, "Hi"))
        world.clock.advance(365 * 86_400)
    async with opened(tmp_path) as again:
        again.telegram.group(-5, kind="group")
        again.telegram.group(-1005)
        assert await again.channel.send(sending(there, "again", key="k2")) == "-1005:1"
        assert (texts(again, -5), texts(again, -1005)) == ([], ["again"])


async def test_nobody_there_is_not_the_same_as_a_lost_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        world.channel.reconfigure(world.channel.settings.model_copy(update={"api_base": "http://127.0.0.1:1"}))
        await asyncio.sleep(0)
        with pytest.raises(Retryable, match="cannot be reached"):
            await world.channel.send(sending(world.chat(ANA), "Hi"))


async def test_words_are_changed_and_taken_back(world: World, ana: Address) -> None:
    target = await world.channel.send(sending(ana, LONG))
    shorter = sending(ana, "**Short**", act="replace", target=target, key="k2")
    assert await world.channel.send(shorter) == f"{ANA}:1"
    assert await world.channel.send(shorter) == f"{ANA}:1"
    assert texts(world) == ["Short"]
    longer = await world.channel.send(sending(ana, LONG, act="replace", target=f"{ANA}:1", key="k3"))
    assert len(texts(world)) == 3
    gone = sending(ana, "", act="remove", target=longer, key="k4")
    assert await world.channel.send(gone) == longer
    assert await world.channel.send(gone) == longer
    assert texts(world) == []
    assert await world.channel.find(gone) == ""


async def test_what_is_too_old_to_be_taken_back_is_said(world: World, ana: Address) -> None:
    target = await world.channel.send(sending(ana, "Hi"))
    world.clock.advance(49 * 3600)
    with pytest.raises(Permanent) as caught:
        await world.channel.send(sending(ana, "", act="remove", target=target))
    assert caught.value.reason == "too_late_to_change"


@pytest.mark.parametrize("target", ["", "x", "m7"])
async def test_what_never_was_cannot_be_changed(world: World, ana: Address, target: str) -> None:
    for act in ("replace", "remove"):
        with pytest.raises(Permanent, match="nothing_to_change"):
            await world.channel.send(sending(ana, "x", act=act, target=target))


async def test_nothing_is_not_sent(world: World, ana: Address) -> None:
    with pytest.raises(Permanent, match="nothing_to_say"):
        await world.channel.send(sending(ana, " \u200b "))
    with pytest.raises(Permanent, match="gives no files"):
        await world.channel.send(sending(ana, "", attachments=(Attachment("invoice.pdf", "application/pdf"),)))
    assert texts(world) == []


async def test_while_the_agent_works_it_is_shown_and_words_come_as_they_are_written(world: World, ana: Address) -> None:
    world.channel.thinking("c1", ana)

    async def until(done: Any) -> None:
        async with asyncio.timeout(5):
            while not done():  # noqa: ASYNC110 - what Telegram shows has no event here
                await asyncio.sleep(0.005)

    await until(lambda: world.telegram.actions)
    world.hub.publish("c1", Preview(1, 0, "Your order "))
    await until(lambda: world.telegram.drafts)
    world.hub.publish("c1", Preview(1, 11, "is **on its way**."))
    await until(lambda: world.telegram.drafts[-1] == (ANA, "Your order is on its way."))
    assert world.telegram.calls[-1][1]["entities"] == [{"type": "bold", "offset": 14, "length": 10}]
    world.hub.publish("c1", Discard(1))
    await until(lambda: world.telegram.drafts[-1] == (ANA, ""))
    world.hub.publish("c1", Rested())
    assert world.telegram.actions == [(ANA, "typing")]


async def test_a_customer_who_blocked_the_bot_is_told_to_the_team(world: World) -> None:
    world.telegram.block(ANA)
    await world.telegram.say(ANA, "hello?")
    await world.settle()
    kinds = [line.kind() for line in await world.lines(await world.conversation(ANA))]
    (failed,) = [line for line in await world.lines(await world.conversation(ANA)) if line.kind() == "delivery_failed"]
    assert (failed.reason, "delivered" in kinds) == ("blocked", False)


def pace_of(pace: Pace, peers: Sequence[str]) -> list[int]:
    """How long one message to each of them has to wait, ms."""
    return [pace.delay("telegram", LIMITS.rates(Address("default", "telegram", "42", peer))) for peer in peers]


def test_the_pace_is_telegrams_in_a_chat_and_in_a_group_that_its_members_share() -> None:
    pace = Pace(Clock())
    waits = pace_of(pace, ["7"] * 22)
    assert waits[:20] == [0] * 20
    assert 900 < waits[20] <= 1001
    clock = Clock()
    pace = Pace(clock)
    assert pace_of(pace, [f"-5:{member}" for member in range(20)]) == [0] * 20
    (wait,) = pace_of(pace, ["-5:99"])
    assert 2900 < wait <= 3001
    assert pace_of(pace, ["-6:99"]) == [0]


def test_the_bot_as_a_whole_has_thirty_a_second() -> None:
    waits = pace_of(Pace(Clock()), [str(person) for person in range(31)])
    assert (waits[:30], waits[30] > 0) == ([0] * 30, True)


async def test_where_telegram_asks_to_wait_the_whole_group_waits_and_nobody_else(tmp_path: Path) -> None:
    async with opened(tmp_path, groups=True) as world:
        world.telegram.group(-5)
        world.telegram.refuse_next.append(Refused("Too Many Requests: retry after 7", 429, retry_after=7))
        for person, place in ((ANA, -5), (JONAS, -5), (JONAS, JONAS)):
            await world.telegram.say(person, f"{person}?", chat=place)
            await world.settle()
        assert (texts(world, -5), texts(world, JONAS)) == ([], [f"{JONAS}?"])
        world.clock.advance(6.9)
        await world.settle()
        assert texts(world, -5) == []
        world.clock.advance(0.2)
        await world.settle()
        assert texts(world, -5) == [f"{ANA}?", f"{JONAS}?"]


async def test_a_file_can_be_fetched_from_the_stand_in(world: World) -> None:
    world.telegram.store("BQAC-1", b"%PDF-1.7")
    told = await world.channel._client.read("getFile", file_id="BQAC-1")
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{world.telegram.url}/file/bot{TOKEN}/{told['file_path']}") as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"%PDF-1.7")
    with pytest.raises(Permanent, match="wrong file_id"):
        await world.channel._client.read("getFile", file_id="other")


async def test_a_file_may_take_longer_than_words(
    world: World, ana: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float | None] = []

    async def call(self: Client, method: str, *, patience: float | None = None, **_: Any) -> dict[str, int]:
        given.append(patience)
        return {"message_id": 7}

    monkeypatch.setattr(Client, "call", call)
    file = tmp_path / "film.mp4"
    file.write_bytes(b"x")
    assert await Post(Client(settings()), world.tenant, world.clock).share(ana, file, "Sara") == f"{ANA}:7"
    assert given == [120.0]
