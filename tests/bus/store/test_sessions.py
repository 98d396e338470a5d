"""Sessions in the store: what begins, what is renewed, what ends, and what a session may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.entries import AgentSaid, CustomerEdited, CustomerSaid, StaffNoted
from bus.message import Address, Customer
from bus.store import Tenant, conversations, log, open_store, sessions
from bus.store.engine import Transaction
from bus.store.sessions import GRACE, Opened, Opening, Session
from tests.bus.scripts import raw

DAY = 86_400_000


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    yield store.tenant("default")
    await store.close()


def opening(
    token: str, peer: str, *, customer: Customer | None = None, renews: str = "", channel: str = "web"
) -> Opening:
    return Opening(
        digest=token,
        address=Address("default", channel, "", peer),
        conversation=f"c_{token}",
        scope=f"s_{token}",
        visitor_until=30 * DAY,
        customer_until=DAY,
        customer=customer,
        renews=renews,
    )


async def begin(tenant: Tenant, token: str, peer: str, *, renews: str = "", now: int = 0) -> Opened:
    opened = await tenant.write(sessions.begin, opening(token, peer, renews=renews), now)
    assert opened is not None
    return opened


async def test_a_session_is_found_until_it_ends(tenant: Tenant) -> None:
    opened = await begin(tenant, "t1", "visitor:1")
    key = Address("default", "web", "", "visitor:1").key
    assert opened == Opened(Session("t1", "web", key, "c_t1", "", "s_t1", 30 * DAY))
    assert await tenant.read(sessions.find, "t1", 30 * DAY - 1) == opened.session
    assert await tenant.read(sessions.find, "t1", 30 * DAY) is None
    assert await tenant.read(sessions.find, "t2", 0) is None


async def test_a_renewal_keeps_conversation_and_scope(tenant: Tenant) -> None:
    first = await begin(tenant, "t1", "visitor:1")
    second = await begin(tenant, "t2", "visitor:2", renews="t1", now=DAY)
    assert (second.session.conversation, second.session.scope) == ("c_t1", "s_t1")
    assert second.session.address == first.session.address
    assert second.left == "c_t1"
    assert await tenant.read(sessions.find, "t1", DAY + GRACE - 1)
    assert await tenant.read(sessions.find, "t1", DAY + GRACE) is None


async def test_a_renewal_never_makes_the_old_one_longer(tenant: Tenant) -> None:
    await begin(tenant, "t1", "visitor:1")
    end = 30 * DAY
    await begin(tenant, "t2", "visitor:2", renews="t1", now=end - 1)
    assert await tenant.read(sessions.find, "t1", end) is None


async def test_only_a_live_session_of_the_same_channel_is_renewed(tenant: Tenant) -> None:
    await begin(tenant, "t1", "visitor:1")
    for asked, now in (
        (opening("t2", "visitor:2", renews="t9"), 0),
        (opening("t2", "visitor:2", renews="t1"), 30 * DAY),
        (opening("t2", "visitor:2", renews="t1", channel="second"), 0),
    ):
        assert await tenant.write(sessions.begin, asked, now) is None
    assert await tenant.read(sessions.find, "t2", 0) is None


async def test_a_customer_is_remembered(tenant: Tenant) -> None:
    ana = Customer("web", "ana", "Ana", "ana@mail.example", "es", "sealed", 5 * DAY)
    opened = await tenant.write(sessions.begin, opening("t1", "sub:ana", customer=ana), 0)
    assert opened is not None
    assert (opened.session.subject, opened.session.expires_at) == ("ana", DAY)
    conversation = await tenant.read(conversations.load, "c_t1")
    assert conversation is not None
    assert conversation.customer == ana
    found = await tenant.read(sessions.find, "t1", 0)
    assert found is not None
    assert found.name == "Ana"


async def test_another_tenant_finds_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}")
    here, there = store.tenant("here"), store.tenant("there")
    await begin(here, "t1", "visitor:1")
    assert await there.read(sessions.find, "t1", 0) is None
    assert await there.read(sessions.view, "t1", 0, 0, 10) is None
    assert await there.read(sessions.pulse, ["t1"], 0) == {}
    assert not await there.write(sessions.end, "t1")
    assert await here.write(sessions.end, "t1")
    await store.close()


async def test_expired_sessions_are_swept(tenant: Tenant) -> None:
    await begin(tenant, "t1", "visitor:1")
    await begin(tenant, "t2", "visitor:2", now=1)
    assert await tenant.write(sessions.sweep, 30 * DAY - 1) == 0
    assert await tenant.write(sessions.sweep, 30 * DAY) == 2


async def test_a_view_shows_what_the_customer_may_see_and_where_the_log_is(tenant: Tenant) -> None:
    await begin(tenant, "t1", "visitor:1")
    lines = [
        CustomerSaid(text="A-1", id="s:1%_"),
        StaffNoted(text="internal"),
        AgentSaid(text='an "id":"s:1%_" in words'),
        CustomerEdited(text="A-2", id="s:2", of="s:1%_"),
    ]
    await tenant.write(log.append, "c_t1", lines, 0)
    view = await tenant.read(sessions.view, "t1", 0, 0, 10)
    assert view is not None
    assert [(line.seq, line.kind, replaces) for line, replaces in view.lines] == [
        (1, "customer_said", 0),
        (3, "agent_said", 0),
        (4, "customer_edited", 1),
    ]
    assert (view.seq, view.owner, view.owner_name, view.delivered) == (4, "agent", "", 0)
    later = await tenant.read(sessions.view, "t1", 3, 0, 10)
    assert later is not None
    assert [line.seq for line, _ in later.lines] == [4]
    few = await tenant.read(sessions.view, "t1", 0, 0, 2)
    assert few is not None
    assert [line.seq for line, _ in few.lines] == [1, 3]
    assert await tenant.read(sessions.view, "t1", 0, 30 * DAY, 10) is None
    assert await tenant.read(sessions.pulse, ["t1", "t9"], 0) == {"t1": 4}


async def test_what_was_erased_is_not_shown(tenant: Tenant) -> None:
    await begin(tenant, "t1", "visitor:1")
    await tenant.write(log.append, "c_t1", [AgentSaid(text="one"), AgentSaid(text="two")], 0)

    def erase(tx: Transaction) -> None:
        raw(tx, "UPDATE entry SET body = NULL, salt = NULL WHERE seq = 1")

    await tenant.write(erase)
    for after in (0, None):
        view = await tenant.read(sessions.view, "t1", after, 0, 10)
        assert view is not None
        assert [line.seq for line, _ in view.lines] == [2]
