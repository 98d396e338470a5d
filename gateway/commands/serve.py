"""Serving: `gateway run` for real, `gateway demo` to look at it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.opened import configured
from gateway.commands.voice import HERE, Config, Failed, say

if TYPE_CHECKING:
    from config.settings import Loaded

Serving = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def mount(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)
    app.command()(run)


def demo(
    port: Annotated[int, typer.Option(help="Where to; the next free one when it is taken.")] = 8080,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Where its state is kept.")] = Path(".gateway-demo"),
) -> None:
    """Serve a shop with the widget, a desk and a log, all on this machine: no key, no network, no question."""
    from gateway import lean, logs

    lean.begin()
    from gateway.demo import serve

    logs.configure("warning")
    until_stopped(lambda stop: serve(port, data.absolute(), stop, say))


def run(
    config: Config = HERE,
    host: Annotated[str, typer.Option(help="Instead of listen.host.")] = "",
    port: Annotated[int, typer.Option(help="Instead of listen.port; 0: any free one.")] = -1,
    no_migrate: Annotated[bool, typer.Option("--no-migrate", help="Refuse a store of an older shape.")] = False,
) -> None:
    """Serve. The store is brought to the present shape first."""
    from gateway import lean

    lean.begin()
    given = {("listen", "host"): host or None, ("listen", "port"): port if port >= 0 else None}
    loaded = configured(config, {key: value for key, value in given.items() if value is not None})
    _prepared(loaded)
    try:
        until_stopped(lambda stop: _served(loaded, stop, migrating=not no_migrate))
    except OSError as error:
        raise _port_taken(loaded, error) from error


async def _served(loaded: Loaded, stop: asyncio.Event, *, migrating: bool) -> None:
    from gateway import app

    await app.serve(loaded, stop, migrating=migrating, said=_listening)


def _prepared(loaded: Loaded) -> None:
    from config.watch import log_warnings
    from gateway import logs

    log = loaded.checked().log
    logs.configure(log.level, log.format, secrets=loaded.secrets())
    loaded.environment.export(os.environ)
    log_warnings(loaded.warnings)


def _listening(url: str) -> None:
    import structlog

    if sys.stdout.isatty():
        say(f"✔ {url} · Ctrl+C stops", "green")
    structlog.get_logger().info("serving", url=url)


def _port_taken(loaded: Loaded, error: OSError) -> Exception:
    """The error as a person can use it."""
    listen = loaded.checked().listen
    place = f"port {listen.port} of {listen.host}"
    if error.errno == errno.EADDRINUSE:
        return Failed(f"{place} is taken", f"stop what serves there, or: gateway run --port {listen.port + 1}")
    if error.errno == errno.EACCES:
        return Failed(f"{place} needs more rights", "use one above 1023 behind your reverse proxy")
    if error.errno in {errno.EADDRNOTAVAIL, None} or error.errno < 0:
        return Failed(f"{listen.host} is no address of this machine", "set listen.host to 127.0.0.1 or 0.0.0.0")
    return error


def until_stopped(serving: Serving) -> None:
    """Run until SIGINT or SIGTERM; the first lets work finish, a second SIGINT ends at once."""
    from gateway import lean

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_stopped(serving))
    lean.leave()


async def _until_stopped(serving: Serving) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stopping() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping)
    await serving(stop)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
