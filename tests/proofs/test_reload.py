"""Changed files take effect while the gateway serves; a bad one changes nothing and is named with its line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Unavailable
from bus.seal import Seal
from channels.files.shelf import Kept
from config.watch import watch
from demo.slack.people import BEN, LENA
from tests.proofs.stage import Stage, change, lived, staged, surroundings
from tests.support.visitor import Visitor


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Stage]:
    """A gateway that notices what its operator changes."""
    async with staged(folder) as stage:
        gateway = stage.running.gateway
        watching = asyncio.create_task(watch(gateway.sources, gateway.reload, gateway.loaded.read_at))
        try:
            yield stage
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching


def configure(stage: Stage, before: str, after: str) -> None:
    """Change the text of `gateway.yaml`, as editors do: a new file in the old one's place."""
    text = stage.config.read_text()
    assert before in text
    fresh = stage.config.with_suffix(".new")
    fresh.write_text(text.replace(before, after))
    fresh.chmod(0o600)
    fresh.replace(stage.config)


async def until(holds: Callable[[], Awaitable[bool]], within: float = 15.0) -> None:
    """Wait for a file to be noticed."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - what an operator saves has no event here
            await asyncio.sleep(0.02)


async def arrival(stage: Stage, origin: str = "") -> int:
    """The status of somebody's arrival."""
    headers = {"Origin": origin} if origin else {}
    async with stage.running.http.post(f"{stage.url}/web/sessions", json={}, headers=headers) as answer:
        return answer.status


async def test_a_channel_is_switched_off_and_on(tmp_path: Path) -> None:
    async with watched(tmp_path) as stage:
        visitor = await stage.visitor()
        await visitor.say("where is my order X-1")
        await visitor.hears("agent")
        configure(stage, "mode: live", "mode: 'off'")
        await until(lambda: _is(arrival(stage), 503))
        assert await visitor.post({"id": "m-9", "text": "where is my order X-2"}) == 503
        configure(stage, "mode: 'off'", "mode: live")
        await until(lambda: _is(arrival(stage), 201))
        assert await visitor.post({"id": "m-9", "text": "where is my order X-2"}) == 202
        await visitor.sees(lambda item: "X-2 is paid" in item["text"])
        await visitor.leave()


async def _is(asked: Awaitable[int], status: int) -> bool:
    return await asked == status


async def test_origins_change(tmp_path: Path) -> None:
    async with watched(tmp_path) as stage:
        assert await arrival(stage, "https://shop.example.com") == 403
        configure(stage, "mode: live,", 'mode: live, allowed_origins: ["https://shop.example.com"],')
        await until(lambda: _is(arrival(stage, "https://shop.example.com"), 201))
        assert await arrival(stage, "https://evil.example.com") == 403


async def test_approvers_change(tmp_path: Path) -> None:
    async with watched(tmp_path) as stage:
        visitor = await stage.visitor()
        await visitor.say("please refund my order X-1")
        card = await stage.approval(visitor)
        before = stage.running.gateway.loaded
        configure(stage, f", {LENA}]", f", {BEN}]")
        await until(lambda: _true(stage.running.gateway.loaded is not before))
        await stage.slack.press(LENA, card.ts, "approve")
        await stage.settle()
        assert not stage.orders.effects
        await stage.slack.press(BEN, card.ts, "approve")
        await stage.settle()
        assert stage.orders.effects["X-1"] == 1
        await visitor.leave()


async def _true(value: bool) -> bool:
    return value


async def test_a_threshold_of_the_spec_changes(tmp_path: Path) -> None:
    async with watched(tmp_path) as stage:
        visitor = await stage.visitor()
        await visitor.say("where is my order X-1")
        assert "X-1 is paid" in (await visitor.hears("agent"))["text"]
        before = stage.running.gateway.specs.live.version
        change(stage.config, lambda text: text.replace("{send: 0.0, flag: 0.0}", "{send: 1.0, flag: 1.0}"))
        await until(lambda: _true(stage.running.gateway.specs.live.version != before))
        await visitor.say("where is my order X-2")
        await stage.settle()
        assert await _reason(stage, visitor) == "low_confidence"
        await visitor.leave()


async def _reason(stage: Stage, visitor: Visitor) -> str:
    return next(str(line.body["reason"]) for line in stage.lines(visitor) if line.kind == "handed_over")


