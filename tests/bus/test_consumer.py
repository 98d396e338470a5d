"""Who takes what, as a table: the whole of it."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from bus.consumer import AGENT_MEMOS, consumer, interrupts
from bus.message import InboundKind, Owner, Side

KINDS = get_args(InboundKind)


@pytest.mark.parametrize(("owner", "kind"), list(product(get_args(Owner), KINDS)))
def test_whatever_staff_does_is_the_relays(owner: Owner, kind: InboundKind) -> None:
    assert consumer(owner, "staff", kind) == "relay"


@pytest.mark.parametrize("kind", ["message", "press", "edit", "delete"])
def test_what_the_customer_does_goes_by_the_owner(kind: InboundKind) -> None:
    assert (consumer("agent", "customer", kind), consumer("staff", "customer", kind)) == ("agent", "relay")


@pytest.mark.parametrize("owner", get_args(Owner))
def test_memos_go_by_their_name_and_reports_to_the_relay(owner: Owner) -> None:
    assert {consumer(owner, "customer", "memo", name) for name in AGENT_MEMOS} == {"agent"}
    assert {consumer(owner, "customer", "memo", name) for name in ("handover", "unclaimed", "expire")} == {"relay"}
    assert consumer(owner, "customer", "delivery") == "relay"


def test_only_words_and_staffs_presses_interrupt() -> None:
    heard: set[tuple[Side, InboundKind]] = {
        (side, kind) for side, kind in product(get_args(Side), KINDS) if interrupts(side, kind)
    }
    assert heard == {("customer", "message"), ("staff", "message"), ("staff", "press")}
