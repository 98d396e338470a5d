"""`gateway chat`: a customer at the terminal. It uses the web channel like any browser does."""

from __future__ import annotations

import asyncio
import os
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
    from config.settings import load
    from gateway import app

    own = load(loaded.document.path, {**loaded.overrides, ("listen", "host"): "127.0.0.1", ("listen", "port"): 0})
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(app.serve(own, stop, said=address.set_result))
    try:
        await asyncio.wait([serving, address], return_when=asyncio.FIRST_COMPLETED)
        if address.done():
            yield address.result()
    finally:
        stop.set()
        await serving


async def _typed() -> AsyncIterator[str]:
    """Lines of the terminal or the pipe. No thread reads, since one that waits for a key would keep us from ending."""
    stream = asyncio.StreamReader(limit=1 << 20)
    reading = _feed(stream)
    if sys.stdin.isatty():
        _prompt()
    try:
        async for line in stream:
            if text := line.decode(errors="replace").strip():
                yield text
    finally:
        if reading:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _feed(stream: asyncio.StreamReader) -> bool:
    """Let what is typed flow into the stream; False when all of it is there already (a file cannot be waited for)."""

    def read() -> None:
        if typed := os.read(number, 1 << 16):
            stream.feed_data(typed)
        else:
            stream.feed_eof()
            loop.remove_reader(number)

    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    try:
        loop.add_reader(number, read)
    except PermissionError:
        stream.feed_data(sys.stdin.buffer.read())
        stream.feed_eof()
        return False
    return True


def _prompt() -> None:
    sys.stdout.write("you ▸ ")
    sys.stdout.flush()
