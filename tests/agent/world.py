"""A conversation without a bus: a strict journal in memory, and the agent's turns committed to it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
from ruamel.yaml import YAML

from agent.core import Agent, build
from agent.models.port import Answer, Call, Model, Passage, Prompt, Read, Reading
from agent.spec import Spec
from agent.tools.http import HttpTools
from agent.turn.scene import Parts, Servers
from bus.action import Action, may_move
from bus.canonical import digest
from bus.channel import Limits, Mode
from bus.effect import Claim, Reservation
from bus.entries import (
    CustomerPressed,
    CustomerSaid,
    Entry,
    Recorded,
    StaffSaid,
    Step,
    ToolAnswered,
    ToolAsked,
    from_body,
    to_body,
)
from bus.errors import Diverged, Permanent
from bus.message import (
    Address,
    Attachment,
    Conversation,
    Customer,
    Inbound,
    Memo,
    Move,
    Outbound,
    Received,
    Sender,
    Turn,
    Work,
)

START = 1_716_300_000_000
MINUTE = 60_000
ADA = Customer("site", "u1", "Ada", token="sealed", token_expires_at=2_000_000_000_000)


class Crash(Exception):
    """The process dies here."""


class Ledger:
    """One effect per key; sums under their limits."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}

    def reserve(self, claim: Claim, holder: tuple[str, int], now: int) -> Reservation:
        row = self.rows.get((claim.tool, claim.idempotency_key))
        if row and row["state"] == "ok":
            return Reservation("done", row["result"])
        if row and row["state"] == "unknown":
            return Reservation("unknown")
        if row and row["state"] == "reserved":
            return Reservation("go" if row["holder"] == holder else "busy")
        for cap in claim.caps:
            used = sum((amount for other in self.rows.values() if self._counts(other, claim, cap.scope, now - cap.window)
                        for scope, amount in other["amounts"] if scope == cap.scope), Decimal(0))  # fmt: skip
            if used + cap.amount > cap.maximum:
                return Reservation("limit", because=cap.scope)
        self.rows[claim.tool, claim.idempotency_key] = {
            "state": "reserved", "holder": holder, "amounts": claim.amounts, "tool": claim.tool, "at": now, "result": None
        }  # fmt: skip
        return Reservation("go")

    def _counts(self, row: dict[str, Any], claim: Claim, scope: str, since: int) -> bool:
        return bool(row["tool"] == claim.tool) and row["state"] != "failed" and row["at"] > since

    def settle(self, claim: Claim, status: str, result: Any) -> None:
        if row := self.rows.get((claim.tool, claim.idempotency_key)):
            row.update(state={"ok": "ok", "unknown": "unknown"}.get(status, "failed"), result=result)


