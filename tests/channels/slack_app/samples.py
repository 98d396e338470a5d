"""Capsules and actions as the relay makes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from bus.action import Action
from bus.capsule import Capsule, Line, Source, ToolRun, Who

NOW = 1_779_271_200_000


def capsule(**changes: Any) -> Capsule:
    plain = Capsule(
        conversation="c1",
        channel="web",
        customer=Who("Ana Ruiz", "ana", "ana@x.example", "site"),
        episode=1,
        state="waiting",
        reason="warehouse_flag",
        reason_text="Rule “warehouse flag” applies.",
        summary="About refund status. Done: create_refund → R-7711",
        proposal="Look into get_order (order_id: A-48519)",
        last_message="It hasn't shipped.",
        opened_at=NOW - 60_000,
        updated_at=NOW,
        intent="refund_status",
        category="billing",
        sentiment="negative",
        sentiment_score=-0.4,
        urgency="high",
        language="en",
        entities={"order_id": "A-48519"},
        transcript=(Line("customer", "Ana Ruiz", "It hasn't shipped.", NOW), Line("agent", "", "Let me look.", NOW)),
        tools=(ToolRun("get_order", {"order_id": "A-48519"}, "ok", {"flags": ["warehouse"]}, NOW, "allow"),),
        sources=(Source("refunds.md", "When", 0.81),),
        executed=("create_refund → R-7711",),
        link="https://support.example/console/c1",
    )
    return msgspec.structs.replace(plain, **changes)


def action(**changes: Any) -> Action:
    plain = Action(
        id="act_1", conversation="c1", what="tool", asks="staff", state="pending", tool="create_refund",
        args={"order_id": "A-48291", "amount": Decimal("189.40")}, digest="d1" * 16, spec="v1", idempotency_key="k1",
        created_at=NOW, expires_at=NOW + 3_600_000, reason="amount_above_200",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)
