"""`gateway spec`: versions of the agent's behaviour, and which one is live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gateway.commands.opened import configured, reading, running, writing
from gateway.commands.voice import HERE, Config, Failed, Json, emit, out, say, table

if TYPE_CHECKING:
    from bus.store.specs import Version
    from config.settings import Loaded, Settings
    from gateway.commands.opened import Operator

app = typer.Typer(no_args_is_help=True, help="Versions of the agent's behaviour, and which one is live.")


class Kept(NamedTuple):
    """What the store holds."""

    versions: list[Version]
    live: str


def mount(above: typer.Typer) -> None:
    """Add the commands of this module."""
    above.add_typer(app, name="spec")


@app.command("list")
def listed(config: Config = HERE, as_json: Json = False) -> None:
    """Every version, the live one marked."""
    kept = asyncio.run(_kept(configured(config).checked()))
    if as_json:
        fields = ("number", "id", "created_at")
        return emit(
            [{**{name: getattr(one, name) for name in fields}, "live": one.id == kept.live} for one in kept.versions]
        )
    from gateway.commands.lines import when

    return table(
        ("", "number", "version", "first seen"),
        [("●" if one.id == kept.live else "", str(one.number), one.id, when(one.created_at)) for one in kept.versions],
    )


@app.command()
def publish(
    version: Annotated[str, typer.Argument(help="Its number or id; left out: what agent.yaml says now.")] = "",
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Make a version live: new turns use it."""
    loaded = configured(config)
    _tell(asyncio.run(_publish(loaded, version)), as_json)


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(help="Its number or id; left out: the one before the live one.")] = "",
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Make an older version live again; that holds until agent.yaml changes."""
    loaded = configured(config)
    wanted = version or _before(asyncio.run(_kept(loaded.checked())))
    _tell(asyncio.run(_publish(loaded, wanted)), as_json)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Number or id; left out: the live one.")] = "",
    new: Annotated[str, typer.Argument(help="Number or id; left out: agent.yaml.")] = "",
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Show what changed from one version to another."""
    from rich.text import Text

    settings = configured(config).checked()
    lines = list(asyncio.run(_difference(settings, old, new)))
    if as_json:
        return emit({"lines": [line.rstrip("\n") for line in lines]})
    for line in lines:
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        out().print(Text(line, style=style))
    return None


async def _kept(settings: Settings) -> Kept:
    from bus.store import specs

    async with reading(settings) as tenant:
        live = await tenant.read(specs.live)
        return Kept(await tenant.read(specs.every), live.id if live else "")


def _before(kept: Kept) -> str:
    numbers = {one.id: one.number for one in kept.versions}
    older = [one.id for one in kept.versions if one.number < numbers.get(kept.live, 0)]
    if not older:
        raise Failed("there is no version before the live one", "`gateway spec list` shows them")
    return older[-1]


async def _publish(loaded: Loaded, version: str) -> dict[str, Any]:
    """Through the running gateway, which serves on with it at once, else in the store."""
    from gateway.ids import clock
    from gateway.specs import Specs, version_of

    settings = loaded.checked()
    wanted = version or version_of(_text(settings.agent.spec))
    async with running(settings) as gateway:
        if gateway:
            return await _through(gateway, wanted, patience=0.0 if version else 3.0)
    async with writing(settings) as tenant:
        specs = Specs(tenant, clock)
        await specs.load(settings.agent.spec, loaded.environment, strictly=False)
        try:
            live = await specs.publish(wanted)
        except KeyError as error:
            raise Failed(f"no version {wanted}", "`gateway spec list` shows them") from error
        return {"live": live.version}


async def _through(gateway: Operator, version: str, patience: float) -> dict[str, Any]:
    """By the running gateway; a file that was just saved is given a moment to be noticed."""
    until = time.monotonic() + patience
    while True:
        versions = (await gateway.get("specs"))["items"]
        if any(version in {one["id"], str(one["number"])} for one in versions):
            answer: dict[str, Any] = await gateway.post(f"specs/{version}/publish")
            return answer
        if time.monotonic() >= until:
            raise Failed(
                f"the running gateway has no version {version}", "`gateway check agent` says whether the file is right"
            )
        await asyncio.sleep(0.1)


def _tell(published: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return emit(published)
    return say(f"✔ {published['live']} is live", "green")


async def _difference(settings: Settings, old: str, new: str) -> list[str]:
    from difflib import unified_diff

    kept = await _kept(settings)
    before, after = _body(kept, old or kept.live), _body(kept, new) if new else _text(settings.agent.spec)
    names = old or "live", new or settings.agent.spec.name
    return list(unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""))


def _body(kept: Kept, version: str) -> str:
    found: Iterator[str] = (one.body for one in kept.versions if version in {one.id, str(one.number)})
    body = next(found, None)
    if body is None:
        raise Failed(f"no version {version}", "`gateway spec list` shows them")
    return body


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}", "name the file in `agent.spec`") from error
