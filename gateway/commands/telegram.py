"""`gateway telegram`: set up the Telegram side."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.voice import HERE, Config, Failed, Json, emit, say

if TYPE_CHECKING:
    from channels.telegram.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Set up the Telegram side.")


def mount(above: typer.Typer) -> None:
    """Add the commands of this module."""
    above.add_typer(app, name="telegram")


@app.callback()
def telegram() -> None:
    """Set up the Telegram side."""


@app.command()
def connect(
    name: Annotated[str, typer.Argument(help="The channel's section.")] = "telegram",
    config: Config = HERE,
    url: Annotated[str, typer.Option(help="Instead of public_url.")] = "",
    as_json: Json = False,
) -> None:
    """Tell Telegram where to bring messages and with which secret, and set the menu of commands."""
    settings, public_url = _settings(config, name)
    done = asyncio.run(_connect(settings, name, url or public_url))
    if as_json:
        return emit({"channel": name, "updates": settings.updates, "done": done})
    for line in done:
        say(f"✔ {line}")
    return None


async def _connect(settings: Settings, name: str, public_url: str) -> list[str]:
    from bus.errors import GatewayError
    from channels.telegram.setup import connect as connected

    try:
        return [line async for line in connected(settings, name, public_url)]
    except (GatewayError, ValueError) as error:
        remedy = "copy the token that @BotFather shows into .env" if "nauthorized" in str(error) else ""
        raise Failed(str(error), remedy) from error


def _settings(path: Path, name: str) -> tuple[Settings, str]:
    """The section, and our public URL. Raises Failed."""
    from channels.telegram.settings import Settings
    from config.problems import Refused
    from config.settings import load
    from gateway import sections

    try:
        loaded = load(path)
        found, problems = sections.read(loaded.document)
        ours = [problem for problem in problems if problem.key.startswith(f"channels.{name}")]
        if ours:
            raise Refused(ours)
        public_url = loaded.checked().url
    except Refused as refused:
        raise Failed(str(refused)) from refused
    section = found.get(("channels", name))
    if not isinstance(section, Settings):
        raise Failed(f"{path} has no Telegram channel `{name}`", "add channels.telegram with token and webhook_secret")
    return section, public_url
