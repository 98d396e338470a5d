"""The bus, the outbox and the ledger against a model: whatever happens in whatever order, the invariants hold at every rest.

Broken by hand once each, it found: blind re-sending (a message twice), journals not loaded (an effect twice), rows of an interrupted turn
done (a message that nobody saw), the ledger asked anew after a crash (another answer), and messages overtaking a failed one.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bus.consumer import Journal
from bus.effect import Claim, Reservation
from bus.entries import AgentSaid, CustomerSaid, Delivered, DeliveryFailed, Expired, StaffSaid, ToolAnswered, ToolAsked
from bus.errors import Permanent, Retryable, Uncertain
from bus.message import Turn, Work
from bus.store import log
from bus.store.sqlite import SqliteStore
from tests.bus.scripts import message, peer, words
from tests.bus.world import World

WHO = st.sampled_from(["ada", "bob"])
TICKS = st.integers(0, 25)
TROUBLE = st.sampled_from(["retry", "lost", "uncertain", "permanent", "fine"])


def trouble(name: str) -> Any:
    """What the next call does."""
    return {"retry": Retryable(after=3), "uncertain": Uncertain(), "permanent": Permanent("no"), "lost": "lost"}.get(
        name, ""
    )


async def a_moment() -> None:
    """Room for others to come in between."""
    for _ in range(4):
        await asyncio.sleep(0)


class Inline(SqliteStore):
    """The store without its threads, so that the same steps are the same run."""

    def submit(self, unit: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        self._commit(self._opened[0], [unit])
        if unit.done is not None:
            unit.done(unit)

    async def read(self, tenant: str, work: Any) -> Any:
        return self._read(tenant, work)


def inline(folder: Path) -> Inline:
    store = Inline(folder / "gateway.db")
    store.start()
    store._opened[0].execute("PRAGMA synchronous=OFF")
    return store


class Pipe(RuleBasedStateMachine):
    """Messages, duplicates, a person's words, crashes, time and trouble; each message is one effect and one reply."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.said: dict[str, list[str]] = defaultdict(list)
        self.number = 0
        self.failing = False
        self.effects: list[str] = []
        self.conversations: dict[str, str] = {}
        self.staffed = 0
        self.verdicts: set[str] = set()

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def begin(self) -> None:
        async def opened() -> World:
            return World(Path(self.folder.name), inline(Path(self.folder.name)))

        self.world = self.run(opened())
        self.world.agent.script = self.act

    async def act(self, work: Work, journal: Journal) -> Turn:
        for row in work.rows:
            await a_moment()
            await self.pay(row.inbound.key, journal)
        await a_moment()
        if self.failing:
            raise RuntimeError("once")
        said = [row.inbound.text for row in work.rows]
        outbounds = tuple(words(work, text, f"re{place}", cause=place - len(said)) for place, text in enumerate(said))
        return Turn(entries=tuple(AgentSaid(text=text) for text in said), outbounds=outbounds)

    async def pay(self, key: str, journal: Journal) -> None:
        def record(place: Reservation) -> ToolAsked:
            return ToolAsked(tool="pay", args={}, policy={}, effect="write", idempotency_key=key)

        async def call() -> ToolAnswered:
            self.effects.append(key)
            return ToolAnswered(tool="pay", status="ok", result=key)

        _, place = await journal.intend(key, Claim("pay", key), record)
        await a_moment()
        self.verdicts.add(place.verdict)
        await journal.outcome(key, call, Claim("pay", key))

    def moments(self, ticks: int) -> None:
        """Let things go on for a while, and no further."""
        for _ in range(ticks):
            self.run(asyncio.sleep(0))

    @rule(who=WHO, copies=st.integers(1, 2), ticks=TICKS)
    def customer_writes(self, who: str, copies: int, ticks: int) -> None:
        async def deliver() -> None:
            inbound = message(self.number, f"{who}{self.number}", peer(who))
            for accepted in await asyncio.gather(*(self.world.accept(inbound) for _ in range(copies))):
                self.conversations[who] = accepted.conversation

        self.number += 1
        self.said[who].append(f"{who}{self.number}")
        self.run(deliver())
        self.moments(ticks)

    @rule(who=WHO, text=st.sampled_from(["mine", "note: a regular"]), ticks=TICKS)
    def customer_writes_and_a_person_too(self, who: str, text: str, ticks: int) -> None:
        self.customer_writes(who, 1, ticks)
        self.world.desk.located[f"t-{who}"] = self.conversations[who]
        self.run(self.world.staff(text, f"t-{who}"))
        self.run(self.world.intake.route())
        self.staffed += text == "mine"

    @rule(who=WHO, ticks=TICKS)
    def the_process_dies_while_it_answers(self, who: str, ticks: int) -> None:
        async def nothing(*_: object) -> None: ...

        self.customer_writes(who, 1, ticks)
        dead = self.world.process
        dead.worker._give_back = nothing
        for task in (*dead.worker._tasks, *dead.sender._tasks):
            task.cancel()
        self.run(self.world.crash())

    @rule(name=TROUBLE)
    def the_platform_is_in_trouble(self, name: str) -> None:
        self.world.tg.plan.append(trouble(name))

    @rule(who=WHO)
    def a_turn_fails(self, who: str) -> None:
        self.failing = True
        self.customer_writes(who, 1, 0)
        self.run(self.world.settle())
        self.failing = False

    @rule(seconds=st.integers(0, 5))
    def it_works_for_a_while(self, seconds: int) -> None:
        self.world.clock.advance(seconds)
        self.run(self.world.settle())
        for conversation in self.conversations.values():
            self.run(self.world.own(conversation, "agent"))

    @invariant()
    def effects_happen_once(self) -> None:
        assert len(self.effects) == len(set(self.effects)), "an effect twice"
        assert self.verdicts <= {"go"}, "another answer after a crash"

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        keys = [key for key, _ in self.world.tg.arrived] if hasattr(self, "world") else []
        assert len(keys) == len(set(keys)), "a message twice"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.failing, self.world.tg.plan = False, []
            self.run(self.world.wait_out(120))
            self.run(self.check_at_rest())
            self.run(self.world.close())
        self.loop.close()
        self.folder.cleanup()

    async def check_at_rest(self) -> None:
        """Every message was recorded once and in order, every reply and every person's word ended, and the chain holds."""
        spoken = 0
        shown = {row.inbound.text for work in self.world.relay.works for row in work.rows}
        for who, conversation in self.conversations.items():
            entries = [line.entry for line in await self.world.lines(conversation)]
            assert [entry.text for entry in entries if isinstance(entry, CustomerSaid)] == self.said[who]
            ends = sum(isinstance(entry, (Delivered, DeliveryFailed, Expired)) for entry in entries)
            assert ends == sum(isinstance(entry, (AgentSaid, StaffSaid)) for entry in entries), "a silent end"
            spoken += sum(isinstance(entry, StaffSaid) for entry in entries)
            answered = {entry.text for entry in entries if isinstance(entry, AgentSaid)}
            assert set(self.said[who]) <= answered | shown, "a message that nobody saw"
            paid = {f"message:{who}:{text.removeprefix(who)}" for text in answered}
            assert paid <= set(self.effects), "an answer without its effect"
            replies = [text for text in self.world.tg.texts if text.startswith(who)]
            assert replies == sorted(replies, key=self.said[who].index), "an inversion"
        assert spoken == self.staffed, "a person's word was lost"
        assert await self.world.query("SELECT * FROM inbox WHERE state = 'ready'") == [], "something waits for ever"
        assert await self.world.query("SELECT * FROM outbox WHERE state IN ('pending', 'sending')") == []
        assert (await self.world.tenant.read(log.verify))[1] == []


TestPipe = Pipe.TestCase
TestPipe.settings = settings(max_examples=60, stateful_step_count=12, deadline=None, database=None)