class World:
    """Everything outside the agent: clock, log, actions, memos, ledger, spec, models."""

    def __init__(self, spec: str | Spec, model: Model, session: aiohttp.ClientSession | None = None) -> None:
        self.specs: dict[str, Spec] = {}
        self.live = ""
        self.publish(spec)
        self.model = model
        self.session = session
        self.time = START
        self.mode: Mode = "live"
        self.limits = Limits(pull=True, withdraws=True)
        self.secrets: tuple[str, ...] = ()
        self.tokens: dict[str, str] = {}
        self.passages: list[Passage] = []
        self.ledger = Ledger()
        self.conversations: dict[str, Talk] = {}
        self.ids = itertools.count(1)
        self.read_by: Model | None = None
        self.previews: list[str] = []
        self.servers: Servers | None = None
        self.files: dict[str, str] = {}
        self.files_read = 0
        self.bands: list[str] = []

    def publish(self, spec: str | Spec) -> None:
        parsed = spec if isinstance(spec, Spec) else Spec.parse(YAML(typ="safe").load(spec))
        self.live = parsed.digest
        self.specs[self.live] = parsed

    def current(self) -> tuple[Spec, str]:
        return self.specs[self.live], self.live

    async def version(self, version: str) -> Spec | None:
        return self.specs.get(version)

    async def search(self, query: str, language: str, limit: int) -> Sequence[Passage]:
        return self.passages[:limit]

    async def _no_sleep(self, seconds: float) -> None:
        return None

    def agent(self) -> Agent:
        assert self.session is not None
        return build(
            Parts(
                specs=self,
                models=lambda name: self.model,
                knowledge=self,
                tools=HttpTools(self.session, lambda: self.time, self._no_sleep),
                mode_of=lambda channel: self.mode,
                limits_of=lambda channel: self.limits,
                unseal=lambda sealed: self.tokens[sealed],
                reader=lambda: self.read_by,
                secrets=lambda: self.secrets,
                servers=self.servers,
                read_file=self._read_file,
                count=self.bands.append,
            )
        )

    async def _read_file(self, file: Attachment) -> str:
        self.files_read += 1
        if file.source not in self.files:
            raise Permanent("file_gone")
        return self.files[file.source]

    def talk(self, peer: str = "visitor", channel: str = "web", customer: Customer | None = None) -> Talk:
        talk = Talk(self, f"c_{next(self.ids)}", Address("default", channel, "acc", peer), customer)
        self.conversations[talk.conversation.id] = talk
        return talk