@pytest.mark.parametrize(
    ("file", "before", "after", "place"),
    [
        ("gateway.yaml", "mode: live", "mode: live, mdoe: draft", "gateway.yaml:9"),
        ("agent.yaml", "run: always", "run: sometimes", "agent.yaml:"),
        ("agent.yaml", "name: bench", "name: bench\nknowledge: [nowhere/]", "agent.yaml:2"),
        ("agent.yaml", "intents: [order_status]", "intents: [order_sttus]", "agent.yaml:"),
    ],
)
async def test_a_bad_file_changes_nothing_and_is_named_with_its_line(
    tmp_path: Path, logged: list[Any], file: str, before: str, after: str, place: str
) -> None:
    async with watched(tmp_path) as stage:
        old = stage.running.gateway.loaded, stage.running.gateway.specs.live.version
        assert await arrival(stage) == 201
        bad = tmp_path / file
        bad.write_text(bad.read_text().replace(before, after))
        await until(lambda: _true(any(line["event"] == "configuration_refused" for line in logged)))
        refused = next(line for line in logged if line["event"] == "configuration_refused")
        assert place in refused["place"]
        assert refused["place"].rpartition(":")[2].isdecimal()
        assert (stage.running.gateway.loaded, stage.running.gateway.specs.live.version) == old
        visitor = await stage.visitor()
        await visitor.say("where is my order X-1")
        await visitor.hears("agent")
        await visitor.leave()


async def test_whatever_goes_wrong_in_a_reload_the_next_change_is_noticed(tmp_path: Path, logged: list[Any]) -> None:
    async with watched(tmp_path) as stage:
        specs = stage.running.gateway.specs
        before, load = specs.live.version, specs.load

        async def down(*args: Any, **more: Any) -> Any:
            specs.load = load  # type: ignore[method-assign]
            raise Unavailable("the disk is full")

        specs.load = down  # type: ignore[method-assign]
        change(stage.config, lambda text: text.replace("{send: 0.0, flag: 0.0}", "{send: 0.9, flag: 0.0}"))
        await until(lambda: _true(any(line["event"] == "reload_failed" for line in logged)))
        assert specs.live.version == before
        change(stage.config, lambda text: text.replace("{send: 0.9, flag: 0.0}", "{send: 1.0, flag: 1.0}"))
        await until(lambda: _true(specs.live.version != before))


async def test_a_desk_that_comes_while_it_serves_needs_a_restart_and_is_said_so(
    tmp_path: Path, logged: list[Any]
) -> None:
    async with surroundings(tmp_path) as (outside, config):
        whole = config.read_text()
        config.write_text("".join(line for line in whole.splitlines(True) if not line.startswith(("desk:", "slack:"))))
        async with lived(outside, config) as stage:
            assert "desk" not in stage.running.gateway.channels
            config.write_text(whole)
            await stage.running.gateway.reload()
            assert "desk" not in stage.running.gateway.channels
            asked = [line["keys"] for line in logged if line["event"] == "configuration_needs_restart"]
            assert "desk" in asked


async def test_a_changed_public_url_is_the_origin_and_the_address_of_files_from_now_on(tmp_path: Path) -> None:
    async with watched(tmp_path) as stage:
        assert await arrival(stage, "https://new.example.com") == 403
        stage.config.write_text(f"public_url: https://new.example.com\n{stage.config.read_text()}")
        await until(lambda: _is(arrival(stage, "https://new.example.com"), 201))
        shelf = stage.running.gateway.assembly.shelf
        assert shelf.link(Kept("0" * 40, "photo.png", "image/png", 1)).startswith("https://new.example.com/files/0000")


async def test_a_changed_key_seals_for_whoever_was_lent_the_seal_at_the_start(tmp_path: Path) -> None:
    async with watched(tmp_path) as stage:
        gateway, fresh = stage.running.gateway, "a-fresh-secret-key-of-the-tests-0123456789"
        lent = gateway.assembly._lent()
        old = [secret.get_secret_value() for secret in gateway.settings.secret_key]
        before = lent.seal.seal("token")
        configure(stage, f"secret_key: {old[0]}", f"secret_key: [{fresh}, {old[0]}]")
        await until(lambda: _true(len(gateway.settings.secret_key) == 2))
        assert lent.seal.open(before) == "token"
        assert Seal([fresh]).open(lent.seal.seal("token")) == "token"


async def test_what_is_opened_at_the_start_needs_a_restart_and_is_said_so_by_name(
    tmp_path: Path, logged: list[Any]
) -> None:
    async with staged(tmp_path) as stage:
        stage.config.write_text(f"files: elsewhere\n{stage.config.read_text()}")
        await stage.running.gateway.reload()
        (asked,) = [line["keys"] for line in logged if line["event"] == "configuration_needs_restart"]
        assert asked == "files"
