"""A message's way through, against the raw echo: how many per second, how long, and what each costs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.speed import site
from bench.speed.figures import MICRO, MILLI, Row, Table, percentile
from bench.speed.load import Exchange, Run, open_loop, saturate
from bench.speed.systems import Fakes, Gateway, Outside, Raw, System

HEADS = ("", "gateway", "raw aiohttp", "gateway ÷ raw")


@dataclass(frozen=True)
class Effort:
    """How long is measured. `people` conversations, `flight` messages at once, seconds of each phase."""

    rounds: int = 3
    people: int = 200
    flight: int = 64
    warm: float = 1.0
    full: float = 3.0
    paced: float = 3.0
    rates: tuple[float, ...] = (20, 50, 100)


class Way(NamedTuple):
    """One path: its name, what is compared, how its customers are made, and whether the raw one calls the tool as well."""

    name: str
    title: str
    notes: str
    customers: Callable[[System, int], Coroutine[Any, Any, Exchange]]
    tool: bool = False


WAYS = (
    Way(
        "relay",
        "Staff-owned conversation: POST /web/messages → chat.postMessage at the desk",
        "The gateway commits the message before its 202 and the post before it leaves, both with fsync, and keeps the case's card up to "
        "date with a second call; the raw echo keeps nothing and makes one call.",
        lambda system, people: system.relayed(people),
    ),
    Way(
        "answer",
        "Agent turn: POST /web/messages → the agent's words on the event stream (offline model, knowledge)",
        "The gateway reads the message, looks knowledge up, asks the model, validates, and commits each step; the raw echo writes the text "
        "back to the stream.",
        lambda system, people: system.answered(people, site.plain),
    ),
    Way(
        "tool",
        "Agent turn with one tool call over HTTP",
        "The raw echo makes the same call and writes its answer to the stream.",
        lambda system, people: system.answered(people, site.with_tool),
        tool=True,
    ),
)


async def measure(way: Way, folder: Path, effort: Effort) -> Table:
    """Paired rounds, the order turned round each time."""
    rows = _rows(effort)
    async with both(folder, tool=way.tool) as (gateway, raw, fakes):
        exchanges = {system: await way.customers(system, effort.people) for system in (raw, gateway)}
        for number in range(effort.rounds):
            for system in (gateway, raw) if number % 2 else (raw, gateway):
                fakes.slack.heard = exchanges[system].ended
                await _one_round(exchanges[system], system, effort, rows)
        for exchange in exchanges.values():
            exchange.close()
    return Table(way.title, HEADS, list(rows.values()), way.notes)


@asynccontextmanager
async def both(folder: Path, *, tool: bool) -> AsyncIterator[tuple[Gateway, Raw, Fakes]]:
    """The gateway and the raw echo, running, and what is around them."""
    fakes = Fakes()
    outside: Outside = await fakes.open()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(fakes.close)
        gateway, raw = Gateway(folder, outside, fakes.slack), Raw(folder, outside, tool=tool)
        for system in (gateway, raw):
            stack.push_async_callback(system.stop)
            await system.start()
        yield gateway, raw, fakes


def _rows(effort: Effort) -> dict[str, Row]:
    rows = {
        "rate": Row(f"messages per second, {effort.flight} in flight", "/s"),
        "cpu": Row("CPU per message", "µs", MICRO),
        "full p50": Row("p50 at that load", "ms", MILLI),
        "full p99": Row("p99 at that load", "ms", MILLI),
    }
    for rate in effort.rates:
        rows[f"{rate} ack"] = Row(f"{rate:g}/s: acknowledged, p50", "ms", MILLI)
        rows[f"{rate} p50"] = Row(f"{rate:g}/s: there, p50", "ms", MILLI)
        rows[f"{rate} p99"] = Row(f"{rate:g}/s: there, p99", "ms", MILLI)
    return rows


async def _one_round(exchange: Exchange, system: System, effort: Effort, rows: dict[str, Row]) -> None:
    def note(name: str, value: float) -> None:
        (rows[name].ours if isinstance(system, Gateway) else rows[name].raw).append(value)

    await saturate(exchange, system.pid, effort.warm, effort.flight)
    run = _whole(await saturate(exchange, system.pid, effort.full, effort.flight))
    note("rate", run.rate)
    note("cpu", run.cpu_each)
    note("full p50", percentile(run.ends, 0.5))
    note("full p99", percentile(run.ends, 0.99))
    for rate in effort.rates:
        run = _whole(await open_loop(exchange, system.pid, effort.paced, rate))
        note(f"{rate} ack", percentile(run.acks, 0.5))
        note(f"{rate} p50", percentile(run.ends, 0.5))
        note(f"{rate} p99", percentile(run.ends, 0.99))


def _whole(run: Run) -> Run:
    assert not run.lost, f"{run.lost} messages had no end"
    return run
