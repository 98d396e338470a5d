"""Looking back: a conversation's log, whether the logs are whole, and a copy of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.opened import configured, has_store, reading
from gateway.commands.voice import HERE, Config, Failed, Json, advise, emit, say, table

if TYPE_CHECKING:
    from bus.store import Tenant
    from config.settings import Settings

PAGE = 500


def mount(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(log)
    app.command()(verify)
    app.command()(backup)


def log(
    conversation: Annotated[str, typer.Argument(help="Its id; left out: the newest conversations.")] = "",
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Print all that happened in a conversation: what was said, read, called, decided, and what it cost."""
    settings = configured(config).checked()
    if not conversation:
        return asyncio.run(_newest(settings, as_json))
    lines = asyncio.run(_lines(settings, conversation))
    if as_json:
        return emit(lines)
    from gateway.commands.lines import draw

    return draw(lines)


async def _newest(settings: Settings, as_json: bool) -> None:
    from bus.store import conversations

    async with reading(settings) as tenant:
        items, _ = await tenant.read(conversations.page, limit=20)
    if as_json:
        return emit([{name: getattr(item, name) for name in item.__struct_fields__} for item in items])
    from gateway.commands.lines import when

    rows = [(item.id, item.channel, item.owner, item.status, when(item.updated_at)) for item in items]
    return table(("conversation", "channel", "owner", "status", "last"), rows)


async def _lines(settings: Settings, conversation: str) -> list[dict[str, Any]]:
    from bus.store import conversations

    async with reading(settings) as tenant:
        if await tenant.read(conversations.item, conversation) is None:
            raise Failed(f"no conversation {conversation}", "`gateway log` lists the newest")
        return [line async for line in _pages(tenant, conversation)]


async def _pages(tenant: Tenant, conversation: str) -> Any:
    from bus.store import log as lines
    from gateway.api import line

    seq = 0
    while page := await tenant.read(lines.after, conversation, seq, PAGE):
        for recorded in page:
            yield line(recorded)
        seq = page[-1].seq


def verify(
    config: Config = HERE,
    head: Annotated[bool, typer.Option("--head", help="Print the end of each chain, to keep elsewhere.")] = False,
    as_json: Json = False,
) -> None:
    """Check that no line of any log was changed or taken out: the chain of hashes."""
    settings = configured(config).checked()
    if head:
        return asyncio.run(_heads(settings, as_json))
    checked, broken = asyncio.run(_verified(settings))
    found = [{"conversation": one.conversation, "seq": one.seq, "why": one.why} for one in broken]
    if as_json:
        emit({"ok": not broken, "lines": checked, "broken": found})
    for one in [] if as_json else broken:
        say(f"✖ {one.conversation} line {one.seq}: {one.why}", "red")
    if broken:
        raise typer.Exit(1)
    if not as_json:
        say(f"✔ {checked} lines, every chain is whole", "green")
    return None


async def _verified(settings: Settings) -> tuple[int, list[Any]]:
    from bus.store import log as lines

    async with reading(settings) as tenant:
        return await tenant.read(lines.verify)


async def _heads(settings: Settings, as_json: bool) -> None:
    from bus.store import log as lines

    async with reading(settings) as tenant:
        heads = await tenant.read(lines.heads)
    if as_json:
        return emit([{"conversation": head.conversation, "seq": head.seq, "link": head.link} for head in heads])
    return table(("conversation", "seq", "link"), [(head.conversation, str(head.seq), head.link) for head in heads])


def backup(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A new file, or a folder for it.")],
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Copy the store, and the files that customers and the team have shared, while the gateway serves or not."""
    settings = configured(config).checked()
    if destination.is_dir():
        destination /= f"gateway-{datetime.now(UTC):%Y%m%d-%H%M%S}.db"
    files = destination.with_name(f"{destination.name}.files")
    for place in (destination, files):
        if place.exists():
            raise Failed(f"{place} is there already", "choose another name")
    has_store(settings)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.touch(mode=0o600)
    except OSError as error:
        raise Failed(f"{destination} cannot be written: {error.strerror}", "name a place of your own") from error
    count = asyncio.run(_backup(settings, destination, files))
    if as_json:
        return emit({"file": str(destination), "bytes": destination.stat().st_size, "files": count})
    say(f"✔ {destination}", "green")
    if count is None:
        return advise(f"the files are not in it: they are in {settings.files}, to be copied there", "yellow")
    return say(f"✔ {files}: {count} files", "green") if count else None


async def _backup(settings: Settings, destination: Path, files: Path) -> int | None:
    """How many files were copied, None where they are in a bucket. The store comes first: what it speaks of is there by then."""
    from bus.errors import Unavailable
    from bus.store import open_store
    from channels.files.storage import Folder, storage

    store = open_store(settings.store, readonly=True)
    try:
        await store.backup(str(destination))
    finally:
        await store.close()
    kept = storage(settings.files)
    try:
        return await kept.copy(Folder(files)) if isinstance(kept, Folder) else None
    except Unavailable as error:
        raise Failed(
            f"the files were not copied whole: {error}", f"remove {destination} and {files}, and try again"
        ) from error
