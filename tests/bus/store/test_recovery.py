"""At start everything is free, and nothing of it is forgotten."""

from __future__ import annotations

from bus.store import Tenant, arrivals, claims
from bus.store.claims import Lease
from bus.store.recovery import everything
from tests.bus.scripts import NOW, message


async def test_a_dead_process_holds_nothing(tenant: Tenant) -> None:
    lease = Lease("dead", NOW + 30_000)
    dead = await tenant.write(arrivals.accept, message(1), side="customer", now=NOW, lease=lease)
    assert dead.work is not None
    assert await tenant.write(everything) == 1
    (work,) = await tenant.write(claims.due, Lease("p2", NOW + 30_000), NOW, 9, suspects=True)
    assert (work.turn, work.rows[0].attempts) == (dead.work.turn, 2)
    assert work.token > dead.work.token
    assert not await tenant.write(claims.release, "c1", lease, dead.work.token)
