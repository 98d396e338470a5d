"""Updates that are fetched: on the disk before they are confirmed, in order, and none of them holds the others up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from channels.telegram.polling import Polling
from demo.telegram import ANA, JONAS
from demo.telegram.courier import Update, Webhook
from tests.channels.telegram_bot.test_incoming import update
from tests.channels.telegram_bot.world import World, opened


async def until(done: Callable[[], object], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not done():  # noqa: ASYNC110 - the loop that is watched has no event for it
            await asyncio.sleep(0.005)


def keys(world: World) -> list[str]:
    return list(dict.fromkeys(one.key for one in world.agent.took))


async def test_what_is_fetched_is_answered_and_confirmed(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling") as world:
        await world.telegram.say(ANA, "one")
        await world.telegram.say(JONAS, "eins")
        await world.telegram.say(ANA, "two")
        await until(lambda: len(world.telegram.courier.delivered) == 3)
        await world.settle()
        assert [one.text for one in world.agent.took if one.address.peer == str(ANA)][:1] == ["one"]
        assert set(keys(world)) == {f"message:{ANA}:1", f"message:{ANA}:2", f"message:{JONAS}:1"} | (
            {f"message:{ANA}:3"} & set(keys(world))
        )
        assert not world.telegram.courier.waiting


async def test_a_webhook_that_is_set_is_taken_away_and_what_waits_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling", mode="off") as world:
        world.telegram.courier.webhook = Webhook("http://127.0.0.1:1/nobody")
        world.telegram.courier.waiting.append(Update(update(text="Hello", message_id=5), ANA, world.clock.now + 1000))
        world.telegram.chat(ANA)
        world.channel.reconfigure(world.channel.settings.model_copy(update={"mode": "live"}))
        await until(lambda: world.telegram.courier.delivered)
        await world.settle()
        assert (world.telegram.courier.webhook.url, keys(world)) == ("", ["message:10001:5"])


async def test_nothing_is_confirmed_that_is_not_stored(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling") as world:
        world.intake.close()
        await world.telegram.say(ANA, "one")
        await until(lambda: world.channel.status()["counts"].get("polling_refused"))
        assert (len(world.telegram.courier.waiting), world.telegram.courier.delivered) == (1, [])


async def test_one_that_nobody_can_read_holds_nobody_up(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling") as world:
        world.telegram.courier.seen.clear()
        for content in ({"message_id": "x"}, {"chat": 7}, "text"):
            await world.telegram.tell("message", content, 1)  # type: ignore[arg-type]
        await world.telegram.say(ANA, "one")
        await until(lambda: len(world.telegram.courier.delivered) == 4)
        await world.worker.idle()
        assert keys(world) == [f"message:{ANA}:1"]
        assert world.channel.status()["counts"]["unreadable"] == 3


async def test_switched_off_it_asks_for_nothing_and_switched_on_it_misses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling") as world:
        await until(lambda: world.telegram.polling is not None)
        world.channel.reconfigure(world.channel.settings.model_copy(update={"mode": "off"}))
        await asyncio.sleep(0)
        await world.telegram.say(ANA, "meanwhile")
        assert len(world.telegram.courier.waiting) == 1
        assert keys(world) == []
        world.channel.reconfigure(world.channel.settings.model_copy(update={"mode": "live"}))
        await until(lambda: keys(world))
        assert keys(world) == [f"message:{ANA}:1"]


async def test_what_comes_again_after_a_restart_is_recorded_once(tmp_path: Path) -> None:
    async with opened(tmp_path, updates="polling") as world:
        told = await world.telegram.say(ANA, "one")
        await until(lambda: world.telegram.courier.delivered)
        again = Polling(world.channel._client, world.channel._endpoint, world.channel._may_poll, hold=0)
        world.telegram.courier.waiting.append(world.telegram.courier.delivered[0])
        again.set(True)
        await until(lambda: world.channel.status()["counts"].get("duplicate"))
        await again.close()
        await world.worker.idle()
        assert keys(world) == [f"message:{ANA}:{told.id}"]