class Talk:
    """One conversation."""

    def __init__(self, world: World, identity: str, address: Address, customer: Customer | None) -> None:
        self.world = world
        self.conversation = Conversation(
            identity, address, "agent", "", 1, 1, "open", "", "", world.time, world.time, customer, None
        )  # fmt: skip
        self.log: list[Recorded] = []
        self.actions: dict[str, Action] = {}
        self.memos: dict[str, Memo] = {}
        self.turns = 0
        self.sent: list[Outbound] = []
        self.last: Turn = Turn()
        self.verified: Any = "site" if customer else "none"
        self.crash: Callable[[str, int, int], None] = lambda where, turn, step: None

    async def say(self, *texts: str) -> list[str]:
        """The customer writes; returns what the agent said, memos that are due served as well."""
        before = len(self.said)
        rows = tuple(self._row(text) for text in texts)
        await self.take(rows)
        await self.due()
        return self.said[before:]

    async def share(self, text: str, *files: Attachment) -> list[str]:
        """The customer writes beside files."""
        before, row = len(self.said), self._row(text)
        await self.take(
            (msgspec.structs.replace(row, inbound=msgspec.structs.replace(row.inbound, attachments=files)),)
        )
        await self.due()
        return self.said[before:]

    async def press(self, button: str, label: str = "", target: str = "") -> list[str]:
        before = len(self.said)
        await self.take((self._row(label, kind="press", button=button, target=target),))
        await self.due()
        return self.said[before:]

    async def due(self) -> None:
        """Serve the agent's memos that are due."""
        while found := [memo for memo in self.memos.values() if memo.due_at <= self.world.time and memo.name in MEMOS]:
            del self.memos[found[0].key]
            await self.take((self._memo(found[0]),))

    async def later(self, milliseconds: int) -> None:
        self.world.time += milliseconds
        await self.due()

    def _row(self, text: str, kind: Any = "message", button: str = "", target: str = "") -> Received:
        number = next(self.world.ids)
        inbound = Inbound(
            f"{kind}:{number}",
            self.conversation.address,
            Sender("visitor", verified=self.verified),
            kind,
            self.world.time,
            text,
            button,
            target,
        )
        key = str(number)
        entry: Entry = (
            CustomerSaid(text=text, id=key) if kind == "message" else CustomerPressed(button=button, text=text, id=key)
        )
        return Received(number, inbound, "customer", self._append(entry, self.turns + 1))

    def _memo(self, memo: Memo) -> Received:
        address = Address("default", "memo", "", self.conversation.id)
        inbound = Inbound(
            f"memo:{memo.key}", address, Sender("gateway"), "memo", memo.due_at, memo=memo.name, data=memo.data
        )
        return Received(next(self.world.ids), inbound, "customer")

    def _append(self, entry: Entry, turn: int) -> int:
        stored = from_body(entry.kind(), entry.v, to_body(entry))
        self.log.append(Recorded(len(self.log) + 1, self.world.time, self.conversation.episode, turn, stored))
        return len(self.log)

    async def take(self, rows: tuple[Received, ...], attempts: int = 3) -> Turn:
        """Run one turn to its commit; a crash runs it again on what was recorded."""
        self.turns += 1
        work = Work(self.conversation, "agent", rows, self.turns, 1)
        for attempt in range(attempts):
            journal = MemoryJournal(self)
            try:
                turn = await self.world.agent().take(work, journal)
            except Crash:
                if attempt + 1 == attempts:
                    raise
                continue
            self.commit(turn)
            return turn
        raise AssertionError

    def commit(self, turn: Turn) -> None:
        for move in turn.moves:
            self.move(move)
        for action in turn.actions:
            assert action.id not in self.actions
            self.actions[action.id] = msgspec.convert(
                msgspec.json.decode(msgspec.json.encode(action), type=Action), Action
            )
            self.actions[action.id] = action
        for entry in turn.entries:
            self._append(entry, self.turns)
        for outbound in turn.outbounds:
            assert -len(turn.entries) <= outbound.cause < 0
            self.sent.append(outbound)
        for key in turn.cancel:
            self.memos.pop(key, None)
        self.memos |= {memo.key: memo for memo in turn.memos}
        changes = {
            name: getattr(turn, name)
            for name in ("owner", "owner_name", "status", "language")
            if getattr(turn, name) is not None
        }
        conversation = msgspec.structs.replace(self.conversation, **changes)
        if turn.new_episode:
            conversation = msgspec.structs.replace(conversation, episode=conversation.episode + 1)
        self.conversation, self.last = conversation, turn

    def move(self, move: Move) -> None:
        assert may_move(move.before, move.after), move
        found = move.changed or self.actions[move.action]
        assert self.actions[move.action].state == move.before, (self.actions[move.action].state, move)
        self.actions[move.action] = msgspec.structs.replace(found, state=move.after)

    def approve(self, action: Action, verdict: Any = "approved", by: str = "U_sara") -> None:
        """A person decides at the desk."""
        self.move(Move(action.id, "pending", verdict, by))
        if verdict == "approved":
            self.memos["execute"] = Memo(f"execute:{action.id}", "execute", self.world.time, {"action": action.id})
            self.memos[f"execute:{action.id}"] = self.memos.pop("execute")

    def change(self, **changes: Any) -> None:
        """Somebody else changes the conversation."""
        self.conversation = msgspec.structs.replace(self.conversation, **changes)

    def sign_in(self, expires_at: int) -> None:
        self.change(customer=msgspec.structs.replace(ADA, token_expires_at=expires_at))

    def remind(self, name: str, **data: Any) -> None:
        self.memos[name] = Memo(name, name, self.world.time, data)

    def record_customer(self, text: str) -> None:
        self._append(CustomerSaid(text=text), 0)

    def record_staff(self, text: str, name: str = "") -> None:
        self._append(StaffSaid(text=text, id=name, name="Sara"), 0)

    def kinds(self, turn: int | None = None) -> list[str]:
        return [line.kind for line in self.log if turn is None or line.turn == turn]

    def entries(self, kind: str) -> list[Any]:
        return [line.entry for line in self.log if line.kind == kind]

    @property
    def said(self) -> list[str]:
        return [
            line.entry.text
            for line in self.log
            if line.kind in ("agent_said", "system_said") and hasattr(line.entry, "text")
        ]

    @property
    def decided(self) -> Any:
        return self.entries("decided")[-1]

    @property
    def pending(self) -> list[Action]:
        return [action for action in self.actions.values() if action.state == "pending"]


