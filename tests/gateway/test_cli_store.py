"""Commands that look at the store, while no gateway runs."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bus.entries import AgentSaid, CustomerSaid, Decided, ToolAnswered, ToolAsked, Understood
from bus.message import Address, Attachment, Customer
from bus.store import conversations, log, open_store
from bus.store.engine import Transaction
from channels.files.shelf import Shelf
from channels.files.storage import Folder
from gateway.__main__ import main

Say = Callable[..., str]
PNG = b"\x89PNG\r\n\x1a\n" + b"\1" * 1000
NOW = 1_763_650_000_000


def talk(tx: Transaction) -> None:
    """One conversation with a turn."""
    address = Address("default", "web", "site", "visitor-1")
    conversations.create(tx, "conv_1", address, NOW, Customer("web", "ana", name="Ana"))
    log.append(tx, "conv_1", [CustomerSaid(text="where is it?\n\x1b[2Jnow", id="m1")], NOW)
    steps = [
        Understood(
            step=1, intent="order_status", sentiment={"label": "neutral", "score": 0.0}, language="en", urgency="low",
            entities={"order_id": "A-12345"}, category="general", confidence=0.9,
        ),
        ToolAsked(step=2, tool="get_order", args={"order_id": "A-12345"}, policy={"verdict": "go", "because": ""}),
        ToolAnswered(step=3, tool="get_order", status="ok", result={"status": "sent"}, milliseconds=12),
        Decided(decision="send", reason="", confidence=0.91, band="send", cost=Decimal("0.0021"), spec="abc"),
        AgentSaid(text="It was sent."),
    ]  # fmt: skip
    log.append(tx, "conv_1", steps, NOW + 1000, turn=1)


@pytest.fixture(autouse=True)
def record(home: Path) -> None:
    """One conversation in the store."""

    async def fill() -> None:
        store = open_store(f"sqlite:///{home}/data/gateway.db")
        await store.tenant("default").write(talk)
        await store.close()

    asyncio.run(fill())


@pytest.fixture
def said(home: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command and return what it printed."""

    def run(*arguments: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main(arguments) == status
        out, err = capsys.readouterr()
        return out or err

    return run


def test_the_log_of_a_conversation_explains_its_turn(said: Say) -> None:
    lines = said("log", "conv_1").splitlines()
    assert [line[14:].strip() for line in lines] == [
        "customer     where is it?",
        "\\x1b[2Jnow",
        "",
        "understood   order_status 0.90 · en · neutral order_id=A-12345",
        "tool_asked   get_order(order_id=A-12345) → go",
        'tool_answered get_order ok in 12 ms: {"status":"sent"}',
        "decided      send · 0.91 send · $0.0021 · spec abc",
        "agent        It was sent.",
    ]


def test_the_log_for_programs_is_what_the_api_says(said: Say) -> None:
    lines: list[dict[str, Any]] = json.loads(said("log", "conv_1", "--json"))
    assert [(line["seq"], line["kind"], line["turn"]) for line in lines][:2] == [
        (1, "customer_said", 0),
        (2, "understood", 1),
    ]
    assert lines[4]["cost"] == 0.0021


def test_without_a_name_the_newest_conversations_are_listed(said: Say) -> None:
    heading, row = said("log").splitlines()
    assert heading.split("\t") == ["conversation", "channel", "owner", "status", "last"]
    assert row.split("\t")[:4] == ["conv_1", "web", "agent", "open"]
    assert json.loads(said("log", "--json"))[0]["customer"]["name"] == "Ana"


def test_an_unknown_conversation_is_said(said: Say) -> None:
    assert said("log", "conv_2", status=1) == "✖ no conversation conv_2; `gateway log` lists the newest\n"


def test_whole_chains_are_verified(said: Say) -> None:
    assert said("verify") == "✔ 6 lines, every chain is whole\n"
    assert json.loads(said("verify", "--json")) == {"ok": True, "lines": 6, "broken": []}
    (head,) = json.loads(said("verify", "--head", "--json"))
    assert (head["conversation"], head["seq"], len(head["link"])) == ("conv_1", 6, 64)


def test_a_changed_line_is_found(home: Path, said: Say) -> None:
    with sqlite3.connect(home / "data" / "gateway.db") as connection:
        connection.execute("UPDATE entry SET body = replace(body, 'It was', 'It was not') WHERE seq = 6")
    assert said("verify", status=1) == "✖ conv_1 line 6: the body was changed\n"
    assert json.loads(said("verify", "--json", status=1))["ok"] is False


def test_a_backup_is_a_store_and_only_its_owner_can_read_it(home: Path, said: Say) -> None:
    copy = home / "copies" / "gateway.db"
    assert said("backup", str(copy)) == f"✔ {copy}\n"
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (6,)
    assert said("backup", str(copy), status=1) == f"✖ {copy} is there already; choose another name\n"
    assert said("backup", str(home / "copies")).startswith(f"✔ {home}/copies/gateway-20")


def test_a_backup_takes_the_files_along_and_a_gateway_made_from_it_has_them(home: Path, said: Say) -> None:
    photo = Attachment("photo.png", "image/png", 0, "file-1", channel="telegram")

    async def platform(_: Attachment) -> AsyncIterator[bytes]:
        yield PNG

    kept = asyncio.run(shelf(home / "data" / "files").bring("telegram", photo, platform))
    half = home / "data" / "files" / "ab" / "abcd"  # still being brought: nothing describes it yet
    half.parent.mkdir()
    half.write_bytes(b"half")
    copy = home / "copies" / "gateway.db"
    assert said("backup", str(copy)) == f"✔ {copy}\n✔ {copy}.files: 1 files\n"

    restored = home / "restored" / "files"
    shutil.move(f"{copy}.files", restored)

    async def read() -> bytes:
        found = await shelf(restored).about(kept.id)
        assert found == kept
        return b"".join([piece async for piece in shelf(restored).read(found)])

    assert asyncio.run(read()) == PNG
    assert not list(restored.rglob("abcd*"))
    assert {path.stat().st_mode & 0o077 for path in restored.rglob("*")} == {0}


def shelf(folder: Path) -> Shelf:
    return Shelf(Folder(folder), ["a secret key of at least thirty-two bytes"], "https://support.example.com")


def test_files_in_a_bucket_are_said_not_to_be_in_the_backup(home: Path, said: Say) -> None:
    (home / "gateway.yaml").write_text((home / "gateway.yaml").read_text() + "\nfiles: s3://support/files\n")
    copy = home / "copies" / "gateway.db"
    assert said("backup", str(copy)) == f"✔ {copy}\n"
    assert json.loads(said("backup", str(home / "other.db"), "--json"))["files"] is None


def test_versions_are_kept_compared_and_moved(home: Path, said: Say) -> None:
    first = said("spec", "publish").split()[1]
    (home / "agent.yaml").write_text((home / "agent.yaml").read_text().replace("name: support", "name: helper"))
    changed = said("spec", "diff").splitlines()
    assert [line for line in changed if line[:1] in "+-"][2:] == ["-name: support", "+name: helper"]
    second = said("spec", "publish").split()[1]
    listed = json.loads(said("spec", "list", "--json"))
    assert [(one["id"], one["live"]) for one in listed] == [(first, False), (second, True)]
    assert said("spec", "rollback") == f"✔ {first} is live\n"
    assert [line.split("\t")[:3] for line in said("spec", "list").splitlines()[1:]] == [
        ["●", "1", first],
        ["", "2", second],
    ]
    assert (
        said("spec", "rollback", status=1)
        == "✖ there is no version before the live one; `gateway spec list` shows them\n"
    )
    assert said("spec", "publish", "2") == f"✔ {second} is live\n"
    assert said("spec", "publish", "7", status=1) == "✖ no version 7; `gateway spec list` shows them\n"
    assert said("spec", "diff", "1", "2").splitlines()[-1] != ""


def test_a_spec_that_cannot_work_is_not_published(home: Path, said: Say) -> None:
    (home / "agent.yaml").write_text("nmae: x\n")
    assert 'agent.yaml:1: nmae: unknown key; did you mean "name"?' in said("spec", "publish", status=1)
