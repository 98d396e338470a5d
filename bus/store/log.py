"""The log: append-only, gap-free per conversation, chained by hashes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence

import msgspec

from bus.canonical import encode
from bus.entries import Entry, Erased, Recorded, Step, from_body, to_body
from bus.store.engine import Row, Transaction


class Head(msgspec.Struct, frozen=True):
    """The end of one conversation's chain, to keep elsewhere: a chain alone does not show a cut tail."""

    conversation: str
    seq: int
    link: str


class Broken(msgspec.Struct, frozen=True):
    """The first line of a chain that does not fit."""

    conversation: str
    seq: int
    why: str


def append(
    tx: Transaction, conversation: str, entries: Sequence[Entry], now: int, turn: int = 0, episode: int = 0
) -> list[int]:
    """Append the lines and return their seqs. `episode` 0 means the conversation's present one. Raises KeyError for no conversation."""
    if not entries:
        return []
    head = tx.one("log_head", conversation=conversation)
    if head is None:
        raise KeyError(conversation)
    seq, link = int(head["seq"]), str(head["head"])
    seqs = []
    for entry in entries:
        seq += 1
        link = _insert(tx, conversation, seq, link, entry, now, turn, episode or int(head["episode"]))
        seqs.append(seq)
    tx.run("conversation_set_head", id=conversation, seq=seq, head=link, now=now)
    return seqs


def _insert(
    tx: Transaction, conversation: str, seq: int, head: str, entry: Entry, now: int, turn: int, episode: int
) -> str:
    body, salt = to_body(entry), secrets.token_hex(16)
    body_digest = hashlib.sha256(salt.encode() + body).hexdigest()
    link = chain(head, seq, now, entry.kind(), entry.v, body_digest)
    tx.run(
        "log_append",
        conversation=conversation,
        seq=seq,
        at=now,
        episode=episode,
        turn=turn,
        step=entry.step if isinstance(entry, Step) else 0,
        kind=entry.kind(),
        v=entry.v,
        body=body.decode(),
        salt=salt,
        body_digest=body_digest,
        link=link,
    )
    return link


def chain(previous: str, seq: int, at: int, kind: str, version: int, body_digest: str) -> str:
    """SHA-256(previous ‖ seq ‖ at ‖ kind ‖ v ‖ body_digest), the fields joined by a line feed that none of them can hold."""
    return hashlib.sha256(
        "\n".join((previous, str(seq), str(at), kind, str(version), body_digest)).encode()
    ).hexdigest()


def after(tx: Transaction, conversation: str, seq: int, limit: int) -> list[Recorded]:
    """Lines with a greater seq, oldest first."""
    return [_recorded(row) for row in tx.all("log_after", conversation=conversation, after=seq, limit=limit)]


def newest(tx: Transaction, conversation: str, limit: int, until: int = 2**62) -> list[Recorded]:
    """The newest lines up to seq `until`, oldest first."""
    rows = tx.all("log_newest", conversation=conversation, until=until, limit=limit)
    return [_recorded(row) for row in reversed(rows)]


def window(tx: Transaction, conversation: str, limit: int, until: int = 2**62) -> list[Recorded]:
    """The newest lines up to seq `until` that a turn looks at, oldest first."""
    rows = tx.all("log_window", conversation=conversation, until=until, limit=limit)
    return [_recorded(row) for row in reversed(rows)]


def newest_said(tx: Transaction, conversation: str, limit: int) -> list[Recorded]:
    """The newest lines that the customer may see, oldest first."""
    return [_recorded(row) for row in reversed(tx.all("log_newest_said", conversation=conversation, limit=limit))]


def heard_at(tx: Transaction, conversation: str) -> int:
    """When the customer last said or pressed something, UTC ms; 0 for never."""
    row = tx.one("log_heard_at", conversation=conversation)
    return int(row["at"]) if row else 0


def ours_between(tx: Transaction, conversation: str, seq: int, upto: int) -> list[Recorded]:
    """What the customer was told in lines after `seq` up to `upto`, oldest first."""
    return [_recorded(row) for row in tx.all("log_ours_between", conversation=conversation, after=seq, upto=upto)]


def said_after(tx: Transaction, conversation: str, seq: int, limit: int) -> list[Recorded]:
    """Lines that the customer may see, with a greater seq, oldest first; without what was erased."""
    return [_recorded(row) for row in tx.all("log_said_after", conversation=conversation, after=seq, limit=limit)]


def first_said(tx: Transaction, conversation: str, kind: str, message: str, before: int) -> int:
    """The seq of the first line of a kind that carries this message id, before seq `before`; 0 when there is none."""
    field = encode({"id": message}).decode()[1:-1]
    escaped = field.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    row = tx.one("log_first_said", conversation=conversation, kind=kind, before=before, like=f"%{escaped}%")
    return int(row["seq"] or 0) if row else 0


def steps(tx: Transaction, conversation: str, turn: int) -> list[Recorded]:
    """The journal steps of a turn, in order."""
    return [_recorded(row) for row in tx.all("log_steps", conversation=conversation, turn=turn)]


def one(tx: Transaction, conversation: str, seq: int) -> Recorded | None:
    """One line."""
    row = tx.one("log_one", conversation=conversation, seq=seq)
    return _recorded(row) if row else None


def heads(tx: Transaction) -> list[Head]:
    """The end of every chain."""
    return [Head(row["id"], row["seq"], row["head"]) for row in tx.all("conversation_heads")]


def verify(tx: Transaction) -> tuple[int, list[Broken]]:
    """(lines checked, broken chains): every link, every digest of a body that is still there, every head."""
    checked, broken = 0, []
    for head in heads(tx):
        count, problem = _verify_one(tx, head)
        checked += count
        broken.extend([problem] if problem else [])
    return checked, broken


def _verify_one(tx: Transaction, head: Head) -> tuple[int, Broken | None]:
    link, seq = "", 0
    for row, why in _check(tx.all("log_chain", conversation=head.conversation)):
        if why:
            return seq, Broken(head.conversation, int(row["seq"]), why)
        seq, link = int(row["seq"]), str(row["link"])
    if (seq, link) != (head.seq, head.link):
        return seq, Broken(head.conversation, seq + 1, "the chain ends before its head")
    return seq, None


def _check(rows: list[Row]) -> Iterator[tuple[Row, str]]:
    previous = ""
    for number, row in enumerate(rows, 1):
        yield row, _why_broken(row, number, previous)
        previous = str(row["link"])


def _why_broken(row: Row, number: int, previous: str) -> str:
    if row["seq"] != number:
        return f"line {number} is missing"
    if (
        row["body"] is not None
        and hashlib.sha256(f"{row['salt']}{row['body']}".encode()).hexdigest() != row["body_digest"]
    ):
        return "the body was changed"
    if chain(previous, row["seq"], row["at"], row["kind"], row["v"], row["body_digest"]) != row["link"]:
        return "the link does not fit"
    return ""


def _recorded(row: Row) -> Recorded:
    body, kind = row["body"], row["kind"]
    entry = Erased(was=kind) if body is None else from_body(kind, row["v"], body)
    return Recorded(row["seq"], row["at"], row["episode"], row["turn"], entry)
