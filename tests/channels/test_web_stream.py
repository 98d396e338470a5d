"""The stream: what is shown, in which order, and that nothing is lost or shown twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bus.consumer import Journal
from bus.entries import (
    AgentSaid,
    CustomerEdited,
    CustomerPressed,
    CustomerSaid,
    Decided,
    Drafted,
    Entry,
    HandedOver,
    StaffNoted,
    StaffSaid,
    SystemSaid,
)
from bus.message import Turn, Work
from bus.store import log, sessions
from bus.store.engine import Transaction
from bus.wake import Changed, Discard, Preview, Typing
from channels.web.arrivals import digest
from tests.channels.web_world import Json, Listener, Visit, World, echo, said, settings
from tests.support.clock import NOW


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as it:
        yield it


async def write(world: World, visit: Visit, *entries: Entry, turn: int = 0) -> list[int]:
    """Lines as a commit appends them."""
    seqs = await world.tenant.write(log.append, visit.conversation, entries, NOW, turn)
    world.hub.publish(visit.conversation, Changed())
    return seqs


async def own(world: World, visit: Visit, owner: str, name: str) -> None:
    def change(tx: Transaction) -> None:
        unchanged = dict.fromkeys(("status", "language", "summary"))
        tx.run(
            "conversation_change",
            id=visit.conversation,
            owner=owner,
            owner_name=name,
            now=NOW,
            bump_epoch=0,
            new_episode=0,
            **unchanged,
        )

    await world.tenant.write(change)


async def only(world: World, count: int) -> None:
    """Returns once no more than so many streams are open."""
    async with asyncio.timeout(10):
        while world.web.status()["streams"] > count:
            await world.web.tick()


def texts(lines: Sequence[Json]) -> list[str]:
    return [line["text"] for line in lines]


async def test_a_message_and_its_answer_arrive_while_the_page_is_open(world: World) -> None:
    visit, seen = await world.visit(), asyncio.Event()

    async def waits(work: Work, journal: Journal) -> Turn:
        await seen.wait()
        return await echo(work, journal)

    world.consumer.script = waits
    async with visit.listen() as stream:
        assert stream.answer.content_type == "text/event-stream"
        assert stream.answer.headers["Cache-Control"] == "no-store"
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        assert await stream.event() == ("state", {"owner": "agent", "name": ""})
        await visit.send({"id": "one", "text": "hello **there**"})
        mine = await stream.next("message")
        assert await stream.event() == ("typing", {})
        seen.set()
        answer = await stream.next("message")
    assert mine == {
        "seq": 1,
        "id": "one",
        "turn": 1,
        "from": "customer",
        "name": "",
        "text": "hello **there**",
        "tree": [],
        "buttons": [],
        "at": NOW,
        "replaces": None,
    }
    assert answer == {
        "seq": 2,
        "id": "m2",
        "turn": 1,
        "from": "agent",
        "name": "",
        "text": "You said: hello **there**",
        "tree": [{"t": "p", "c": ["You said: hello ", {"t": "strong", "c": ["there"]}]}],
        "buttons": [],
        "at": NOW,
        "replaces": None,
    }
    assert stream.ids == [1, 2]


async def test_internal_lines_are_never_shown(world: World) -> None:
    visit = await world.visit()
    await write(
        world,
        visit,
        CustomerSaid(text="hi", id="s:1"),
        StaffNoted(text="internal", by="U1", name="Sara"),
        Drafted(text="draft", by="agent"),
        HandedOver(reason="asked_for_person", detail="secret"),
        Decided(decision="send", reason="secret", confidence=1, band="send", cost=0, spec="s"),  # type: ignore[arg-type]
        AgentSaid(text="hello", by="agent", sources=("secret.md",)),
        StaffSaid(text="I am Sara", id="1700.5", by="U0SARA", name="Sara"),
        SystemSaid(text="bye"),
    )
    async with visit.listen(0) as stream:
        lines = await stream.messages_until_quiet(world, visit.conversation)
    assert [(line["seq"], line["from"], line["text"], line["id"]) for line in lines] == [
        (1, "customer", "hi", "1"),
        (6, "agent", "hello", "m6"),
        (7, "staff", "I am Sara", "m7"),
        (8, "system", "bye", "m8"),
    ]
    whole = repr(lines)
    assert not [word for word in ("secret", "internal", "draft", "U0SARA", "1700") if word in whole]


async def test_only_the_agents_and_the_systems_words_are_markdown(world: World) -> None:
    visit = await world.visit()
    words = "**bold** <img src=x onerror=alert(1)> ![x](https://evil.example/?d=1)"
    await write(
        world, visit, CustomerSaid(text=words), StaffSaid(text=words), AgentSaid(text=words), SystemSaid(text=words)
    )
    customer, staff, agent, system = await visit.history()
    assert customer["tree"] == staff["tree"] == []
    assert customer["text"] == staff["text"] == words
    bold: Json = {"t": "strong", "c": ["bold"]}
    assert agent["tree"] == system["tree"] == [{"t": "p", "c": [bold, " <img src=x onerror=alert(1)> x"]}]


async def test_presses_and_changed_words_are_shown_as_the_customer_knows_them(world: World) -> None:
    visit = await world.visit()
    await write(
        world,
        visit,
        CustomerSaid(text="my order is A-1", id="s:one"),
        CustomerPressed(text="Yes", id="s:two", button="yes", of="m1"),
        CustomerEdited(text="my order is A-2", id="s:three", of="s:one"),
        StaffSaid(text="On it", id="1700.1", name="Sara"),
        StaffSaid(text="On it!", id="1700.1", name="Sara"),
    )
    lines = await visit.history()
    assert [(line["from"], line["text"], line["replaces"]) for line in lines] == [
        ("customer", "my order is A-1", None),
        ("customer", "Yes", None),
        ("customer", "my order is A-2", 1),
        ("staff", "On it", None),
        ("staff", "On it!", 4),
    ]


async def test_a_person_who_takes_over_is_announced_before_their_words_and_the_agent_after_its_own(
    world: World,
) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        assert await stream.event() == ("state", {"owner": "agent", "name": ""})
        await own(world, visit, "staff", "")
        await write(world, visit, AgentSaid(text="I am going to bring in someone"))
        assert (await stream.event())[1]["text"] == "I am going to bring in someone"
        assert await stream.event() == ("state", {"owner": "staff", "name": ""})
        await own(world, visit, "staff", "Sara")
        await write(world, visit, StaffSaid(text="Hi, Sara here", name="Sara"))
        assert await stream.event() == ("state", {"owner": "staff", "name": "Sara"})
        assert (await stream.event())[1]["name"] == "Sara"
        await own(world, visit, "agent", "")
        world.hub.publish(visit.conversation, Changed())
        assert await stream.event() == ("state", {"owner": "agent", "name": ""})
    async with visit.listen(0) as stream:
        assert await stream.event() == ("state", {"owner": "agent", "name": ""})


async def test_a_reader_who_was_away_hears_what_was_said_before_who_has_the_word_now(world: World) -> None:
    visit = await world.visit()
    await write(world, visit, AgentSaid(text="How can I help?"))
    await own(world, visit, "staff", "")
    await write(world, visit, AgentSaid(text="I am going to bring in someone"))
    async with visit.listen(1) as stream:
        assert (await stream.event())[1]["text"] == "I am going to bring in someone"
        assert await stream.event() == ("state", {"owner": "staff", "name": ""})
    await own(world, visit, "staff", "Sara")
    await write(world, visit, StaffSaid(text="Hi, Sara here", name="Sara"))
    async with visit.listen(2) as stream:
        assert await stream.event() == ("state", {"owner": "staff", "name": "Sara"})
        assert (await stream.event())[1]["text"] == "Hi, Sara here"
    async with visit.listen(3) as stream:
        assert await stream.event() == ("state", {"owner": "staff", "name": "Sara"})


async def test_a_new_page_shows_the_last_fifty(world: World) -> None:
    visit = await world.visit()
    await write(world, visit, *(AgentSaid(text=str(number)) for number in range(1, 131)))
    assert texts(await visit.history(None)) == [str(number) for number in range(81, 131)]
    assert texts(await visit.history(0)) == [str(number) for number in range(1, 131)]
    assert texts(await visit.history(127)) == ["128", "129", "130"]
    assert texts(await visit.history(130)) == []
    assert texts(await visit.history(10**17)) == [str(number) for number in range(81, 131)]
    assert texts(await visit.history("")) == texts(await visit.history(None))


@pytest.mark.parametrize("last", ["-1", "abc", "1.5", "1e3", "²", "9" * 19, "0x1", "1 OR 1=1"])
async def test_a_place_to_resume_that_is_none_is_refused(world: World, last: str) -> None:
    visit = await world.visit()
    headers = {"Authorization": f"Bearer {visit.token}", "Last-Event-ID": last}
    async with world.http.get("/web/events", headers=headers) as answer:
        assert answer.status == 400


async def test_words_come_as_they_are_written_and_are_replaced_by_the_message(world: World) -> None:
    gone_on, on_air = asyncio.Event(), asyncio.Event()

    async def take(work: Work, journal: Journal) -> Turn:
        journal.preview(0, "Your order ")
        journal.preview(11, "is\non its way")
        on_air.set()
        await gone_on.wait()
        return Turn(entries=(AgentSaid(text="Your order is on its way."),))

    world.consumer.script = take
    visit = await world.visit()
    async with visit.listen() as stream:
        await visit.send({"id": "1", "text": "where is it?"})
        assert await stream.next("delta") == {"turn": 1, "offset": 0, "text": "Your order "}
        assert await stream.event() == ("delta", {"turn": 1, "offset": 11, "text": "is\non its way"})
        gone_on.set()
        assert (await stream.event())[1]["text"] == "Your order is on its way."
        world.hub.publish(visit.conversation, Preview(1, 0, "late"))
        world.hub.publish(visit.conversation, Discard(1))
        world.hub.publish(visit.conversation, Preview(2, 0, "next"))
        assert await stream.event() == ("delta", {"turn": 2, "offset": 0, "text": "next"})
        world.hub.publish(visit.conversation, Discard(2))
        world.hub.publish(visit.conversation, Typing())
        assert await stream.event() == ("discard", {"turn": 2})
        assert await stream.event() == ("typing", {})
    assert stream.ids == [1, 2]


def delivered(lines: Sequence[Any]) -> list[int]:
    return [line.entry.of for line in lines if line.kind == "delivered"]


async def everything(world: World, visit: Visit) -> list[Any]:
    return await world.tenant.read(log.after, visit.conversation, 0, 10_000)


async def test_what_a_stream_has_shown_is_delivered_once(world: World) -> None:
    visit = await world.visit()
    await visit.say("hello")
    assert delivered(await everything(world, visit)) == []
    async with visit.listen() as one, visit.listen() as two:
        await one.messages_until_quiet(world, visit.conversation)
        await two.messages_until_quiet(world, visit.conversation)
        await write(world, visit, StaffSaid(text="Sara here", id="1700.1", name="Sara"), SystemSaid(text="ok"))
        assert (await one.message("system"))["seq"] == 5
        await one.messages_until_quiet(world, visit.conversation)
        await two.messages_until_quiet(world, visit.conversation)
    await visit.history()
    assert delivered(await everything(world, visit)) == [2, 4, 5]
    await world.settle()
    reports = [work.rows[0].inbound.data for work in world.consumer.works if work.rows[0].inbound.kind == "delivery"]
    assert [(report["of"], report["reason"]) for report in reports] == [(4, "")]


async def test_nothing_is_lost_or_shown_twice_however_often_the_line_is_cut(world: World) -> None:
    count, cuts, dice = 300, 50, random.Random(7)
    visit = await world.visit()
    seen: list[tuple[int, str]] = []

    async def speak() -> None:
        for number in range(count):
            await write(world, visit, HandedOver(reason=str(number)), AgentSaid(text=f"line {number}"))

    async def read(last: int | None, patience: float) -> None:
        async with visit.listen(last) as stream:
            try:
                async with asyncio.timeout(patience):
                    while len(seen) < count:
                        line = await stream.next("message")
                        seen.append((line["seq"], line["text"]))
            except TimeoutError:
                stream.answer.close()

    speaking = asyncio.create_task(speak())
    for _ in range(cuts):
        await read(seen[-1][0] if seen else 0, dice.uniform(0.001, 0.02))
    await speaking
    await read(seen[-1][0] if seen else 0, 10)
    assert [text for _, text in seen] == [f"line {number}" for number in range(count)]
    assert [seq for seq, _ in seen] == sorted({seq for seq, _ in seen})


async def test_conversations_answered_at_once_stay_apart_and_in_order(world: World) -> None:
    visits = [await world.visit() for _ in range(8)]

    async def talk(visit: Visit) -> list[Json]:
        async with visit.listen(0) as stream:
            for number in range(10):
                text = f"{visit.conversation} {number}"
                assert (await visit.send({"id": str(number), "text": text}))[0] == 202
            lines: list[Json] = []
            while sum(line["text"].count("/") + 1 for line in lines if line["from"] == "agent") < 10:
                lines.append(await stream.next("message"))
            return lines

    for visit, lines in zip(visits, await asyncio.gather(*map(talk, visits)), strict=True):
        asked = [line["text"] for line in lines if line["from"] == "customer"]
        assert asked == [f"{visit.conversation} {number}" for number in range(10)]
        assert all(visit.conversation in line["text"] for line in lines)
        assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})


async def test_all_pages_of_one_customer_show_the_same(world: World) -> None:
    phone, laptop = await world.visit(world.identity("ana")), await world.visit(world.identity("ana"))
    async with phone.listen() as here, laptop.listen() as there:
        await phone.send({"id": "1", "text": "hi"})
        for stream in (here, there):
            assert (await stream.message("customer"))["id"] == "1"
            assert (await stream.message("agent"))["text"] == "You said: hi"


async def test_a_revoked_session_loses_its_stream_and_the_others_keep_theirs(world: World) -> None:
    phone, laptop = await world.visit(world.identity("ana")), await world.visit(world.identity("ana"))
    async with phone.listen() as here, laptop.listen() as there:
        assert await world.tenant.write(sessions.end, digest(phone.token))
        await world.web.tick()
        await here.end()
        await write(world, laptop, AgentSaid(text="still here"))
        assert (await there.message("agent"))["text"] == "still here"


async def test_a_revoked_session_hears_nothing_more_even_before_that_is_noticed(world: World) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        await stream.event()
        await world.tenant.write(sessions.end, digest(visit.token))
        await write(world, visit, AgentSaid(text="not for you"))
        with pytest.raises(EOFError):
            await stream.event()


async def test_an_expired_session_loses_its_stream(world: World) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        world.clock.advance(720 * 3600)
        await world.web.tick()
        await stream.end()


async def test_signing_in_as_somebody_else_ends_the_first_ones_stream(world: World) -> None:
    ana = await world.visit(world.identity("ana"))
    async with ana.listen() as stream:
        await world.visit(world.identity("ben"), ana.token)
        await stream.end()


async def test_new_settings_leave_streams_open_until_the_channel_is_switched_off(world: World) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        world.web.reconfigure(settings(allowed_origins=["https://other.example"]))
        await world.web.tick()
        await write(world, visit, AgentSaid(text="still here"))
        assert (await stream.message("agent"))["text"] == "still here"
        world.web.reconfigure(settings(mode="off"))
        await world.web.tick()
        await stream.end()


async def test_closing_the_channel_ends_the_streams_and_lets_nobody_in(world: World) -> None:
    visit = await world.visit()
    await world.web.open()
    async with visit.listen() as stream:
        await world.web.close()
        await stream.end()
        assert not world.hub.listened(visit.conversation)
    assert (await world.sessions({}))[0] == 503


async def test_a_silent_line_is_kept_alive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.web.stream.HEARTBEAT", 0.01)
    visit = await world.visit()
    async with visit.listen() as stream:
        await stream.event()
        assert await stream.block() == [":"]
        assert await stream.block() == [":"]
        await visit.send({"id": "1", "text": "hi"})
        assert (await stream.message("agent"))["text"] == "You said: hi"


async def test_a_missed_hint_costs_seconds_not_a_message(world: World) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        await stream.event()
        await world.tenant.write(log.append, visit.conversation, [AgentSaid(text="from another process")], NOW)
        await world.web.tick()
        assert (await stream.message("agent"))["text"] == "from another process"


async def test_a_reader_who_left_is_noticed(world: World) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        await stream.event()
        assert world.web.status()["streams"] == 1
        stream.answer.close()
    await only(world, 0)
    assert not world.hub.listened(visit.conversation)


async def test_a_reader_who_does_not_read_is_dropped_and_the_others_are_not_held_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.web.stream.PATIENCE", 0.7)
    slow, quick = await world.visit(world.identity("ana")), await world.visit(world.identity("ana"))
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port, limit=1024)
    writer.write(f"GET /web/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {slow.token}\r\n\r\n".encode())
    await reader.readline()
    async with quick.listen() as stream:
        for number in range(150):
            await write(world, quick, AgentSaid(text=f"{number} " + "x" * 60_000))
            assert (await stream.message("agent"))["text"].startswith(f"{number} ")
        await only(world, 1)
    writer.close()


async def test_a_session_that_opens_ever_more_streams_loses_its_oldest(world: World) -> None:
    visit = await world.visit()
    headers = {"Authorization": f"Bearer {visit.token}"}
    answers = [await world.http.get("/web/events", headers=headers) for _ in range(21)]
    await Listener(answers[0]).end()
    assert world.web.status()["streams"] == 20
    for answer in answers:
        answer.close()


async def test_one_address_holds_so_many_streams(world: World) -> None:
    world.web.reconfigure(settings(streams_per_address=1))
    visit = await world.visit()
    headers = {"Authorization": f"Bearer {visit.token}"}
    async with visit.listen(), world.http.get("/web/events", headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "10")


async def test_a_line_of_buttons(world: World) -> None:
    world.consumer.script = said(AgentSaid(text="Shall I?", buttons=({"id": "yes", "label": "Yes"},)))
    visit = await world.visit()
    await visit.say("hi")
    assert (await visit.history())[-1]["buttons"] == [{"id": "yes", "label": "Yes"}]
