"""Noticing changed files: real files, real notifications."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from structlog.testing import capture_logs

from config.problems import Problem, Refused
from config.watch import Sources, fingerprint, watch

PATIENCE = 5.0


class Reloads:
    """Counts reloads and lets a test wait for the next; `refusal` makes them fail."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[None] = asyncio.Queue()
        self.refusal: Refused | None = None

    async def __call__(self) -> None:
        self.queue.put_nowait(None)
        if self.refusal:
            raise self.refusal

    async def one(self) -> None:
        await asyncio.wait_for(self.queue.get(), PATIENCE)


@contextlib.asynccontextmanager
async def watching(sources: Sources) -> AsyncIterator[Reloads]:
    """A running watch that is known to be awake: it has answered a first SIGHUP."""
    reloads, awake = Reloads(), asyncio.Event()

    def asked() -> Sources:
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:
            awake.set()
        return sources

    task = asyncio.create_task(watch(asked, reloads, time.time()))
    await asyncio.wait_for(awake.wait(), PATIENCE)
    os.kill(os.getpid(), signal.SIGHUP)
    await reloads.one()
    try:
        yield reloads
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reloads.queue.empty()


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    knowledge = tmp_path / "knowledge"
    knowledge.mkdir()
    (tmp_path / "gateway.yaml").write_text("a: 1\n")
    return Sources((tmp_path / "gateway.yaml", tmp_path / ".env"), (knowledge,))


async def test_what_was_changed_since_it_was_read_is_read_again(sources: Sources) -> None:
    reloads, read_at = Reloads(), time.time() - 60
    sources.files[0].write_text("a: 2\n")
    os.utime(sources.files[0], (read_at + 1, read_at + 1))
    task = asyncio.create_task(watch(lambda: sources, reloads, read_at))
    await reloads.one()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reloads.queue.empty()


async def test_what_is_changed_while_the_notifications_are_being_set_up_is_noticed(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*folders: Path, **options: Any) -> AsyncIterator[set[Any]]:
        sources.files[0].write_text("a: 2\n")
        async for changes in awatch(*folders, **options):
            yield changes

    awatch = watchfiles.awatch
    monkeypatch.setattr(watchfiles, "awatch", late)
    reloads = Reloads()
    task = asyncio.create_task(watch(lambda: sources, reloads, time.time()))
    await reloads.one()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_changed_file_is_noticed(sources: Sources) -> None:
    async with watching(sources) as reloads:
        sources.files[0].write_text("a: 2\n")
        await reloads.one()


async def test_a_file_that_an_editor_replaces_is_noticed(sources: Sources, tmp_path: Path) -> None:
    async with watching(sources) as reloads:
        new = tmp_path / "gateway.yaml~"
        new.write_text("a: 2\n")
        new.replace(sources.files[0])
        await reloads.one()


async def test_a_file_that_appears_is_noticed(sources: Sources) -> None:
    async with watching(sources) as reloads:
        sources.files[1].write_text("NAME=x\n")
        await reloads.one()


async def test_an_article_deep_in_the_knowledge_is_noticed(sources: Sources) -> None:
    deep = sources.folders[0] / "returns"
    deep.mkdir()
    async with watching(sources) as reloads:
        (deep / "how.md").write_text("# How\n")
        await reloads.one()


async def test_a_swapped_link_is_noticed(tmp_path: Path) -> None:
    for name, text in (("one", "a: 1\n"), ("two", "a: 2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gateway.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "gateway.yaml").symlink_to("..data/gateway.yaml")
    async with watching(Sources((tmp_path / "gateway.yaml",))) as reloads:
        (tmp_path / "..new").symlink_to("two")
        (tmp_path / "..new").replace(tmp_path / "..data")
        await reloads.one()


def test_only_content_counts(sources: Sources, tmp_path: Path) -> None:
    before = fingerprint(sources)
    sources.files[0].touch()
    (tmp_path / "gateway.db").write_text("busy")
    assert fingerprint(sources) == before
    (sources.folders[0] / "empty.md").touch()
    assert fingerprint(sources) != before


async def test_a_refused_change_is_logged_with_its_line_and_watching_goes_on(sources: Sources) -> None:
    async with watching(sources) as reloads:
        with capture_logs() as logs:
            reloads.refusal = Refused([Problem("gateway.yaml", 4, "channels.web", "unknown key")])
            sources.files[0].write_text("a: 2\n")
            await reloads.one()
            reloads.refusal = None
            sources.files[0].write_text("a: 3\n")
            await reloads.one()
    assert (logs[0]["event"], logs[0]["place"]) == ("configuration_refused", "gateway.yaml:4")
