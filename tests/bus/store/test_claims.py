"""What is next: the lease, the order of rows, and which of them are one turn."""

from __future__ import annotations

from bus.effect import Claim
from bus.entries import CustomerEdited, CustomerPressed, CustomerSaid, Reopened
from bus.message import Attachment, Inbound, Memo, Side, Work
from bus.store import Tenant, Transaction, claims, effects, inbox, log
from bus.store.claims import Lease
from tests.bus.scripts import NOW, message, raw, thread

LEASE = Lease("p1", NOW + 30_000)


async def waits(tenant: Tenant, *inbounds: Inbound, side: Side = "customer") -> None:
    for inbound in inbounds:
        await tenant.write(inbox.insert, inbound, "c1", side, NOW)


async def taken(tenant: Tenant, now: int = NOW, owner: str = "p1") -> Work | None:
    return await tenant.write(claims.claim, "c1", Lease(owner, now + 30_000), now)


def keys(work: Work | None) -> list[str]:
    return [row.inbound.key.rpartition(":")[2] for row in work.rows] if work else []


async def free(tenant: Tenant, work: Work | None) -> None:
    assert work is not None
    assert await tenant.write(claims.release, "c1", LEASE, work.token)


async def test_a_lease_is_taken_once_until_it_expires_and_its_token_grows(tenant: Tenant) -> None:
    await waits(tenant, message(1))
    first = await taken(tenant)
    assert first is not None
    assert await taken(tenant) is None
    assert await taken(tenant, NOW + 29_999) is None
    second = await taken(tenant, NOW + 30_000, "p2")
    assert second is not None
    assert (first.token, second.token) == (1, 2)
    assert not await tenant.write(claims.release, "c1", LEASE, first.token)
    assert not await tenant.write(claims.release, "c1", LEASE, second.token), "somebody else's"


async def test_without_a_lease_or_work_nothing_is_held(tenant: Tenant) -> None:
    assert await tenant.write(claims.claim, "c1", None, NOW) is None
    assert await taken(tenant) is None
    await waits(tenant, message(1))
    assert await taken(tenant) is not None


async def test_a_burst_is_one_turn_and_everything_else_its_own(tenant: Tenant) -> None:
    press = message(3, kind="press", button="yes")
    await waits(tenant, message(1), message(2), press, message(4), message(5))
    work, turns = await taken(tenant), []
    while work is not None:
        turns.append(keys(work))

        def done_and_next(tx: Transaction, work: Work = work) -> Work | None:
            for row in work.rows:
                tx.run("inbox_done", id=row.id)
            return claims.next_work(tx, "c1", LEASE, work.token, NOW)

        work = await tenant.write(done_and_next)
    assert turns == [["1", "2"], ["3"], ["4", "5"]]


async def test_staff_comes_first_and_one_by_one(tenant: Tenant) -> None:
    await waits(tenant, message(1))
    await waits(tenant, message(2, at=thread("t")), message(3, at=thread("t")), side="staff")
    assert keys(await taken(tenant)) == ["2"]


async def test_an_unfinished_turn_comes_before_what_is_new(tenant: Tenant) -> None:
    await waits(tenant, message(1), message(2))
    await free(tenant, await taken(tenant))
    await tenant.write(inbox.remind, "c1", Memo("quiet", "quiet", NOW - 5), NOW)
    await waits(tenant, message(3))
    work = await taken(tenant)
    assert (keys(work), work and work.turn) == (["1", "2"], 1)


async def test_an_unfinished_turn_that_may_have_called_something_comes_even_before_staff(tenant: Tenant) -> None:
    await waits(tenant, message(1))
    work = await taken(tenant)
    assert work is not None
    await tenant.write(effects.reserve, Claim("refund", "k"), "c1", work.turn, NOW)
    await free(tenant, work)
    await waits(tenant, message(2, at=thread("t")), side="staff")
    work = await taken(tenant)
    assert keys(work) == ["1"]

    def interrupt(tx: Transaction) -> str:
        row = tx.one("conversation_by_id", id="c1")
        return str(row["interrupt"]) if row else ""

    assert await tenant.read(interrupt) == "staff"


