"""`gateway chat`: a customer at the terminal. It uses the web channel like any browser does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.opened import answers, configured
from gateway.commands.voice import HERE, Config, Failed, advise

if TYPE_CHECKING:
    from config.settings import Loaded, Settings


def mount(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(chat)


def chat(
    config: Config = HERE,
    customer: Annotated[str, typer.Option("--as", metavar="ID", help="Sign in as this customer of your site.")] = "",
    url: Annotated[str, typer.Option(help="Of a web channel, e.g. the demo's: http://127.0.0.1:8080/web")] = "",
) -> None:
    """Talk to the agent here: through the running gateway, or one that runs as long as the talk."""
    from gateway import logs

    if url:
        return asyncio.run(_talk(url.rstrip("/"), ""))
    loaded = configured(config)
    logs.configure("warning", "text", secrets=loaded.secrets())
    return asyncio.run(_chat(loaded, customer))


async def _chat(loaded: Loaded, customer: str) -> None:
    name = _web_channel(loaded.checked())
    identity = _signed(loaded, name, customer)
    async with _url(loaded) as url:
        await _talk(f"{url}/{name}", identity)


async def _talk(url: str, identity: str) -> None:
    from gateway.talk import Talk

    async with Talk.open(url, identity) as talk:
        if sys.stdin.isatty():
            advise("You are the customer. A number presses a button; Ctrl+D ends.\n", "dim")
        async for text in _typed():
            await talk.say(text)
            if not await talk.answered():
                advise("no answer yet; it comes when there is one", "yellow")
            if sys.stdin.isatty():
                _prompt()


def _web_channel(settings: Settings) -> str:
    for name, section in settings.channels.items():
        if section.get("kind", name) == "web":
            if section.get("mode") == "off":
                raise Failed(f"{name} is off", f"gateway channels set {name} live")
            return name
    raise Failed("no web channel is configured", "add `web: {mode: live}` under `channels`")


def _signed(loaded: Loaded, name: str, customer: str) -> str:
    """The identity that the site would sign for this customer."""
    if not customer:
        return ""
    from gateway.sections import read
    from gateway.talk import signed

    sections, _ = read(loaded.document)
    secrets: Any = getattr(sections.get(("channels", name)), "identity_secret", ())
    if not secrets:
        raise Failed(f"channels.{name}.identity_secret is not set", "without it nobody can sign in")
    return signed(customer, secrets[0].get_secret_value())


@asynccontextmanager
async def _url(loaded: Loaded) -> AsyncIterator[str]:
    """Where a gateway answers: the running one, else one of our own."""
    settings = loaded.checked()
    if await answers(settings.local_url):
        yield settings.local_url
        return
    from gateway import app, server

    gateway = await app.Gateway.open(loaded)
    try:
        served = await server.Served.listen(gateway.application(), "127.0.0.1", 0)
        await gateway.start()
        yield f"http://127.0.0.1:{served.port}"
        await served.close()
    finally:
        await gateway.close()


async def _typed() -> AsyncIterator[str]:
    """Lines of the terminal. Read in a thread that nothing waits for at the end."""
    import threading

    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    if sys.stdin.isatty():
        _prompt()
    while line := await lines.get():
        if line.strip():
            yield line.strip()


def _prompt() -> None:
    sys.stdout.write("you ▸ ")
    sys.stdout.flush()
