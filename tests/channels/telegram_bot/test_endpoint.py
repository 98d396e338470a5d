"""Forged, broken, repeated and foreign calls: each gets its answer, and only Telegram's own are stored."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus.message import Button
from channels.telegram import buttons
from channels.telegram.settings import Settings
from demo.telegram import ANA, JONAS
from tests.channels.telegram_bot.test_incoming import GROUP, update
from tests.channels.telegram_bot.world import World, opened, settings
from tests.support.telegram import SECRET, TOKEN

MUTATIONS = int(os.environ.get("TELEGRAM_MUTATIONS", "1500"))
HELLO = json.dumps(update(text="Hello")).encode()


@pytest.mark.parametrize("secret", ["", None, []])
def test_b1_no_webhook_without_a_secret(secret: object) -> None:
    with pytest.raises(ValueError, match="webhook_secret is empty"):
        settings(webhook_secret=secret)
    assert settings(webhook_secret=secret, updates="polling").webhook_secrets == []


async def test_while_polling_nobody_may_call(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling") as world:
        assert [await world.post(HELLO, secret) for secret in (None, b"", SECRET.encode())] == [401, 401, 401]


async def test_while_the_secret_is_changed_both_verify(tmp_path: Path) -> None:
    async with opened(tmp_path, webhook_secret=["new-secret", SECRET]) as world:
        assert [await world.post(HELLO, secret) for secret in (b"new-secret", SECRET.encode(), b"old")] == [
            200,
            200,
            401,
        ]


async def test_b6_what_is_not_enabled_is_acknowledged_and_dropped(world: World) -> None:
    assert await world.post(json.dumps(update(chat=GROUP, text="hi")).encode()) == 200
    await world.worker.idle()
    assert world.agent.took == []
    assert world.channel.status()["counts"] == {"dropped": 1}


async def question(world: World, person: int = ANA, **where: Any) -> Any:
    """A message of the bot with two buttons below it."""
    world.agent.buttons = (Button("yes", "Yes"), Button("no", "No"))
    await world.telegram.say(person, "pay", **where)
    await world.settle()
    return world.telegram.by_bot(where.get("chat", person))[-1]


async def test_a_press_says_which_button_of_which_line(world: World) -> None:
    asked = await question(world)
    await world.telegram.press(ANA, asked, "Yes")
    await world.settle()
    press = world.agent.took[-1]
    assert (press.kind, press.key, press.button, press.text) == ("press", f"press:{ANA}:{asked.id}", "yes", "Yes")
    (said,) = [
        line
        for line in await world.lines(await world.conversation(ANA))
        if line.kind() == "agent_said" and line.text == "pay"
    ]
    assert said.buttons[0] == {"id": "yes", "label": "Yes"}
    assert press.data["of"] > 0


async def test_b8_forged_and_foreign_presses_have_no_effect(world: World) -> None:
    asked, others = await question(world), await question(world, JONAS)
    before = len(world.agent.took)
    data = asked.buttons["Yes"]
    line, place, proof = data.split(".")
    forged = ["yes", "", f"{line}.1.{proof}", f"{int(line) + 1}.{place}.{proof}", f"{line}.{place}.{'0' * 32}", data + "0",
              others.buttons["Yes"], f"{line}.{place}.{proof.upper()}x", "٣.0." + proof, "9" * 64]  # fmt: skip
    for wanted in forged:
        await world.telegram.press(ANA, asked, "Yes", data=wanted or "\x00")
    await world.settle()
    assert len(world.agent.took) == before
    assert world.channel.status()["counts"]["press_refused"] == len(forged)


async def test_b7_another_member_of_the_group_is_not_the_customer(tmp_path: Path) -> None:
    async with opened(tmp_path, groups=True) as world:
        world.telegram.group(-1001)
        asked = await question(world, chat=-1001)
        await world.telegram.press(JONAS, asked, "Yes")
        await world.telegram.say(JONAS, "yes, refund", chat=-1001)
        await world.settle()
        assert [(one.kind, one.address.peer) for one in world.agent.took] == [
            ("message", f"-1001:{ANA}"),
            ("message", f"-1001:{JONAS}"),
        ]
        await world.telegram.press(ANA, asked, "Yes")
        await world.settle()
        assert (world.agent.took[-1].kind, world.agent.took[-1].sender.id) == ("press", str(ANA))


async def test_a_second_press_of_a_message_changes_nothing(world: World) -> None:
    asked = await question(world)
    yes, no = asked.buttons.values()
    for data in (yes, no, yes):
        await world.telegram.press(ANA, asked, "", data=data)
    await world.settle()
    assert [one.button for one in world.agent.took if one.kind == "press"] == ["yes"]


def test_what_a_button_carries_fits_and_tells_nothing(world: World) -> None:
    data = buttons.data(TOKEN, world.chat("-1001234567890123:99999999999999"), 10**17, 99)
    assert len(data.encode()) <= 64
    assert TOKEN.partition(":")[2] not in data


async def test_b10_a_name_stays_what_it_is(world: World) -> None:
    sender = {"id": ANA, "is_bot": False, "first_name": '</b><a href="tg://user?id=1">'}
    assert await world.post(json.dumps(update(text="hi", **{"from": sender})).encode()) == 200
    await world.worker.idle()
    assert world.agent.took[0].sender.name == '</b><a href="tg://user?id=1">'


def mutated(random_: random.Random, secret: bytes) -> bytes:
    """The secret with something else about it, as a header can carry it."""
    changes: list[Callable[[bytes], bytes]] = [
        lambda text: text[: random_.randrange(len(text))],
        lambda text: text + bytes([random_.randrange(0x21, 0x100)]),
        lambda text: bytes([random_.randrange(0x21, 0x100)]) + text,
        lambda text: text.swapcase(),
        lambda text: text[::-1],
        lambda text: bytes(random_.randrange(0x21, 0x100) for _ in range(random_.randrange(1, 300))),
    ]
    at = random_.randrange(len(secret))
    changes.append(lambda text: text[:at] + bytes([text[at] ^ (1 << random_.randrange(1, 8)) | 0x21]) + text[at + 1 :])
    found = random_.choice(changes)(secret).replace(b"\x7f", b"~")
    return found if found.strip() != secret else b"no"


async def test_forged_calls_are_never_accepted(world: World) -> None:
    random_ = random.Random(7)
    statuses = await many(world, [(HELLO, mutated(random_, SECRET.encode())) for _ in range(MUTATIONS)])
    assert world.channel.status()["counts"].get("accepted", 0) == 0
    assert len(statuses) == MUTATIONS
    assert set(statuses) <= {400, 401}  # 400: bytes that no header may hold, which the server refuses by itself
    assert statuses.count(401) > MUTATIONS * 0.9


async def test_broken_bodies_are_never_an_error_of_ours(world: World) -> None:
    random_ = random.Random(8)
    bodies = [broken(random_, HELLO) for _ in range(MUTATIONS)]
    statuses = await many(world, [(body, SECRET.encode()) for body in bodies])
    assert set(statuses) <= {200, 400}
    readable = [_is_json(body) for body in bodies]
    assert len(statuses) == MUTATIONS
    assert all(status == 400 for status, fine in zip(statuses, readable, strict=True) if not fine)


async def many(world: World, calls: list[tuple[bytes, bytes]]) -> list[int]:
    gate = asyncio.Semaphore(32)

    async def one(body: bytes, secret: bytes) -> int:
        async with gate:
            return await world.post(body, secret)

    return await asyncio.gather(*(one(*call) for call in calls))


def broken(random_: random.Random, body: bytes) -> bytes:
    """A body with a few bytes changed, lost, doubled, or another value where one stood."""
    changed = bytearray(body)
    for _ in range(random_.randrange(1, 5)):
        at = random_.randrange(len(changed))
        match random_.randrange(4):
            case 0:
                changed[at] = random_.randrange(256)
            case 1:
                del changed[at : at + random_.randrange(1, 20)]
            case 2:
                changed[at:at] = changed[at : at + 10]
            case _:
                changed = bytearray(bytes(changed).replace(b"10001", random_.choice(VALUES), 1))
        changed = changed or bytearray(b"x")
    return bytes(changed)


VALUES = (b"null", b"-1", b"1e999", b'"x"', b"[]", b"{}", b"99999999999999999999999999", b"true", b"0.5", b"NaN")


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body.decode()), dict)
    except (ValueError, RecursionError):
        return False


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"token": "abc"}, "is not a bot's token"),
        ({"webhook_secret": "not allowed!"}, "A-Z a-z 0-9 _ -"),
        ({"api_base": "api.telegram.org"}, "https://api.telegram.org"),
        ({"commands": {"Start!": "x"}}, "a-z 0-9 _"),
        ({"updates": "pigeon"}, "webhook"),
    ],
)
def test_a_wrong_section_says_what_is_wrong(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        settings(**changed)


def test_no_secret_is_printed() -> None:
    made: Settings = settings()
    assert TOKEN not in repr(made)
    assert SECRET not in repr(made)