async def test_what_is_put_off_holds_back_what_came_later_but_not_staff(tenant: Tenant) -> None:
    await waits(tenant, message(1))
    work = await taken(tenant)
    assert work is not None

    def put_off(tx: Transaction) -> None:
        claims.release(tx, "c1", LEASE, work.token)
        tx.run("inbox_later", id=work.rows[0].id, due_at=NOW + 500)

    await tenant.write(put_off)
    await waits(tenant, message(2))
    assert await taken(tenant) is None
    await waits(tenant, message(3, at=thread("t")), side="staff")
    staff = await taken(tenant)
    assert keys(staff) == ["3"]


async def test_the_sweeper_finds_what_is_due_and_free_oldest_first(tenant: Tenant) -> None:
    from bus.store import conversations
    from tests.bus.scripts import peer

    for number in range(2, 6):
        await tenant.write(conversations.create, f"c{number}", peer(f"p{number}"), NOW)
        await tenant.write(inbox.remind, f"c{number}", Memo("quiet", "quiet", NOW + number), NOW)
    assert not await tenant.read(claims.any_due, NOW + 1, suspects=True)
    assert await tenant.read(claims.any_due, NOW + 2, suspects=False)
    works = await tenant.write(claims.due, Lease("p1", NOW + 60_000), NOW + 4, 2, suspects=True)
    assert [work.conversation.id for work in works] == ["c2", "c3"]
    works = await tenant.write(claims.due, Lease("p1", NOW + 60_000), NOW + 4, 9, suspects=True)
    assert [work.conversation.id for work in works] == ["c4"]


async def test_what_the_customer_did_is_the_turns_first_line(tenant: Tenant) -> None:
    picture = Attachment("a.png", "image/png", 3, "file-1")
    await waits(
        tenant, message(1, "hi", attachments=(picture,)), message(2, "hello", kind="edit", target="1"),
        message(3, "Yes", kind="press", button="yes", target="9"),
    )  # fmt: skip
    for _ in range(3):
        work = await taken(tenant)
        assert work is not None

        def done(tx: Transaction, work: Work = work) -> None:
            tx.run("inbox_done", id=work.rows[0].id)
            claims.release(tx, "c1", LEASE, work.token)

        await tenant.write(done)
    said, edited, pressed = [line.entry for line in await tenant.read(log.after, "c1", 0, 9)]
    file = {"name": "a.png", "media_type": "image/png", "size": 3, "source": "file-1", "channel": ""}
    assert said == CustomerSaid(text="hi", id="ada:1", by="ada", attachments=(file,))
    assert edited == CustomerEdited(text="hello", id="ada:2", by="ada", of="1")
    assert pressed == CustomerPressed(text="Yes", id="ada:3", by="ada", button="yes", of="9")


async def test_a_word_reopens_what_was_resolved_and_an_edit_does_not(tenant: Tenant) -> None:
    def resolve(tx: Transaction) -> None:
        raw(tx, "UPDATE conversation SET status = 'resolved'")

    await tenant.write(resolve)
    await waits(tenant, message(1, kind="edit", target="0"), message(2))
    work = await taken(tenant)
    assert work is not None
    assert work.conversation.status == "resolved"

    def done_and_next(tx: Transaction) -> Work | None:
        tx.run("inbox_done", id=work.rows[0].id)
        return claims.next_work(tx, "c1", LEASE, work.token, NOW)

    following = await tenant.write(done_and_next)
    assert following is not None
    assert following.conversation.status == "open"
    assert [type(line.entry) for line in await tenant.read(log.after, "c1", 1, 9)] == [Reopened, CustomerSaid]