MEMOS = frozenset({"execute", "quiet", "signed_in", "confirm_expired", "answer"})


class MemoryJournal:
    """Strict: a step's request must be canonical and the same when the turn runs again; entries survive only as stored."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._number = 0

    @property
    def turn(self) -> int:
        return self._talk.turns

    def now(self) -> int:
        return self._talk.world.time

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._talk.world.ids)}"

    async def window(self, limit: int = 200) -> Sequence[Recorded]:
        return [line for line in self._talk.log[-limit:] if line.turn != self.turn or not isinstance(line.entry, Step)]

    async def actions(self) -> Sequence[Action]:
        return [
            action
            for action in self._talk.actions.values()
            if action.state in ("pending", "approved", "executing", "blocked")
        ]

    async def action(self, action_id: str) -> Action | None:
        return self._talk.actions.get(action_id)

    async def waits(self, memo: str) -> bool:
        return memo in self._talk.memos

    def _next(self, request: object) -> tuple[str, Step | None]:
        self._number += 1
        key = digest(request)
        steps = [line.entry for line in self._talk.log if line.turn == self.turn and isinstance(line.entry, Step)]
        known = next((step for step in steps if step.step == self._number), None)
        if known is not None and known.digest != key:
            raise Diverged(f"step {self._number}: {request}")
        self._talk.crash("before", self.turn, self._number)
        return key, known

    def _record(self, entry: Any, key: str) -> Any:
        entry = msgspec.structs.replace(entry, step=self._number, digest=key)
        seq = self._talk._append(entry, self.turn)
        self._talk.crash("after", self.turn, self._number)
        return self._talk.log[seq - 1].entry

    async def step(self, request: object, produce: Callable[[], Awaitable[Step]]) -> Step:
        key, known = self._next(request)
        return known or self._record(await produce(), key)

    async def intend(
        self, request: object, claim: Claim, record: Callable[[Reservation], ToolAsked], move: Move | None = None
    ) -> tuple[ToolAsked, Reservation]:
        key, known = self._next(request)
        holder = (self._talk.conversation.id, self.turn)
        place = self._talk.world.ledger.reserve(claim, holder, self.now())
        if isinstance(known, ToolAsked):
            return known, place
        if place.verdict == "go" and move is not None:
            self._talk.move(move)
        return self._record(record(place), key), place

    async def outcome(
        self, request: object, produce: Callable[[], Awaitable[ToolAnswered]], claim: Claim
    ) -> ToolAnswered:
        key, known = self._next(request)
        if isinstance(known, ToolAnswered):
            return known
        entry = await produce()
        self._talk.crash("lost", self.turn, self._number)
        self._talk.world.ledger.settle(claim, entry.status, entry.result)
        answer: ToolAnswered = self._record(entry, key)
        return answer

    def preview(self, offset: int, text: str) -> None:
        self._talk.world.previews.append(text)

    def discard(self) -> None:
        self._talk.world.previews.clear()


class Scripted:
    """A model that says what it is told to, answer by answer."""

    name = "scripted"

    def __init__(self, *answers: str | Answer | list[tuple[str, dict[str, Any]]]) -> None:
        self._answers = list(answers)
        self.prompts: list[Prompt] = []

    def then(self, *answers: str | Answer | list[tuple[str, dict[str, Any]]]) -> None:
        self._answers += answers

    async def reply(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        self.prompts.append(prompt)
        answer = self._answers.pop(0) if self._answers else "I have nothing more to say."
        if isinstance(answer, list):
            calls = tuple(Call(f"call_{n}", tool, args) for n, (tool, args) in enumerate(answer))
            yield Answer("", calls, self.name)
        elif isinstance(answer, Answer):
            yield answer
        else:
            yield answer
            yield Answer(answer, (), self.name, confidence=0.97)

    async def understand(self, reading: Reading) -> Read | None:
        return None
