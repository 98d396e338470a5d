"""Which parts there are, made from the configuration and changed with it: channels, desk, relay, agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.request import getproxies

import aiohttp
import msgspec
import structlog

from agent import core, understanding
from agent.knowledge import Knowledge
from agent.models.offline import Offline
from agent.models.port import Model
from agent.replies import TEXTS
from agent.spec import Spec
from agent.tools.http import HttpTools
from agent.tools.mcp import McpServers
from agent.turn import scene
from bus.channel import Channel, Limits, Mode, Person
from bus.message import Attachment
from bus.outbox import SENDS
from bus.seal import Seal
from bus.store import inbox
from channels import markup
from channels.files.courier import Courier
from channels.files.shelf import Shelf
from channels.files.storage import storage
from channels.port import Lent, Reconfigurable, Section
from channels.slack.app import App
from channels.slack.desk import Desk
from channels.slack.settings import DeskSettings, SlackSettings
from config.problems import Refused
from config.settings import Loaded, Settings
from gateway import sections
from gateway.specs import Specs
from handoff.open_turn import Desk as DeskPorts
from handoff.relay import Relay
from handoff.routing import router

if TYPE_CHECKING:
    from gateway.app import Gateway

DESK = "desk"
NOBODY = Limits()
log = structlog.get_logger(__name__)


class Assembly:
    """Builds the parts into the gateway's tables. Everything that may change while running is looked up at each use."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._http: aiohttp.ClientSession | None = None
        self._knowledge: Knowledge | None = None
        self._models: dict[str, Model] = {}
        self._servers = McpServers()
        keys = _secrets(gateway.settings.secret_key)
        self._seal = Seal(keys)
        self._public_url = gateway.settings.url
        self._customers: dict[str, Reconfigurable] = {}
        self._desk: Desk | None = None
        self.slack: App | None = None
        self.shelf = Shelf(storage(gateway.settings.files), keys, self._public_url)
        self._courier = Courier(self.shelf, gateway.channels)

    async def build(self, loaded: Loaded) -> None:
        """Make everything for the first time. Raises Refused."""
        found = _sections(loaded)
        await self._take_spec(loaded, strictly=False)
        proxied = not getproxies().keys().isdisjoint({"http", "https"})  # else aiohttp looks for one at each call
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=proxied)
        self._place_slack(found, starting=True)
        self._place_desk(found, starting=True)
        self._place_channels(found, loaded)
        self._gateway.consumers["agent"] = core.build(self._agent_parts(self._http))

    def warm(self) -> None:
        """Load what the first messages will need, once the port is open and on a thread of its own. Never fails."""
        spec = self._gateway.specs.live.spec
        try:
            understanding.read_built_in(spec, " ".join(spec.intents) or spec.name)
            markup.tree("")
            if self._knowledge is not None:
                self._knowledge.refresh()
        except Exception as error:  # noqa: BLE001 - whoever needs it meets it again, and says what it means there
            log.warning("not_warmed", error=str(error))

    async def rebuild(self, loaded: Loaded) -> None:
        """Take over a changed configuration; nothing changes when it is refused."""
        found = _sections(loaded)
        await self._take_spec(loaded, strictly=True)
        self._models.clear()
        self._take_common(loaded.checked())
        self._place_slack(found, starting=False)
        self._place_desk(found, starting=False)
        self._change_channels(found)

    def _take_common(self, settings: Settings) -> None:
        """What every part is lent, before any of them is changed."""
        keys = _secrets(settings.secret_key)
        self._seal.rekey(keys)
        self._public_url = settings.url
        self.shelf.reconfigure(keys, settings.url)

    async def close(self) -> None:
        """Let go of what the parts share."""
        if self.slack is not None:
            await self.slack.close()
        await self._servers.close()
        if self._http is not None:
            await self._http.close()
        if self._knowledge is not None:
            self._knowledge.close()

    # --- what the agent is lent

    def _agent_parts(self, http: aiohttp.ClientSession) -> scene.Parts:
        gateway = self._gateway
        return scene.Parts(
            specs=LiveSpecs(gateway.specs),
            models=self.model,
            reader=self._reader,
            knowledge=Searching(lambda: self._knowledge),
            tools=HttpTools(http, gateway.clock),
            servers=self._servers,
            mode_of=self._mode_of,
            limits_of=self._limits_of,
            unseal=self._seal.open,
            secrets=lambda: _secrets(gateway.settings.assertion_secret),
            read_file=self._courier.text,
            count=lambda band: gateway.figures.count("gateway_replies", band=band),
        )

    def model(self, name: str) -> Model:
        """The model of a name; "" is the configured one."""
        settings = self._gateway.settings.agent
        wanted = name or settings.model
        if wanted not in self._models:
            self._models[wanted] = _model(
                wanted, settings.api_base, settings.fallbacks if wanted == settings.model else ()
            )
        return self._models[wanted]

    def _reader(self) -> Model | None:
        settings = self._gateway.settings.agent
        return self.model(settings.fast_model or settings.model)

    def _mode_of(self, channel: str) -> Mode:
        found = self._gateway.channels.get(channel)
        return found.mode if found else "live"

    def _limits_of(self, channel: str) -> Limits:
        found = self._gateway.channels.get(channel)
        return found.limits if found else NOBODY

    # --- the spec and what hangs on it

    async def _take_spec(self, loaded: Loaded, *, strictly: bool) -> None:
        settings = loaded.checked()
        live = await self._gateway.specs.load(settings.agent.spec, loaded.environment, strictly=strictly)
        self._take_knowledge(live.spec, settings.agent.spec.parent, settings.store_path)

    def _take_knowledge(self, spec: Spec, folder: Path, store: Path | None) -> None:
        folders = tuple(folder / name for name in spec.knowledge)
        old = self._knowledge
        if old is not None and (old.folders, old.languages) == (folders, tuple(spec.languages)):
            return
        self._knowledge = Knowledge(folders, spec.languages, file=store.with_suffix(".knowledge.db") if store else None)
        if old is not None:
            old.close()

    # --- channels and desk

    def _place_slack(self, found: sections.Sections, *, starting: bool) -> None:
        slack = found.get(("slack",))
        if not isinstance(slack, SlackSettings):
            return
        if self.slack is None and not starting:
            log.warning("configuration_needs_restart", keys="slack", why="its webhooks are mounted at start")
        elif self.slack is None:
            tenant = self._gateway.tenant
            self.slack = App(
                slack, intake=self._gateway.intake, clock=self._gateway.clock, alive=lambda: tenant.read(inbox.latest)
            )
        else:
            self.slack.reconfigure(slack)

    def _place_channels(self, found: sections.Sections, loaded: Loaded) -> None:
        lent = self._lent()
        for name, settings in _of_channels(found).items():
            try:
                self._customers[name] = sections.kind(settings.kind or name).build(name, settings, lent)
            except ValueError as error:
                raise Refused([loaded.document.problem(("channels", name), str(error))]) from error
            self._place(self._customers[name])

    def _place(self, channel: Channel) -> None:
        self._gateway.channels[channel.name] = channel
        if channel.limits.pull:
            self._gateway.pull.add(channel.name)

    def _lent(self) -> Lent:
        gateway = self._gateway
        return Lent(
            tenant=gateway.tenant,
            intake=lambda: gateway.intake,
            hub=gateway.hub,
            clock=gateway.clock,
            new_id=gateway.new_id,
            seal=self._seal,
            public_url=lambda: self._public_url,
            files=self._courier,
            slack=self.slack,
        )

    def _change_channels(self, found: sections.Sections) -> None:
        wanted = _of_channels(found)
        for name, channel in self._customers.items():
            channel.reconfigure(wanted.pop(name, None) or channel.settings.model_copy(update={"mode": "off"}))
        for name in wanted:
            log.warning(
                "configuration_needs_restart",
                keys=f"channels.{name}",
                why="a new channel's routes are mounted at start",
            )

    def _place_desk(self, found: sections.Sections, *, starting: bool) -> None:
        desk = found.get(("desk",))
        if isinstance(desk, DeskSettings) and ("slack",) in found:
            if self._desk is None and not starting:
                log.warning("configuration_needs_restart", keys="desk", why="its webhooks are mounted at start")
                desk = None
            elif self._desk is None and self.slack is not None:
                tenant, clock = self._gateway.tenant.name, self._gateway.clock
                self._desk = Desk(desk, self.slack, tenant=tenant, files=self._courier, clock=clock)
                self._place(self._desk)
            elif self._desk is not None:
                self._desk.reconfigure(desk)
        route = _route(desk if isinstance(desk, DeskSettings) else None)
        self._gateway.consumers["relay"] = Relay(
            DeskPorts(
                people=self._people,
                route=route,
                words=self._words,
                link=self._link,
                limits=self._limits_of,
                mode=self._mode_of,
                link_to=self._courier.link,
                forget=self._forget,
                quiet=lambda: self._gateway.specs.live.spec.quiet,
            )
        )

    async def _forget(self, attachment: Attachment) -> None:
        await self.shelf.forget(attachment.channel, attachment)

    async def _people(self, channel: str, sender: str) -> Person:
        found = self._gateway.channels.get(channel)
        return await found.people(sender) if found else Person(sender, sender)

    def _words(self, name: str, language: str) -> str:
        spec = self._gateway.specs.live.spec
        return spec.replies.text(name, language, spec.language) if name in TEXTS else ""

    def _link(self, conversation: str) -> str:
        return self._gateway.link(conversation)

    # --- what operators see

    def channels(self) -> list[dict[str, Any]]:
        """The state of each channel."""
        return [
            {
                "name": channel.name, "kind": self._kind(channel.name), "side": channel.side, "mode": channel.mode, **channel.status(),
                "sends": self._gateway.figures.by("outcome", SENDS, channel=channel.name),
            }
            for channel in self._gateway.channels.values()
        ]  # fmt: skip

    def _kind(self, name: str) -> str:
        settings = self._customers[name].settings if name in self._customers else None
        return (settings.kind or name) if settings is not None else "slack"

    def tools(self) -> list[dict[str, Any]]:
        """The closed list of what the agent can do."""
        return [
            {
                "name": name, "description": tool.description, "effect": "write" if tool.writes else "read", "args": tool.args,
                "confirm": tool.confirm, "approve": tool.approve, "require": tool.require, "once": tool.once, "intents": tool.intents,
            }
            for name, tool in self._gateway.specs.live.spec.tools.items()
        ]  # fmt: skip

    async def versions(self) -> list[dict[str, Any]]:
        """Versions of the spec, the live one marked."""
        live = self._gateway.specs.live.version
        return [
            {"id": item.id, "number": item.number, "created_at": item.created_at, "live": item.id == live}
            for item in await self._gateway.specs.every()
        ]

    async def refresh(self) -> None:
        """Take up a version that another process has made live."""
        try:
            live = await self._gateway.specs.refresh()
        except Refused as error:
            log.error("specs.not_taken_up", error=str(error))
            return
        if live is not None:
            self._knows(live.spec)

    async def publish(self, version: str) -> dict[str, Any]:
        """Make a version live. Raises KeyError when there is none."""
        live = await self._gateway.specs.publish(version)
        self._knows(live.spec)
        return {"live": live.version}

    def _knows(self, spec: Spec) -> None:
        settings = self._gateway.settings
        self._take_knowledge(spec, settings.agent.spec.parent, settings.store_path)


