"""Notices that the operator changed a file, and asks for a reload. What is refused leaves everything as it was."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import structlog

from config.problems import Problem, Refused

BLIND = 500  # ms until a change is looked for that came before the notifications did
log = structlog.get_logger()


class Sources(NamedTuple):
    """What the running gateway was made of: single files, and folders with all that is in them."""

    files: tuple[Path, ...]
    folders: tuple[Path, ...] = ()

    def every_file(self) -> Iterator[Path]:
        """The files, there or not, and all that is in the folders."""
        yield from self.files
        for folder in self.folders:
            yield from sorted(folder.rglob("*"))


async def watch(sources: Callable[[], Sources], reload: Callable[[], Awaitable[object]], read_at: float) -> None:
    """Call `reload` whenever what the sources say differs, and on SIGHUP in any case, until cancelled.

    `read_at` is when the first file was read (UNIX seconds): what was changed since then is read again at once.
    `sources` is asked again after every reload, as the files say themselves which others belong to them. `reload`
    raises Refused when the new state is not usable; that is logged with file and line.
    """
    hangup = asyncio.Event()
    with _on_hangup(hangup):  # first of all: until then, SIGHUP ends the process
        seen = await asyncio.to_thread(_fingerprint_then, sources(), read_at)
        while True:
            watched = sources()
            async with contextlib.aclosing(_wakes(watched, hangup)) as wakes:
                async for forced in wakes:
                    before, seen = seen, await asyncio.to_thread(fingerprint, watched)
                    if forced or seen != before:
                        break
            await _reload(reload)


async def _reload(reload: Callable[[], Awaitable[object]]) -> None:
    try:
        await reload()
    except Refused as refused:
        log_problems(refused.problems)
    except Exception:  # whatever it is, the next change is to be noticed
        log.exception("reload_failed", remedy="the old configuration goes on; save the file again, or send SIGHUP")
    else:
        log.info("configuration_reloaded")


def log_problems(problems: Iterable[Problem]) -> None:
    """Say why the old configuration keeps running."""
    for problem in problems:
        log.error(
            "configuration_refused", place=f"{problem.file}:{problem.line}", key=problem.key, problem=str(problem)
        )


def log_warnings(warnings: Iterable[Problem]) -> None:
    """Say what works and is still worth a word."""
    for warning in warnings:
        log.warning("configuration_warning", key=warning.key, problem=str(warning))


def fingerprint(sources: Sources) -> str:
    """A digest of what the sources say; touching a file does not change it."""
    digest = hashlib.sha256()
    for path in sources.every_file():
        digest.update(f"{path}\0".encode())
        with contextlib.suppress(OSError):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _fingerprint_then(sources: Sources, read_at: float) -> str:
    """What the sources said at that time; "" when one was changed since."""
    found = fingerprint(sources)  # first: what changes between this and the look at the times is not taken for known
    return "" if any(_changed_at(file) >= read_at for file in sources.every_file()) else found


def _changed_at(file: Path) -> float:
    """When it was changed; 0 for a file that is not there."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


async def _wakes(sources: Sources, hangup: asyncio.Event) -> AsyncGenerator[bool]:
    """One item at first and whenever something may have changed; True when a person asked by SIGHUP."""
    stop, wake = asyncio.Event(), asyncio.Event()
    wake.set()
    watchers = [asyncio.create_task(_notice(*group, wake, stop)) for group in _groups(sources)]
    try:
        while True:
            waits = [asyncio.create_task(event.wait()) for event in (hangup, wake)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            forced = hangup.is_set()
            hangup.clear()
            wake.clear()
            yield forced
    finally:
        stop.set()
        await asyncio.gather(*watchers)


def _groups(sources: Sources) -> Iterator[tuple[set[Path], frozenset[str], bool]]:
    """(folders to watch, names that matter there – none: all, with what is below).

    Folders and not files are watched, since editors replace files and Kubernetes swaps a link (`..data`) beside them.
    """
    real = {file.resolve() for file in sources.files}
    folders = {path.parent for path in (*sources.files, *real) if path.parent.is_dir()}
    yield folders, frozenset(path.name for path in (*sources.files, *real)), False
    if trees := {folder for folder in sources.folders if folder.is_dir()}:
        yield trees, frozenset(), True


async def _notice(
    folders: set[Path], names: frozenset[str], deep: bool, wake: asyncio.Event, stop: asyncio.Event
) -> None:
    await asyncio.to_thread(import_module, "watchfiles")
    from watchfiles import Change, awatch

    def matters(_: Change, path: str) -> bool:
        name = Path(path).name
        return not names or name in names or name.startswith("..")

    watching = awatch(
        *folders, watch_filter=matters, stop_event=stop, recursive=deep, debounce=200, step=50, rust_timeout=BLIND,
        yield_on_timeout=True,
    )  # fmt: skip
    blind = True  # until it watches, changes go unnoticed: once it does, they are looked for
    try:
        async for changes in watching:
            if changes or blind:
                wake.set()
            blind = False
    except (OSError, RuntimeError) as error:
        log.warning("files_are_not_watched", reason=str(error), remedy="send SIGHUP after a change")


@contextlib.contextmanager
def _on_hangup(hangup: asyncio.Event) -> Iterator[None]:
    """SIGHUP sets the event, where the platform has the signal and we are on the main thread."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGHUP, hangup.set)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
