"""`gateway replay`: a recorded turn again, as it was or on another spec or model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.opened import configured, reading
from gateway.commands.voice import HERE, Config, Failed, Json, emit, out, say

if TYPE_CHECKING:
    from bus.entries import Entry
    from bus.store import Tenant
    from config.settings import Loaded
    from gateway.replay import Bench, Replayed
    from gateway.tape import Tape


def mount(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(replay)


def replay(
    conversation: Annotated[str, typer.Argument(help="Its id, as `gateway log` lists it.")],
    turn: Annotated[int, typer.Option(help="Which turn; left out: the agent's last.")] = 0,
    spec: Annotated[
        Path | None, typer.Option(metavar="FILE", help="On this agent.yaml, not on what it ran on.")
    ] = None,
    model: Annotated[str, typer.Option(help="On this model; it is really asked where the two part.")] = "",
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Run a turn again without effects, and show where it parts from what was recorded."""
    loaded = configured(config)
    done = asyncio.run(_replayed(loaded, conversation, turn, spec, model))
    if as_json:
        emit(_told(done))
    else:
        _draw(done)
    if not done.same and not spec and not model:
        raise typer.Exit(1)


async def _replayed(loaded: Loaded, conversation: str, turn: int, spec: Path | None, model: str) -> Replayed:
    from gateway import replay as again

    async with reading(loaded.checked()) as tenant:
        recorded = await _tape(tenant, conversation, turn)
        bench = await _bench(loaded, tenant, recorded, spec, model)
        return await again.replay(recorded, bench, loaded)


async def _tape(tenant: Tenant, conversation: str, turn: int) -> Tape:
    from bus.store import replay as store
    from gateway import tape

    turn = turn or await tenant.read(store.last_turn, conversation)
    try:
        return await tape.load(tenant, conversation, turn)
    except LookupError as error:
        raise Failed(str(error), f"gateway log {conversation}") from error


async def _bench(loaded: Loaded, tenant: Tenant, tape: Tape, file: Path | None, model: str) -> Bench:
    from bus.store import specs
    from config.document import parse, read
    from gateway.replay import Bench, spec_of
    from gateway.specs import parse_spec, version_of

    agent = loaded.checked().agent
    if file:
        document, folder = read(file, loaded.environment), file.parent
    else:
        found = await tenant.read(specs.one, spec_of(tape)) or await tenant.read(specs.live)
        if found is None:
            raise Failed("the store has no version of the spec", "name one with --spec")
        document, folder = parse(found.body, agent.spec, loaded.environment), agent.spec.parent
    main = _model(loaded, model or agent.model)
    reader = main if model else _model(loaded, agent.fast_model or agent.model)
    return Bench(parse_spec(document), version_of(document.text), folder, main, reader, _limits(loaded, tape))


def _model(loaded: Loaded, name: str) -> Any:
    if name == "offline":
        from agent.models.offline import Offline

        return Offline()
    import os

    from agent.models.llm import Llm

    loaded.environment.export(os.environ)
    return Llm(name, api_base=loaded.checked().agent.api_base, fallbacks=loaded.checked().agent.fallbacks)


def _limits(loaded: Loaded, tape: Tape) -> Any:
    from bus.channel import Limits
    from gateway import sections

    name = tape.work.conversation.address.channel
    kind = loaded.checked().channels.get(name, {}).get("kind", name)
    return sections.kind(kind).LIMITS if kind in sections.kinds() else Limits()


def _draw(done: Replayed) -> None:
    from rich.text import Text

    console, there = out(), f" on spec {done.spec_now}" if done.spec_now != done.spec_then else ""
    console.print(Text(f"turn {done.turn}, recorded on spec {done.spec_then}, again{there}", style="dim"))
    for line in done.lines:
        if line.same:
            console.print(Text(f"  {_line(line.then)}", style="dim"))
            continue
        console.print(Text(f"- {_line(line.then)}", style="red"))
        console.print(Text(f"+ {_line(line.now)}", style="green"))
    if done.stopped:
        say(f"✖ it stops here: it {done.stopped}, and a replay calls nothing", "red")
    elif done.same:
        say("✔ the same decision", "green")
    else:
        say("✖ another decision", "red")


def _line(entry: Entry | None) -> str:
    """One line as `gateway log` shows it."""
    if entry is None:
        return "(nothing)"
    import msgspec

    from gateway.commands.lines import shown, words

    who, what, _ = words({**msgspec.structs.asdict(entry), "kind": entry.kind()})
    return f"{who:<14} {shown(what)}"


def _told(done: Replayed) -> dict[str, Any]:
    import msgspec

    def entry(one: Entry | None) -> dict[str, Any] | None:
        return None if one is None else {"kind": one.kind(), **msgspec.structs.asdict(one)}

    told = {name: getattr(done, name) for name in ("turn", "spec_then", "spec_now", "same", "stopped")}
    return told | {"lines": [{"then": entry(one.then), "now": entry(one.now), "same": one.same} for one in done.lines]}