class LiveSpecs(msgspec.Struct, frozen=True):
    """The agent's port to the versions."""

    specs: Specs

    def current(self) -> tuple[Spec, str]:
        """The live spec and its version id."""
        return self.specs.live.spec, self.specs.live.version

    async def version(self, version: str) -> Spec | None:
        """Any stored version."""
        return await self.specs.at(version)


class Searching(msgspec.Struct, frozen=True):
    """The agent's port to whatever knowledge is current."""

    current: Callable[[], Knowledge | None]

    async def search(self, query: str, language: str, limit: int) -> Sequence[Any]:
        """The best passages, best first."""
        knowledge = self.current()
        return await knowledge.search(query, language, limit) if knowledge else []


def _sections(loaded: Loaded) -> sections.Sections:
    found, problems = sections.read(loaded.document)
    if problems:
        raise Refused(problems)
    return found


def _secrets(given: Sequence[Any]) -> list[str]:
    return [secret.get_secret_value() for secret in given]


def _of_channels(found: sections.Sections) -> dict[str, Section]:
    return {str(loc[1]): cast(Section, settings) for loc, settings in found.items() if loc[0] == "channels"}


def _route(desk: DeskSettings | None) -> Callable[[Any], str]:
    if desk is None:
        return lambda capsule: ""  # noqa: ARG005 - nobody is there to see it
    return router([(route.condition, route.channel) for route in desk.routes], desk.channel)


def _model(name: str, api_base: str | None, fallbacks: Sequence[str]) -> Model:
    if name == "offline":
        return Offline()
    from agent.models.llm import Llm

    return Llm(name, api_base=api_base, fallbacks=fallbacks)
