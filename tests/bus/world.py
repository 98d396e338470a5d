"""A small world: a real store and the real pipe, with a clock, ids, consumers and channels that do what a test tells them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bus.accept import Intake
from bus.channel import Channel, Limits, Mode, Person, Sending
from bus.consumer import ConsumerName
from bus.entries import Entry, Recorded
from bus.errors import Uncertain
from bus.message import (
    Address,
    CaseCard,
    Content,
    Inbound,
    InboundKind,
    Memo,
    Side,
    Words,
)
from bus.outbox import Sender as Postman
from bus.store import Tenant, Transaction, inbox, log, open_store
from bus.store.arrivals import Accepted
from bus.store.outbox import Post
from bus.store.recovery import recover
from bus.store.sqlite import SqliteStore
from bus.wake import Hub
from bus.work import Worker
from tests.bus.scripts import CUSTOMER, DESK, Scripted, echo, message, peer, relay, thread
from tests.support.clock import Clock

T = TypeVar("T")


def id_maker() -> Callable[[str], str]:
    """Ids that sort in the order in which they were made."""
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}_{next(numbers):06}"


class Platform:
    """A far end that keeps what arrived. `plan` holds what the next calls do: an exception to raise, or `lost` after arriving."""

    def __init__(self, name: str, side: Side, *, pull: bool = False) -> None:
        self.name = name
        self.side = side
        self.mode: Mode = "live"
        self.limits = Limits(pull=pull)
        self.plan: list[Any] = []
        self.calls: list[Sending] = []
        self.arrived: list[tuple[str, str]] = []
        self.kept: dict[str, str] = {}
        self.blind = False
        self.find_fails: list[Exception] = []
        self.finds: list[Sending] = []
        self.located: dict[str, str] = {}
        self.gate: asyncio.Event | None = None
        self.started = asyncio.Event()

    @property
    def texts(self) -> list[str]:
        """The words that arrived, in order."""
        return [text for _, text in self.arrived]

    async def send(self, sending: Sending) -> str:
        self.calls.append(sending)
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        planned = self.plan.pop(0) if self.plan else ""
        if isinstance(planned, Exception):
            raise planned
        platform_id = f"{self.name}-{len(self.arrived) + 1}"
        self.arrived.append((sending.outbound.key, _text(sending.outbound.content)))
        self.kept[sending.attempt] = platform_id
        await asyncio.sleep(0)
        if planned == "lost":
            raise Uncertain("the answer was lost")
        return platform_id

    async def find(self, sending: Sending) -> str | None:
        self.finds.append(sending)
        if self.find_fails:
            raise self.find_fails.pop(0)
        return None if self.blind else self.kept.get(sending.attempt, "")

    async def locate(self, address: Address) -> str:
        return self.located.get(address.thread, "")

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def thinking(self, conversation: str, address: Address) -> None: ...

    async def people(self, sender: str) -> Person:
        return Person(sender, "Sara", roles=frozenset({"member"}))

    def routes(self) -> list[Any]:
        return []

    def status(self) -> dict[str, Any]:
        return {}


def _text(content: Content | None) -> str:
    return (
        content.text if isinstance(content, Words) else type(content).__name__ if isinstance(content, CaseCard) else ""
    )


class Process:
    """One process: intake, worker and sender over a store that may be shared."""

    def __init__(self, world: World, owner: str) -> None:
        self.hub = Hub()
        self.worker = Worker(
            world.tenant, world.consumers, owner=owner, clock=world.clock, new_id=world.new_id, hub=self.hub,
            pull={"web"}, send=self._post,
        )  # fmt: skip
        self.sender = Postman(
            world.tenant, world.channels, clock=world.clock, new_id=world.new_id, done=self.worker.nudge
        )
        self.intake = Intake(world.tenant, self.worker, world.channels, clock=world.clock, new_id=world.new_id)

    def _post(self, post: Post) -> None:
        self.sender.post(post)

    async def settle(self) -> None:
        """Until nothing is due and nothing is being sent."""
        while True:
            await self.worker.idle()
            await self.sender.idle()
            if not (await self.sender.sweep() + await self.worker.sweep()):
                return

    async def stop(self) -> None:
        await self.worker.stop(0)
        await self.sender.stop(0)


class World:
    """The whole pipe. `agent` and `relay` are scripted; channels are `tg` (a customer's), `web` (pull) and `desk` (staff's)."""

    def __init__(self, folder: Path, store: SqliteStore | None = None) -> None:
        self.url = f"sqlite:///{folder / 'gateway.db'}"
        self.clock = Clock()
        self.new_id = id_maker()
        self.agent, self.relay = Scripted(echo), Scripted(relay)
        self.consumers: Mapping[ConsumerName, Scripted] = {"agent": self.agent, "relay": self.relay}
        self.tg, self.desk = Platform(CUSTOMER, "customer"), Platform(DESK, "staff")
        self.web = Platform("web", "customer", pull=True)
        self.channels: dict[str, Channel] = {"tg": self.tg, "desk": self.desk, "web": self.web}
        self.numbers = itertools.count(1)
        self.store: SqliteStore = store or open_store(self.url)
        self.tenant: Tenant = self.store.tenant("default")
        self._processes: list[Process] = []
        self.process = self.another("p1")

    @property
    def worker(self) -> Worker:
        return self.process.worker

    @property
    def sender(self) -> Postman:
        return self.process.sender

    @property
    def intake(self) -> Intake:
        return self.process.intake

    def another(self, owner: str) -> Process:
        """One more process over the same store."""
        self._processes.append(Process(self, owner))
        return self._processes[-1]

    async def crash(self) -> Process:
        """The process hangs for ever; the next one finds its store as it is. Returns the one that hangs."""
        dead, self.process = self.process, self.another(f"p{len(self._processes) + 1}")
        await self.tenant.write(recover)
        return dead

    async def accept(self, inbound: Inbound, side: Side = "customer") -> Accepted:
        return await self.intake.accept(inbound, side=side, raw=b"{}")

    async def say(self, text: str, who: str = "ada") -> Accepted:
        """The customer writes, and the process may begin."""
        return await self.accept(message(next(self.numbers), text, peer(who)))

    async def staff(self, text: str, root: str = "desk-1", kind: InboundKind = "message", **more: Any) -> Accepted:
        """A person writes in a thread."""
        inbound = message(next(self.numbers), text, thread(root), kind, **more)
        return await self.accept(inbound, "staff")

    async def remind(self, conversation: str, name: str, after: float = 0, **data: Any) -> None:
        """Leave a memo, due in so many seconds."""
        memo = Memo(name, name, self.clock() + int(after * 1000), data)
        await self.tenant.write(inbox.remind, conversation, memo, self.clock())

    async def open_case(self, who: str = "ada") -> str:
        """A conversation whose thread `desk-1` is open while the agent still owns it."""
        accepted = await self.say("hello", who)
        await self.settle()
        await self.remind(accepted.conversation, "handover")
        await self.settle()
        await self.own(accepted.conversation, "agent")
        return accepted.conversation

    async def own(self, conversation: str, owner: str) -> None:
        """Give a conversation to somebody, without any turn."""
        nothing: dict[str, Any] = dict.fromkeys(("owner_name", "status", "language", "summary"))
        changed = {**nothing, "owner": owner, "bump_epoch": 0, "new_episode": 0}
        await self.tenant.write(lambda tx: tx.run("conversation_change", id=conversation, now=self.clock(), **changed))

    async def settle(self) -> None:
        await self.process.settle()

    async def lines(self, conversation: str) -> list[Recorded]:
        return await self.tenant.read(log.after, conversation, 0, 10_000)

    async def kinds(self, conversation: str) -> list[str]:
        return [line.kind for line in await self.lines(conversation)]

    async def entries(self, conversation: str, kind: type[Entry]) -> list[Any]:
        return [line.entry for line in await self.lines(conversation) if isinstance(line.entry, kind)]

    async def row(self, name: str, /, **values: Any) -> dict[str, Any]:
        """The one row of a statement."""

        def find(tx: Transaction) -> dict[str, Any]:
            found = tx.one(name, **values)
            assert found is not None
            return {key: found[key] for key in found.keys()}  # noqa: SIM118 - a sqlite3.Row yields values

        return await self.tenant.read(find)

    async def post(self, key: str) -> dict[str, Any]:
        """An outbox row by its key."""
        return await self.row("outbox_by_key", key=key)

    async def conversation(self, conversation: str) -> dict[str, Any]:
        return await self.row("conversation_by_id", id=conversation)

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Any SQL, for what no verb tells."""
        return await self.tenant.read(lambda tx: [tuple(row) for row in tx._connection.execute(sql)])  # type: ignore[attr-defined]

    async def wait_out(self, seconds: float = 3600) -> None:
        """Let everything that is due later become due."""
        for _ in range(8):
            self.clock.advance(seconds / 8)
            await self.settle()

    async def crash_while_sending(self, *, arrives: bool) -> str:
        """The process dies while its call to the customer's platform is on the way; returns the conversation."""
        self.tg.gate = asyncio.Event()
        accepted = await self.say("hello")
        await self.tg.started.wait()
        (sending,) = self.tg.calls
        if arrives:
            self.tg.kept[sending.attempt] = "tg-1"
            self.tg.arrived.append((sending.outbound.key, "re: hello"))
        await self.crash()
        self.tg.gate = None
        return accepted.conversation

    def reports(self) -> list[dict[str, Any]]:
        """Delivery reports that reached the relay."""
        rows = (row.inbound for work in self.relay.works for row in work.rows)
        return [row.data for row in rows if row.kind == "delivery"]

    async def close(self) -> None:
        for process in self._processes:
            await process.stop()
        await self.store.close()


@contextlib.asynccontextmanager
async def world_in(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    try:
        yield world
    finally:
        await world.close()


async def until(happened: Callable[[], bool]) -> None:
    """Let others run until it has happened."""
    while not happened():  # noqa: ASYNC110 - what happens has no event of its own
        await asyncio.sleep(0)
