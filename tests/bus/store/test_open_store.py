"""Opening and closing: which URL is which file, one process per folder, readers beside it, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bus.errors import Unavailable
from bus.store import Tenant, open_store
from bus.store.sqlite import SqliteStore
from tests.bus.store.verbs import get, put


@pytest.fixture
def tenant(store: SqliteStore) -> Tenant:
    return store.tenant("default")


async def elsewhere(code: str, store: SqliteStore) -> tuple[str, str]:
    """(stdout, stderr) of another process that runs this with the store's URL."""
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, f"sqlite:///{store.path}", stdout=pipe, stderr=pipe
    )
    out, err = await other.communicate()
    return out.decode(), err.decode()


async def test_closing_commits_what_is_queued(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    for number in range(700):
        store.tenant("default").queue(put, f"n{number}")
    write = store.tenant("default").write(put, "last")
    await store.close()
    await write
    await store.close()
    again = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    count = await again.tenant("default").read(
        lambda tx: tx._connection.execute("SELECT COUNT(*) FROM setting").fetchone()[0]  # type: ignore[attr-defined]
    )
    await again.close()
    assert count == 701


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    tenant = store.tenant("default")
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        tenant.write(put, "a")
    with pytest.raises(Unavailable, match="closed"):
        tenant.queue(put, "a")
    with pytest.raises(Unavailable, match="closed"):
        await tenant.read(get, "a")
    assert not await store.healthy()


async def test_one_process_serves_a_folder(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"served by pid {os.getpid()}"):
        open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    code = "import sys; from bus.store import open_store; open_store(sys.argv[1])"
    out, err = await elsewhere(code, store)
    assert out == ""
    assert "is served by pid" in err


async def test_another_process_may_read_a_store_that_is_served(store: SqliteStore, tenant: Tenant) -> None:
    await tenant.write(put, "a", "seen")
    code = (
        "import asyncio, sys; from bus.store import open_store\n"
        "store = open_store(sys.argv[1], readonly=True)\n"
        "async def main():\n"
        "    row = await store.tenant('default').read(lambda tx: tx.one('setting_get', name='a'))\n"
        "    print(row['value']); await store.close()\n"
        "asyncio.run(main())\n"
    )
    assert await elsewhere(code, store) == ("seen\n", "")
    await tenant.write(put, "a", "and goes on")


async def test_a_store_at_rest_can_be_read(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    await store.tenant("default").write(put, "a")
    await store.close()
    reading = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", readonly=True)
    assert await reading.tenant("default").read(get, "a") == "x"
    with pytest.raises(Unavailable, match="for reading"):
        reading.tenant("default").write(put, "a")
    await reading.close()


def test_reading_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="there is no store at"):
        open_store(f"sqlite:///{tmp_path / 'gateway.db'}", readonly=True)
    assert list(tmp_path.iterdir()) == []


async def test_relative_and_absolute_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, base, path in (
        ("sqlite:///data/a.db", tmp_path / "etc", tmp_path / "etc" / "data" / "a.db"),
        ("sqlite:///b.db", None, tmp_path / "b.db"),
        (f"sqlite:////{str(tmp_path).lstrip('/')}/c d%41?#.db", tmp_path / "etc", tmp_path / "c d%41?#.db"),
    ):
        store = open_store(url, base=base)
        await store.tenant("default").write(put, "a")
        assert await store.tenant("default").read(get, "a") == "x"
        await store.close()
        assert path.is_file(), url


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:////",
        "sqlite:///:memory:",
        "sqlite://host/a.db",
        "postgresql://u:secret@h/db",
        "a.db",
        "",
    ],
)
def test_what_cannot_be_opened_is_named_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="use sqlite:///data/") as error:
        open_store(url)
    assert "secret" not in str(error.value)


async def test_a_file_that_is_no_database_is_refused_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"this is no database" * 100)
    for _ in range(2):
        with pytest.raises(Unavailable, match="not a database"):
            open_store(f"sqlite:///{path}")


async def test_a_tenant_has_a_name_and_nobody_elses_rows(store: SqliteStore, tenant: Tenant) -> None:
    await tenant.write(put, "a")
    assert await store.tenant("other").read(get, "a") is None
    with pytest.raises(ValueError, match="name"):
        store.tenant("")


def test_every_statement_asks_for_its_tenant() -> None:
    from bus.store.engine import statements

    assert [name for name, sql in statements().items() if ":tenant" not in sql] == []
