"""`gateway replay`: a turn again, without effects; and where it parts from what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from agent import core
from agent.identity import Identity
from agent.knowledge import Knowledge
from agent.models.port import Model
from agent.spec import HttpCall, Spec
from agent.tools.http import Reply
from agent.turn.scene import Parts
from bus.canonical import digest
from bus.channel import Limits
from bus.entries import Decided, Entry, ToolAnswered
from bus.message import Turn
from config.settings import Loaded
from gateway.tape import NotOnTape, Tape, TapeJournal, called, said_in_draft

ESSENCE: dict[str, tuple[str, ...]] = {
    "understood": ("intent", "language", "entities", "category"),
    "retrieved": ("passages",),
    "model_replied": ("text", "calls", "error"),
    "tool_asked": ("tool", "args", "policy"),
    "tool_answered": ("tool", "args", "status", "result"),
    "confirmation_asked": ("tool", "args"),
    "confirmation_given": ("tool", "args", "verdict"),
    "approval_asked": ("tool", "args"),
    "decided": ("decision", "reason", "band"),
    "agent_said": ("text",),
    "system_said": ("text",),
    "drafted": ("text",),
    "handed_over": ("reason",),
    "resolved": (),
}
"""What of each line counts when two are compared; ids, times and costs do not."""
FINE_PRINT = {"calls": ("id",), "passages": ("score", "text")}
"""Keys inside them that every run makes anew, or that say nothing more."""


class Compared(msgspec.Struct, frozen=True):
    """One place of the two runs; None where one of them has no more lines."""

    then: Entry | None
    now: Entry | None
    same: bool


class Replayed(msgspec.Struct, frozen=True):
    """`same`: the decision is the recorded one. `stopped`: why the run could not go on."""

    turn: int
    spec_then: str
    spec_now: str
    same: bool
    lines: tuple[Compared, ...]
    stopped: str = ""

    @property
    def parts_at(self) -> Compared | None:
        """The first place where the two differ."""
        return next((line for line in self.lines if not line.same), None)


class Bench(msgspec.Struct, frozen=True):
    """What the turn is run again with."""

    spec: Spec
    version: str
    folder: Path
    model: Model
    reader: Model
    limits: Limits


async def replay(tape: Tape, bench: Bench, loaded: Loaded) -> Replayed:
    """Run the turn again. Models are asked only from where the two part."""
    journal = TapeJournal(tape)
    knowledge = Knowledge([bench.folder / name for name in bench.spec.knowledge], bench.spec.languages)
    parts = Parts(
        specs=OneSpec(bench.spec, bench.version),
        models=lambda _: bench.model,
        reader=lambda: bench.reader,
        knowledge=knowledge,
        tools=OnTape(tape),
        mode_of=lambda _: "draft" if said_in_draft(tape) else "live",
        limits_of=lambda _: bench.limits,
        unseal=lambda sealed: sealed,
        secrets=lambda: [secret.get_secret_value() for secret in loaded.checked().assertion_secret],
    )
    stopped, turn = "", Turn()
    try:
        turn = await core.build(parts).take(_provable(tape, bench.spec), journal)
    except NotOnTape as missing:
        stopped = str(missing)
    finally:
        knowledge.close()
    lines = tuple(_compared(_essential(line.entry for line in tape.own), _essential([*journal.steps, *turn.entries])))
    same = not stopped and _decision(line.then for line in lines) == _decision(line.now for line in lines)
    return Replayed(tape.work.turn, spec_of(tape), bench.version, same, lines, stopped)


def spec_of(tape: Tape) -> str:
    """The version that the recorded turn ran on, "" when it does not say."""
    return next((line.entry.spec for line in tape.own if isinstance(line.entry, Decided)), "")


class OneSpec(msgspec.Struct, frozen=True):
    """The agent's port to versions: there is one."""

    spec: Spec
    name: str

    def current(self) -> tuple[Spec, str]:
        """See agent.turn.scene.Specs."""
        return self.spec, self.name

    async def version(self, version: str) -> Spec | None:  # noqa: ARG002 - there is one
        """See agent.turn.scene.Specs."""
        return self.spec


class OnTape:
    """The agent's port to tools: the recorded answers, and no others."""

    def __init__(self, tape: Tape) -> None:
        self._answers = tape.answers
        self._names = {entry.tool for entry in self._answers.values()}

    async def call(
        self,
        http: HttpCall,
        args: dict[str, Any],
        who: Identity,  # noqa: ARG002 - nobody is asked
        *,
        write: bool,  # noqa: ARG002
        key: str = "",  # noqa: ARG002
    ) -> Reply:
        """The answer that these arguments got then. Raises NotOnTape."""
        for name in self._names:
            if found := self._answers.get(called(name, args)):
                return _reply(found)
        raise NotOnTape(f"{http.method} {http.url}", args)


def _reply(answer: ToolAnswered) -> Reply:
    status: Any = "error" if answer.status == "refused" else answer.status
    return Reply(status, answer.result)


def _provable(tape: Tape, spec: Spec) -> Any:
    """The work; where a tool spoke for the customer then, it may now as well, though their token is long gone."""
    customer = tape.work.conversation.customer
    spoke = [answer.tool for answer in tape.answers.values() if answer.status != "refused"]
    http = [tool.http for name in spoke if (tool := spec.tools.get(name))]
    if customer is None or not any(one and one.auth == "customer" for one in http):
        return tape.work
    kept = msgspec.structs.replace(customer, token="on tape", token_expires_at=0)  # noqa: S106 - it opens nothing
    conversation = msgspec.structs.replace(tape.work.conversation, customer=kept)
    return msgspec.structs.replace(tape.work, conversation=conversation)


def _essential(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind() in ESSENCE]


def _compared(then: Sequence[Entry], now: Sequence[Entry]) -> Iterable[Compared]:
    for index in range(max(len(then), len(now))):
        old = then[index] if index < len(then) else None
        new = now[index] if index < len(now) else None
        yield Compared(old, new, essence(old) == essence(new))


def essence(entry: Entry | None) -> str:
    """What of a line counts, as a digest."""
    if entry is None:
        return ""
    fields = msgspec.structs.asdict(entry)
    return digest([entry.kind(), *(_plain(fields[name], FINE_PRINT.get(name, ())) for name in ESSENCE[entry.kind()])])


def _plain(value: Any, without: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if key not in without}
    return [_plain(item, without) for item in value] if isinstance(value, list | tuple) else value


def _decision(entries: Iterable[Entry | None]) -> list[str]:
    """How the turn ended: decisions and what was asked, done and said."""
    ends = {"decided", "confirmation_asked", "approval_asked", "confirmation_given", "handed_over", "resolved"}
    return [essence(entry) for entry in entries if entry is not None and entry.kind() in ends]
