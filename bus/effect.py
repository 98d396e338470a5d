"""What the ledger of writing calls is asked and what it answers: one effect per key, and sums under their limits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec


class Cap(msgspec.Struct, frozen=True):
    """A limit over recorded effects of one tool: the sum of `amount` (or the count, with amount 1) for `scope` within `window` ms."""

    scope: str
    window: int
    amount: Decimal
    maximum: Decimal


class Claim(msgspec.Struct, frozen=True):
    """A writing call that asks for its place. `once` is the digest of tool and once-values, "" when it may happen again.

    `amounts` are (scope, amount): under which names (`customer:…`, `order:…`) it counts, and how much.
    """

    tool: str
    idempotency_key: str
    once: str = ""
    caps: tuple[Cap, ...] = ()
    amounts: tuple[tuple[str, Decimal], ...] = ()


Verdict = Literal["go", "done", "limit", "busy", "unknown"]


class Reservation(msgspec.Struct, frozen=True):
    """The ledger's answer, decided and recorded in one transaction.

    go: call it. done: it happened before, `result` is the first result. limit: a cap would be passed (`because` names its scope).
    busy: somebody is in the middle of it. unknown: it was called before and nobody knows how that ended.
    """

    verdict: Verdict
    result: Any = None
    because: str = ""
