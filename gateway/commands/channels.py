"""`gateway channels`: what is on, and the switch."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.commands.opened import configured, running
from gateway.commands.voice import HERE, Config, Failed, Json, advise, emit, say, table

if TYPE_CHECKING:
    from config.settings import Loaded, Settings

app = typer.Typer(help="The state of each channel, and its switch.")
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
PATIENCE = 30  # tenths of a second until the running gateway should have noticed


def mount(above: typer.Typer) -> None:
    """Add the commands of this module."""
    above.add_typer(app, name="channels")


@app.callback(invoke_without_command=True)
def channels(context: typer.Context, config: Config = HERE, as_json: Json = False) -> None:
    """The state of each channel, and its switch."""
    if context.invoked_subcommand:
        return None
    settings = configured(config).checked()
    items = asyncio.run(_states(settings))
    if as_json:
        return emit(items)
    if not any(one["running"] for one in items):
        advise(f"nothing answers at {settings.local_url}: this is what the file says")
    rows = [
        (
            str(one["name"]), str(one["kind"]), str(one["mode"]), "yes" if one["running"] else "no", _ago(one.get("last_event_at")),
            _told(one.get("sends")), _told(_refusals(one)),
        )
        for one in items
    ]  # fmt: skip
    return table(("channel", "kind", "mode", "running", "last event", "sends", "refused"), rows)


def _ago(at: Any) -> str:
    """How long ago something came in, "–" for never since the start."""
    if not at:
        return "–"
    seconds = max(0, int(time.time() - int(at) / 1000))
    size, unit = next((each for each in UNITS if seconds >= each[0]), (1, "s"))
    return f"{seconds // size} {unit} ago"


def _refusals(one: dict[str, Any]) -> dict[str, int]:
    """What was asked of us and refused, by its reason."""
    counts = {**(one.get("counts") or {}), **(one.get("answers") or {})}
    return {
        name: count for name, count in counts.items() if str(name).startswith(("rejected", "4", "5", "unavailable"))
    }


def _told(counts: dict[str, int] | None) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted((counts or {}).items())) or "–"


@app.command("set")
def switch(
    name: Annotated[str, typer.Argument(help="The channel: its section's name.")],
    mode: Annotated[Literal["off", "draft", "live"], typer.Argument(help="draft: people send what the agent drafts.")],
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Switch a channel by editing gateway.yaml; a running gateway takes it over."""
    from config.edit import edit

    loaded = configured(config)
    settings = loaded.checked()
    if name not in settings.channels:
        from config.problems import nearest

        raise Failed(f"no channel {name}", nearest(name, settings.channels))
    try:
        edit(config, ("channels", name, "mode"), mode)
    except KeyError as error:
        raise Failed(f"{name} is not in {config}", "set its mode where it comes from (the environment)") from error
    _check_override(loaded, name, mode)
    if as_json:
        return emit({"name": name, "mode": mode, "file": str(config)})
    say(f"✔ {name} is {mode} in {config}", "green")
    return asyncio.run(_await(settings, name, mode))


def _check_override(loaded: Loaded, name: str, mode: str) -> None:
    """The file is not the last word where the environment has one."""
    section = loaded.again().checked().channels[name]
    if section.get("mode") != mode:
        raise Failed(
            f"the environment says {section.get('mode')}, and wins", f"unset GATEWAY__CHANNELS__{name.upper()}__MODE"
        )


async def _states(settings: Settings) -> list[dict[str, Any]]:
    """As the running gateway sees them, else as the file says."""
    async with running(settings) as gateway:
        if gateway:
            items = (await gateway.get("channels"))["items"]
            return [{**one, "running": True} for one in items]
    return [
        {"name": name, "kind": section.get("kind", name), "mode": section.get("mode", "live"), "running": False}
        for name, section in settings.channels.items()
    ]


async def _await(settings: Settings, name: str, mode: str) -> None:
    """Say when the running gateway has taken it over, or that it has not."""
    async with running(settings) as gateway:
        if gateway is None:
            return
        for _ in range(PATIENCE):
            if (await gateway.get(f"channels/{name}"))["mode"] == mode:
                say("✔ the running gateway has taken it over", "green")
                return
            await asyncio.sleep(0.1)
    advise("the running gateway has not taken it over yet; its log says why", "yellow")
