"""Each mechanism taken out once: its invariant must fail without it and hold with it. A zero that nothing can make red proves nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bus.action import Action
from bus.effect import Cap, Claim
from bus.entries import AgentSaid
from bus.errors import Retryable, Stale
from bus.message import Move, Turn, Work
from bus.store import Transaction, actions, arrivals, effects, migrate, outbox, sqlite, turns
from bus.store.claims import Lease
from bus.store.engine import Row, statements
from bus.store.outbox import Post
from bus.store.writing import Unit
from tests.bus.races import takeovers
from tests.bus.scripts import NOW, Held, echo, message, peer, says
from tests.bus.world import World, world_in

Patch = pytest.MonkeyPatch
Check = Callable[[World, Patch], Awaitable[None]]
Break = Callable[[Patch], None]


def without(name: str, *clauses: str, by: str = "") -> Break:
    """The statement without these clauses."""

    def mutate(patch: Patch) -> None:
        sql = statements()[name]
        for clause in clauses:
            assert clause in sql, f"{name} has no {clause}"
            sql = sql.replace(clause, by)
        patch.setitem(statements(), name, sql)

    return mutate


def all_of(*mutations: Break) -> Break:
    def mutate(patch: Patch) -> None:
        for each in mutations:
            each(patch)

    return mutate


# I1: everything acknowledged is stored.


async def acknowledged_is_stored(world: World, patch: Patch) -> None:
    world.agent.script = Held()
    sent = [message(number, at=peer(f"c{number}")) for number in range(50)]
    await asyncio.gather(*(world.accept(inbound) for inbound in sent))
    stored = await world.query("SELECT COUNT(*) FROM inbox")
    assert stored == [(len(sent),)], "acknowledged and not stored"


def acknowledge_without_commit(patch: Patch) -> None:
    commit = sqlite.SqliteStore._commit

    class Forgetful(sqlite3.Connection):
        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
            return super().execute("ROLLBACK" if sql == "COMMIT" else sql, *values)  # type: ignore[arg-type]

    def forget(self: sqlite.SqliteStore, connection: sqlite3.Connection, units: Sequence[Unit]) -> None:
        forgetful = sqlite3.connect(self.path, isolation_level=None, factory=Forgetful)
        forgetful.row_factory = sqlite3.Row
        commit(self, forgetful, units)
        forgetful.close()

    patch.setattr(sqlite.SqliteStore, "_commit", forget)


# I2: each message once.


async def each_message_once(world: World, patch: Patch) -> None:
    await asyncio.gather(*(world.accept(message(number % 20)) for number in range(60)))
    await world.settle()
    said = await world.query("SELECT COUNT(*) FROM entry WHERE kind = 'customer_said'")
    assert said == [(20,)], "of 60 deliveries of 20 messages"


def drop_the_unique_index(patch: Patch) -> None:
    unique = ",\n    UNIQUE (tenant, channel, account, key)"
    changed = [(number, sql.replace(unique, "")) for number, sql in migrate.numbered()]
    assert changed != migrate.numbered()
    patch.setattr(migrate, "numbered", lambda: changed)
    without("inbox_insert", "ON CONFLICT (tenant, channel, account, key) DO NOTHING")(patch)
    without("inbox_memo", statements()["inbox_memo"][statements()["inbox_memo"].index("ON CONFLICT") :])(patch)


# I3: one turn at a time, and in order.


async def turns_do_not_overlap(world: World, patch: Patch) -> None:
    world.agent.script = held = Held()
    await world.say("one")
    await held.reached.wait()
    second = await world.say("two")
    held.go.set()
    await world.settle()
    assert second.work is None, "a second turn beside the first"


async def nothing_overtakes(world: World, patch: Patch) -> None:
    async def fails_once(work: Work, journal: object) -> Turn:
        if work.rows[0].inbound.text == "0" and work.rows[0].attempts == 1:
            raise RuntimeError
        return await echo(work, journal)  # type: ignore[arg-type]

    world.agent.script = fails_once
    for number in range(3):
        await world.say(str(number))
        await world.settle()
    await world.wait_out(4)
    assert [text.removeprefix("re: ") for text in world.tg.texts] in (["0", "1 / 2"], ["0", "1", "2"]), "an inversion"


# I4: one effect per key, no sum above its limit, one decision.


async def one_effect_per_key(world: World, patch: Patch) -> None:
    claim = Claim("refund", "k")
    places = [await world.tenant.write(effects.reserve, claim, f"c{number}", 1, NOW) for number in range(20)]
    assert [place.verdict for place in places].count("go") == 1, "of 20 askings"


async def no_sum_above_its_limit(world: World, patch: Patch) -> None:
    def claim(number: int) -> Claim:
        cap = Cap("customer", 1000, Decimal(10), Decimal(50))
        return Claim("refund", f"k{number}", caps=(cap,), amounts=(("customer", Decimal(10)),))

    asked = (world.tenant.write(effects.reserve, claim(number), "c", number, NOW) for number in range(20))
    places = await asyncio.gather(*asked)
    assert [place.verdict for place in places].count("go") == 5, "of 20 askings of 10 each, 50 at most"


async def one_decision(world: World, patch: Patch) -> None:
    action = Action("act_1", "c1", "tool", "staff", "pending", "refund", {}, "d", "v1", "k", NOW, NOW + 1)
    await world.tenant.write(actions.insert, action)
    move = Move("act_1", "pending", "approved")
    clicks = [world.tenant.write(actions.move, "c1", move, NOW) for _ in range(50)]
    results = await asyncio.gather(*clicks, return_exceptions=True)
    assert sum(isinstance(result, Action) for result in results) == 1, "of 50 clicks"


# I5, I11: in order, once, never old, never after a takeover.


async def words_arrive_in_order_and_once(world: World, patch: Patch) -> None:
    world.agent.script = says("a", "b", "c")
    world.tg.plan = [Retryable(after=5)]
    await world.say("hello")
    await world.wait_out(60)
    assert world.tg.texts == ["a", "b", "c"]


async def one_call_at_a_time(world: World, patch: Patch) -> None:
    world.agent.script = says("a", "b", "c")
    world.tg.gate = asyncio.Event()
    await world.say("hello")
    await world.tg.started.wait()
    await world.sender.sweep()
    await asyncio.sleep(0)
    world.tg.gate.set()
    assert len(world.tg.calls) == 1, "two calls of one line at once"


async def lost_is_looked_up(world: World, patch: Patch) -> None:
    await world.crash_while_sending(arrives=True)
    await world.settle()
    assert world.tg.texts == ["re: hello"], "sent twice"


async def nothing_old_is_sent(world: World, patch: Patch) -> None:
    await world.crash_while_sending(arrives=False)
    world.clock.advance(7 * 86_400)
    await world.settle()
    assert world.tg.texts == [], "a week old"


async def nothing_is_said_after_a_takeover(world: World, patch: Patch) -> None:
    await world.open_case()
    world.agent.script = says("a", "b")
    world.tg.gate = asyncio.Event()
    world.tg.started.clear()
    await world.say("tell me")
    await world.tg.started.wait()
    await world.staff("mine")
    await world.worker.idle()
    world.tg.gate.set()
    await world.settle()
    assert world.tg.texts == ["re: hello", "a", "mine"], "the agent talks over a person"


def ignore(part: str) -> Break:
    """`_over` that does not look at the epoch, or not at the age."""
    over = outbox._over

    def mutated(row: Row, now: int) -> tuple[str, str] | None:
        found = over(row, now)
        return None if found and found[0] == part else found

    return lambda patch: patch.setattr(outbox, "_over", mutated)


def resend_blindly(patch: Patch) -> None:
    resume = outbox._resume

    def mutated(tx: Transaction, row: Row, now: int) -> Post | None:
        post = resume(tx, row, now)
        return msgspec.structs.replace(post, lost=False) if post else None

    patch.setattr(outbox, "_resume", mutated)


async def no_late_words(world: World, patch: Patch) -> None:
    late, races = await takeovers(world, patch, rounds=5, at_once=10)
    assert late == 0, f"of {len(races)} takeovers"


# I9: whoever lost the lease cannot write.


async def the_stale_cannot_write(world: World, patch: Patch) -> None:
    lease = Lease("p1", NOW + 30_000)
    first = await world.tenant.write(arrivals.accept, message(1), side="customer", now=NOW, fresh="c1", lease=lease)
    world.clock.advance(31)
    world.agent.script = held = Held()
    await world.worker.sweep()
    await held.reached.wait()
    assert first.work is not None
    late = Turn(entries=(AgentSaid(text="late"),))
    commit = world.tenant.write(turns.commit, first.work, late, lease, NOW, world.new_id, ())
    (result,) = await asyncio.gather(commit, return_exceptions=True)
    held.go.set()
    assert isinstance(result, Stale), "a stale write was accepted"


async def neighbours_do_not_share_failures(world: World, patch: Patch) -> None:
    def fails(tx: Transaction) -> None:
        tx.run("setting_set", name="half", value="x")
        raise Stale

    await asyncio.gather(world.tenant.write(fails), world.tenant.write(lambda tx: None), return_exceptions=True)
    assert await world.query("SELECT * FROM setting") == [], "half of a failed unit was kept"


def no_savepoint(patch: Patch) -> None:
    def run(connection: sqlite3.Connection, unit: Unit) -> None:
        try:
            unit.result = unit.work(sqlite._Transaction(connection, unit.tenant))
        except Exception as error:  # noqa: BLE001 - as the engine does
            unit.error = error

    patch.setattr(sqlite, "_run_unit", run)


def no_heed(patch: Patch) -> None:
    patch.setattr(turns, "heed", lambda *_: None)


MECHANISMS: dict[str, tuple[Check, Break]] = {
    "commit before acknowledging": (acknowledged_is_stored, acknowledge_without_commit),
    "unique inbox key": (each_message_once, drop_the_unique_index),
    "lease": (turns_do_not_overlap, without("conversation_take_lease", "AND lease_until <= :now")),
    "unfinished turns stand first": (
        nothing_overtakes,
        without("inbox_ready", "(due_at <= :now OR turn > 0)", by="due_at <= :now"),
    ),
    "effect reservation": (one_effect_per_key, without("effect_find", "WHERE", by="WHERE 1 = 0 AND")),
    "limits": (no_sum_above_its_limit, without("effect_amounts", "WHERE", by="WHERE 1 = 0 AND")),
    "compare-and-set": (one_decision, without("action_move", "AND state = :before")),
    "fifo": (words_arrive_in_order_and_once, without("outbox_first", "ORDER BY id", by="ORDER BY id DESC")),
    "one call at a time": (
        one_call_at_a_time,
        all_of(
            without("outbox_first", "IN ('pending', 'sending')", by="= 'pending'"),
            without("outbox_due", "NOT EXISTS", by="1 OR EXISTS"),
        ),
    ),
    "look before sending again": (lost_is_looked_up, resend_blindly),
    "age": (nothing_old_is_sent, ignore("expired")),
    "epoch": (nothing_is_said_after_a_takeover, ignore("withdrawn")),
    "interrupt at commit": (no_late_words, no_heed),
    "fencing token": (the_stale_cannot_write, without("conversation_hold_lease", "AND lease_token = :token")),
    "savepoint": (neighbours_do_not_share_failures, no_savepoint),
}  # fmt: skip


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_the_invariant_holds(mechanism: str, world: World, monkeypatch: Patch) -> None:
    await MECHANISMS[mechanism][0](world, monkeypatch)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_and_fails_without_its_mechanism(mechanism: str, tmp_path: Path, monkeypatch: Patch) -> None:
    check, mutate = MECHANISMS[mechanism]
    mutate(monkeypatch)
    async with world_in(tmp_path) as world:
        with pytest.raises(AssertionError):
            await check(world, monkeypatch)
