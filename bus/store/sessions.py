"""Sessions of people who fetch: opaque tokens of which only the digest is kept, each tied to one conversation."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bus.entries import CustomerEdited, Recorded, StaffSaid
from bus.message import Address, Customer, Memo
from bus.store import actions, conversations, inbox, log
from bus.store.engine import Row, Transaction

HISTORY = 50
GRACE = 60_000


class Session(msgspec.Struct, frozen=True):
    """A live session. `scope` outlives renewals; `subject` is the customer's id, "" for a visitor; `name` is the customer's."""

    digest: str
    channel: str
    address: str
    conversation: str
    subject: str
    scope: str
    expires_at: int
    name: str = ""


class Opening(msgspec.Struct, frozen=True):
    """A request for a session. `renews` is the digest of the live one to renew, "" for none.

    `address` is where this person is reached: the customer's own when `customer` is verified, else one that nobody has yet.
    `conversation` and `scope` are fresh ids, used when something new begins. The session ends at `visitor_until` or, for a customer,
    `customer_until` (UTC ms).
    """

    digest: str
    address: Address
    conversation: str
    scope: str
    visitor_until: int
    customer_until: int
    customer: Customer | None = None
    renews: str = ""


class Opened(msgspec.Struct, frozen=True):
    """The new session, and the conversation that the renewed one was about ("" when it was none)."""

    session: Session
    left: str = ""


class View(msgspec.Struct, frozen=True):
    """What a session may see now: (line, seq it replaces or 0), who owns the conversation, its last seq, what is delivered."""

    lines: list[tuple[Recorded, int]]
    owner: str
    owner_name: str
    seq: int
    delivered: int


def find(tx: Transaction, digest: str, now: int) -> Session | None:
    """The live session of a token's digest."""
    row = tx.one("session_find", digest=digest, now=now)
    return _session(row) if row else None


def begin(tx: Transaction, opening: Opening, now: int) -> Opened | None:
    """Open or renew a session; None when the one to renew is not live.

    A visitor who proves who they are keeps the conversation, unless the customer has one already: then that one, nothing merged.
    """
    old = find(tx, opening.renews, now) if opening.renews else None
    if opening.renews and (old is None or old.channel != opening.address.channel):
        return None
    if opening.customer is not None:
        address, conversation, scope = _recognise(tx, opening, opening.customer, old, now)
    elif old is not None:
        address, conversation, scope = old.address, old.conversation, old.scope
        tx.run("session_shorten", digest=old.digest, until=now + GRACE)
    else:
        address, conversation, scope = opening.address.key, opening.conversation, opening.scope
        conversations.create(tx, conversation, opening.address, now)
    session = _insert(tx, opening, old, address, conversation, scope, now)
    return Opened(session, old.conversation if old else "")


def _recognise(
    tx: Transaction, opening: Opening, customer: Customer, old: Session | None, now: int
) -> tuple[str, str, str]:
    """(address, conversation, scope) of a verified customer."""
    found = conversations.route(tx, opening.address)
    scope = opening.scope
    if found is not None:
        conversation = found[0]
        scope = _let_go(tx, old, customer, now) or scope
    elif old is not None and not old.subject:
        conversation, scope = old.conversation, old.scope
        conversations.identify(tx, conversation, opening.address, customer)
        tx.run("session_end_visitors", conversation=conversation)
    else:
        conversation = opening.conversation
        conversations.create(tx, conversation, opening.address, now, customer)
        _let_go(tx, old, customer, now)
    _greet(tx, conversation, customer, opening.digest, now)
    return opening.address.key, conversation, scope


def _let_go(tx: Transaction, old: Session | None, customer: Customer, now: int) -> str:
    """The same customer's session stays a moment, in case the answer is lost, and lends its scope; any other ends."""
    if old is None:
        return ""
    if old.subject == customer.id:
        tx.run("session_shorten", digest=old.digest, until=now + GRACE)
        return old.scope
    tx.run("session_end", digest=old.digest)
    return ""


def _greet(tx: Transaction, conversation: str, customer: Customer, digest: str, now: int) -> None:
    """Keep the profile, and wake what waited for this customer to sign in again."""
    customer = _completed(tx, customer)
    conversations.remember(tx, customer, now)
    tx.run(
        "conversation_set_customer",
        id=conversation,
        customer_source=customer.source,
        customer_id=customer.id,
        customer_name=customer.name,
    )
    if any(action.state == "blocked" for action in actions.open_ones(tx, conversation)):
        inbox.remind(tx, conversation, Memo(f"signed_in:{digest[:16]}", "signed_in", now), now)


def _completed(tx: Transaction, customer: Customer) -> Customer:
    """What an identity does not say stays as an earlier one said it; a token comes with its end."""
    row = tx.one("customer_by_id", source=customer.source, id=customer.id)
    if row is None:
        return customer
    token, until = (
        (customer.token, customer.token_expires_at) if customer.token else (row["token"], row["token_expires_at"])
    )
    return Customer(
        customer.source,
        customer.id,
        customer.name or row["name"],
        customer.email or row["email"],
        customer.locale or row["locale"],
        token,
        until,
    )


def _insert(
    tx: Transaction, opening: Opening, old: Session | None, address: str, conversation: str, scope: str, now: int
) -> Session:
    subject = opening.customer.id if opening.customer else old.subject if old else ""
    channel = opening.address.channel
    expires_at = opening.customer_until if subject else opening.visitor_until
    session = Session(opening.digest, channel, address, conversation, subject, scope, expires_at)
    values = msgspec.structs.asdict(session)
    del values["name"]
    tx.run("session_insert", now=now, **values)
    return session


def end(tx: Transaction, digest: str) -> bool:
    """Revoke a session: its streams end within seconds."""
    return tx.run("session_end", digest=digest) > 0


def sweep(tx: Transaction, now: int) -> int:
    """Forget expired sessions."""
    return tx.run("session_sweep", now=now)


def pulse(tx: Transaction, digests: Iterable[str], now: int) -> dict[str, int]:
    """digest → last seq of its conversation, for those of the sessions that are live."""
    rows = ((digest, tx.one("session_view", digest=digest, now=now)) for digest in digests)
    return {digest: row["seq"] for digest, row in rows if row}


def view(tx: Transaction, digest: str, after: int | None, now: int, limit: int) -> View | None:
    """What came after seq `after` (None, or a seq that is not there yet: the newest); None when the session is not live."""
    row = tx.one("session_view", digest=digest, now=now)
    if row is None:
        return None
    if after is None or after > row["seq"]:
        lines = log.newest_said(tx, row["id"], HISTORY)
    else:
        lines = log.said_after(tx, row["id"], after, limit) if after < row["seq"] else []
    shown = [(line, _replaces(tx, row["id"], line)) for line in lines]
    return View(shown, row["owner"], row["owner_name"], row["seq"], row["delivered"])


def _replaces(tx: Transaction, conversation: str, line: Recorded) -> int:
    if isinstance(line.entry, CustomerEdited):
        return log.first_said(tx, conversation, "customer_said", line.entry.of, line.seq)
    if isinstance(line.entry, StaffSaid) and line.entry.id:
        return log.first_said(tx, conversation, "staff_said", line.entry.id, line.seq)
    return 0


def _session(row: Row) -> Session:
    return Session(
        row["digest"],
        row["channel"],
        row["address"],
        row["conversation"],
        row["subject"],
        row["scope"],
        row["expires_at"],
        row["name"],
    )
