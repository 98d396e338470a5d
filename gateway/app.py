"""The composition root: what is made of what, and in which order it starts, changes and ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from aiohttp import web

from bus.accept import Intake
from bus.channel import Channel
from bus.consumer import Consumer, ConsumerName
from bus.figures import Figures
from bus.message import Conversation
from bus.outbox import Sender
from bus.store import open_store
from bus.store.recovery import recover
from bus.store.sqlite import SqliteStore
from bus.wake import Hub
from bus.work import Worker
from config.settings import Loaded, Settings
from config.watch import Sources, log_warnings, watch
from gateway import api, lean, metrics, server
from gateway.assembly import Assembly
from gateway.ids import clock as real_clock
from gateway.ids import new_id as real_id
from gateway.specs import Specs

TENANT = "default"
PATIENCE = 15.0
AT_START = ("store", "files", "listen")
log = structlog.get_logger(__name__)


class Gateway:
    """The process: composed by `open`, started by `start`, ended by `close`. `app` is served by whoever opened it."""

    def __init__(
        self,
        loaded: Loaded,
        store: SqliteStore,
        clock: Callable[[], int],
        new_id: Callable[[str], str],
        link: Callable[[str], str] | None = None,
    ) -> None:
        self.settings: Settings = loaded.checked()
        self.loaded = loaded
        self.store = store
        self.clock = clock
        self.new_id = new_id
        self.tenant = store.tenant(TENANT)
        self.link = link or (lambda conversation: f"{self.settings.url}/api/v1/conversations/{conversation}/log")
        self.hub = Hub()
        self.figures = Figures()
        self.channels: dict[str, Channel] = {}
        self.pull: set[str] = set()
        self.consumers: dict[ConsumerName, Consumer] = {}
        self.specs = Specs(self.tenant, clock)
        self.worker = Worker(
            self.tenant,
            self.consumers,
            owner=new_id("p"),
            clock=clock,
            new_id=new_id,
            hub=self.hub,
            pull=self.pull,
            send=lambda post: self.sender.post(post),  # noqa: PLW0108 - made below, since it nudges the worker
            thinking=self._thinking,
        )
        self.sender = Sender(
            self.tenant, self.channels, clock=clock, new_id=new_id, done=self.worker.nudge, figures=self.figures
        )
        self.intake = Intake(self.tenant, self.worker, self.channels, clock=clock, new_id=new_id)
        self.assembly = Assembly(self)
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = False

    def _thinking(self, conversation: Conversation) -> None:
        channel = self.channels.get(conversation.address.channel)
        if channel is not None and channel.mode == "live":
            channel.thinking(conversation.id, conversation.address)

    @classmethod
    async def open(
        cls,
        loaded: Loaded,
        *,
        migrating: bool = True,
        clock: Callable[[], int] = real_clock,
        new_id: Callable[[str], str] = real_id,
        link: Callable[[str], str] | None = None,
    ) -> Gateway:
        """Compose everything and open the store. `link` gives people the page of a conversation's log.

        Raises Refused for a bad configuration, Unavailable for a store in use.
        """
        settings = loaded.checked()
        gateway = cls(loaded, open_store(settings.store, migrating=migrating), clock, new_id, link)
        try:
            await gateway.tenant.write(recover)
            await gateway.assembly.build(loaded)
        except BaseException:
            await gateway.close()
            raise
        return gateway

    def routes(self) -> list[web.AbstractRouteDef]:
        """Everybody's routes."""
        tokens = lambda: [token.get_secret_value() for token in self.settings.operator_token]  # noqa: E731
        found: list[web.AbstractRouteDef] = [
            *api.Api(self.tenant, tokens, self.assembly).routes(),
            metrics.route(self.figures, self.tenant, self.clock),
            *self.assembly.shelf.routes(),
        ]
        for served in (self.assembly.slack, *self.channels.values()):
            found.extend(served.routes() if served else ())
        return found

    def application(self, *more: web.AbstractRouteDef) -> web.Application:
        """The HTTP application. `more` are routes of whoever embeds the gateway (the demo's pages)."""
        return server.application([*self.routes(), *more], self.figures, self.ready)

    async def ready(self) -> bool:
        """True when a message can be accepted and kept."""
        return self._ready and await self.store.healthy()

    async def start(self, *, watching: bool = True) -> None:
        """Open the channels and begin to sweep."""
        for opened in (self.assembly.slack, *self.channels.values()):
            if opened is not None:
                await opened.open()
        runs: dict[str, Coroutine[Any, Any, None]] = {
            "worker": self.worker.run(), "sender": self.sender.run(), "intake": self.intake.run()
        }  # fmt: skip
        if watching:
            runs["watch"] = watch(self.sources, self.reload, self.loaded.read_at)
        self._tasks = [asyncio.create_task(run, name=name) for name, run in runs.items()]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        self._ready = True

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What runs as long as the process has ended by itself: nobody is served any more, and whoever watches us should know."""
        if not task.cancelled() and task.exception() is not None:
            log.critical("gateway.stopped_working", what=task.get_name(), exc_info=task.exception())
            self._ready = False

    def sources(self) -> Sources:
        """The files this process was made of."""
        spec = self.settings.agent.spec
        folders = tuple(spec.parent / folder for folder in self.specs.live.spec.knowledge)
        return Sources((self.loaded.document.path, spec, self.loaded.document.path.parent / ".env"), folders)

    async def reload(self) -> None:
        """Read the files again and swap the parts. Raises Refused, and everything stays as it was."""
        loaded = self.loaded.again()
        settings = loaded.checked()
        log_warnings(loaded.warnings)
        loaded.environment.export(os.environ)
        await self.assembly.rebuild(loaded)
        if changed := [key for key in AT_START if getattr(settings, key) != getattr(self.settings, key)]:
            log.warning("configuration_needs_restart", keys=", ".join(changed), why="they are opened at start")
        self.loaded, self.settings = loaded, settings

    async def drain(self) -> None:
        """Stop intake, then finish or give back what runs (at most 20 s); answers still reach open streams and the desk."""
        self._ready = False
        self.intake.close()
        await self.worker.stop(PATIENCE)
        await self.sender.stop()
        for channel in self.channels.values():
            await channel.close()

    async def close(self) -> None:
        """Drain, and let go of the store."""
        await self.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.assembly.close()
        await self.store.close()


async def serve(
    loaded: Loaded,
    stop: asyncio.Event,
    *more: web.AbstractRouteDef,
    migrating: bool = True,
    said: Callable[[str], None] = print,
    link: Callable[[str], str] | None = None,
) -> None:
    """Serve until `stop` is set. Raises OSError when the port is taken."""
    gateway = await Gateway.open(loaded, migrating=migrating, link=link)
    try:
        listen = gateway.settings.listen
        served = await server.Served.listen(gateway.application(*more), listen.host, listen.port)
        try:
            await gateway.start()
            said(f"http://{listen.host}:{served.port}")
            await asyncio.to_thread(gateway.assembly.warm)
            lean.settle()
            await stop.wait()
        finally:
            await gateway.drain()
            await served.close()
    finally:
        await gateway.close()
