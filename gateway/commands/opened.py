"""What commands work on: the configuration, the store read beside a running gateway, and the running gateway itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.commands.voice import Failed

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from bus.store import Tenant
    from config.settings import Loaded, Settings

TENANT = "default"


def configured(path: Path, overrides: dict[tuple[str, ...], Any] | None = None) -> Loaded:
    """The configuration, whole and right. Raises Refused with every problem, Failed when there is none."""
    from config.settings import load

    exists(path)
    loaded = load(path, overrides)
    loaded.checked()
    return loaded


def exists(path: Path) -> None:
    """Raises Failed when there is no configuration."""
    if not path.exists():
        place = f"no {path.name} here" if path.parent == Path() else f"no {path.name} in {path.parent}"
        raise Failed(place, "run `gateway init`")


def has_store(settings: Settings) -> None:
    """Raises Failed when there is no store yet."""
    from config.problems import shown

    if settings.store_path is not None and not settings.store_path.exists():
        raise Failed(f"no store at {shown(settings.store_path)} yet", "`gateway run` makes it")


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Tenant]:
    """The store for reading only; a gateway may be serving from it."""
    from bus.store import open_store

    has_store(settings)
    store = open_store(settings.store, readonly=True)
    try:
        yield store.tenant(TENANT)
    finally:
        await store.close()


@asynccontextmanager
async def writing(settings: Settings) -> AsyncIterator[Tenant]:
    """The store for writing while no gateway runs. Raises Unavailable when one does."""
    from bus.store import open_store

    store = open_store(settings.store)
    try:
        yield store.tenant(TENANT)
    finally:
        await store.close()


class Operator:
    """The running gateway's /api/v1, as the operator."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def get(self, path: str) -> Any:
        """The answer's JSON. Raises Failed with what the gateway said."""
        return await self._call("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises Failed with what the gateway said."""
        return await self._call("POST", path, body)

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, f"{self.url}/api/v1/{path}", json=body) as answer:
            if answer.status == 401:
                raise Failed(
                    f"the gateway at {self.url} does not know this operator_token", "is it another one's port?"
                )
            said = await answer.json() if answer.content_type == "application/json" else {}
            if answer.status >= 400:
                raise Failed(str(said.get("error", f"the gateway answered {answer.status}")))
            return said


async def answers(url: str) -> bool:
    """Does a gateway listen there?"""
    from aiohttp import ClientError, ClientSession, ClientTimeout

    try:
        async with ClientSession(timeout=ClientTimeout(total=2)) as session, session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except (ClientError, TimeoutError, OSError):
        return False


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Operator | None]:
    """The gateway that listens where this configuration says, None when none answers there."""
    from aiohttp import ClientSession, ClientTimeout

    if not settings.operator_token or not await answers(settings.local_url):
        yield None
        return
    headers = {"Authorization": f"Bearer {settings.operator_token[0].get_secret_value()}"}
    async with ClientSession(headers=headers, timeout=ClientTimeout(total=10)) as session:
        yield Operator(session, settings.local_url)
