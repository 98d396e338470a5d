"""The demo: the world of `demo/` and a gateway that serves it, on this machine and without a key."""

from __future__ import annotations

import asyncio
import json
import os
import secrets as random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from config.settings import Loaded, load
from demo import world
from gateway import app
from gateway.ids import clock

HOST = "127.0.0.1"
TRIES = 50


async def serve(port: int, data: Path, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Serve until `stop` is set. State is kept in `data`; `say` is told where the pages are."""
    kept, secret_key = _secrets(data)
    found = free_port(port)
    if port not in (0, found):
        say(f"  port {port} is taken; using {found}")
    url = f"http://{HOST}:{found}"
    outside = await world.serve(
        clock, kept, gateway_url=url, ledger_path=data / "shop.jsonl", memory_path=data / "world.json"
    )
    async with outside, ended_by(stop, outside.end_streams):
        variables = {"DEMO_ORIGIN": url, "DEMO_DATA": str(data), "GATEWAY_SECRET_KEY": secret_key}
        loaded = configured(found, outside.environment() | variables)
        await app.serve(
            loaded,
            stop,
            *outside.routes(),
            said=lambda _: say(greeting(url, data)),
            link=lambda conversation: f"{url}/log#{conversation}",
        )


@asynccontextmanager
async def ended_by(stop: asyncio.Event, end: Callable[[], None]) -> AsyncIterator[None]:
    """Calls `end` as soon as `stop` is set: a server waits for streams that are open."""

    async def wait() -> None:
        await stop.wait()
        end()

    task = asyncio.create_task(wait())
    try:
        yield
    finally:
        task.cancel()


def configured(port: int, variables: dict[str, str]) -> Loaded:
    """The demo's configuration. Of the process's environment only the model is listened to, so that a real one can be tried."""
    model = {name: value for name, value in os.environ.items() if name.startswith("GATEWAY__AGENT__")}
    return load(Path(str(files("demo") / "gateway.yaml")), {("listen", "port"): port}, variables | model)


def free_port(port: int) -> int:
    """The first port from this one on that nobody listens at; 0 is any."""
    for candidate in range(port, min(port + TRIES, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port from {port} on")


def _secrets(data: Path) -> tuple[world.Secrets, str]:
    """The demo's own, made once and kept in its folder, so that what is sealed can be opened after a restart."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "secrets.json"
    made = {**asdict(world.Secrets.fresh()), "secret_key": random.token_urlsafe(32)}
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept = {name: before.get(name, fresh) for name, fresh in made.items()}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    secret_key = kept.pop("secret_key")
    return world.Secrets(**kept), secret_key


def greeting(url: str, data: Path) -> str:
    """What to look at, and what to try."""
    from importlib.metadata import version

    return f"""
  gateway {version("support-gateway")} · demo · data in {_short(data)}  (nothing leaves this machine)

  Start here                {url}/
  Shop with the widget      {url}/shop
  Desk (as Slack draws it)  {url}/desk
  WhatsApp and Telegram     {url}/phones
  Log                       {url}/log

  Try   "where is my refund?"   "how do I return something?"   "I want to talk to a human"
  Model offline (built in, needs no key)
  Next  gateway init            Ctrl+C stops
"""


def _short(path: Path) -> str:
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
