"""The log: append-only, gap-free, chained; what was changed, cut or taken out shows, what was erased still counts."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from bus.entries import AgentSaid, Claimed, CustomerSaid, Erased, ModelReplied, StaffNoted, StaffSaid, SystemSaid
from bus.store import Tenant, Transaction, conversations, log
from bus.store.log import Broken, Head
from tests.bus.scripts import NOW, peer, raw


async def said(tenant: Tenant, *texts: str) -> list[int]:
    return await tenant.write(log.append, "c1", [AgentSaid(text=text) for text in texts], NOW)


async def test_lines_are_numbered_without_gaps_even_from_many_at_once(tenant: Tenant) -> None:
    seqs = await asyncio.gather(*(said(tenant, f"{number}", "and more") for number in range(100)))
    assert sorted(seq for pair in seqs for seq in pair) == list(range(1, 201))
    assert await tenant.read(log.verify) == (200, [])


async def test_a_failed_unit_leaves_no_gap(tenant: Tenant) -> None:
    def fails(tx: Transaction) -> None:
        log.append(tx, "c1", [AgentSaid(text="never")], NOW)
        raise RuntimeError

    results = await asyncio.gather(said(tenant, "a"), tenant.write(fails), said(tenant, "b"), return_exceptions=True)
    assert [results[0], results[2]] == [[1], [2]]
    assert await tenant.read(log.verify) == (2, [])


async def test_no_lines_are_no_write_and_no_conversation_is_an_error(tenant: Tenant) -> None:
    assert await tenant.write(log.append, "c1", [], NOW) == []
    with pytest.raises(KeyError):
        await tenant.write(log.append, "c9", [AgentSaid(text="x")], NOW)


async def test_a_line_knows_its_time_turn_and_episode(tenant: Tenant) -> None:
    await tenant.write(log.append, "c1", [AgentSaid(text="a")], NOW + 5, 7)
    await tenant.write(log.append, "c1", [AgentSaid(text="b")], NOW + 6, 8, 3)
    lines = await tenant.read(log.after, "c1", 0, 10)
    assert [(line.seq, line.at, line.turn, line.episode) for line in lines] == [(1, NOW + 5, 7, 1), (2, NOW + 6, 8, 3)]


async def test_the_chain_is_the_one_that_is_written_down(tenant: Tenant) -> None:
    """link = SHA-256(prev ‖ seq ‖ at ‖ kind ‖ v ‖ body_digest), body_digest = SHA-256(salt ‖ body)."""
    await said(tenant, "a", "b")
    first, second = await tenant.read(raw, "SELECT salt, body, body_digest, link FROM entry ORDER BY seq")
    assert first[2] == hashlib.sha256((first[0] + first[1]).encode()).hexdigest()
    digest = hashlib.sha256(f"{first[3]}\n2\n{NOW}\nagent_said\n1\n{second[2]}".encode()).hexdigest()
    assert second[3] == digest
    assert await tenant.read(log.heads) == [Head("c1", 2, digest)]
    assert first[0] != second[0], "every body has its own salt"


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ('UPDATE entry SET body = \'{"text": "other"}\' WHERE seq = 2', Broken("c1", 2, "the body was changed")),
        ("UPDATE entry SET at = at + 1 WHERE seq = 2", Broken("c1", 2, "the link does not fit")),
        ("UPDATE entry SET kind = 'staff_said' WHERE seq = 2", Broken("c1", 2, "the link does not fit")),
        ("DELETE FROM entry WHERE seq = 2", Broken("c1", 3, "line 2 is missing")),
        ("DELETE FROM entry WHERE seq = 3", Broken("c1", 3, "the chain ends before its head")),
        ("DELETE FROM entry", Broken("c1", 1, "the chain ends before its head")),
        ("UPDATE entry SET body_digest = 'x', body = NULL WHERE seq = 1", Broken("c1", 1, "the link does not fit")),
        ("UPDATE conversation SET head = 'x' WHERE id = 'c1'", Broken("c1", 4, "the chain ends before its head")),
    ],
)
async def test_what_was_tampered_with_shows(tenant: Tenant, tampering: str, found: Broken) -> None:
    await said(tenant, "a", "b", "c")
    await tenant.write(conversations.create, "c2", peer("bob"), NOW)
    await tenant.write(raw, tampering)
    _, broken = await tenant.read(log.verify)
    assert broken == [found]


async def test_an_erased_line_reads_as_erased_and_the_chain_holds(tenant: Tenant) -> None:
    await said(tenant, "secret", "kept")
    await tenant.write(raw, "UPDATE entry SET body = NULL, salt = NULL WHERE seq = 1")
    for read in (log.after, log.newest):
        lines = await tenant.read(read, "c1", 0 if read is log.after else 10, 10)
        assert [line.entry for line in lines] == [Erased(was="agent_said"), AgentSaid(text="kept")]
    one = await tenant.read(log.one, "c1", 1)
    assert one is not None
    assert one.entry == Erased(was="agent_said")
    assert [line.seq for line in await tenant.read(log.newest_said, "c1", 10)] == [2]
    assert await tenant.read(log.verify) == (2, [])
    assert (await said(tenant, "goes on"), await tenant.read(log.verify)) == ([3], (3, []))


async def test_the_readers_of_a_part(tenant: Tenant) -> None:
    entries = [
        CustomerSaid(text="hi"), ModelReplied(model="m", step=1), AgentSaid(text="a"), StaffNoted(text="n"),
        StaffSaid(text="s"), Claimed(by="U1"), SystemSaid(text="y"),
    ]  # fmt: skip
    await tenant.write(log.append, "c1", entries, NOW, 4)

    async def seqs(*what: Any) -> list[int]:
        return [line.seq for line in await tenant.read(*what)]

    assert await seqs(log.after, "c1", 2, 3) == [3, 4, 5]
    assert await seqs(log.newest, "c1", 2) == [6, 7]
    assert await seqs(log.newest, "c1", 2, 5) == [4, 5]
    assert await seqs(log.newest_said, "c1", 3) == [3, 5, 7]
    assert await seqs(log.ours_between, "c1", 3, 6) == [5]
    assert await seqs(log.steps, "c1", 4) == [2]
    assert await tenant.read(log.one, "c1", 9) is None
