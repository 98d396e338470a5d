"""Many approvals, many hands on each at once: one decision and one effect apiece. PROOF_APPROVALS=300 for the whole count."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from demo.slack.people import BEN, LENA, SARA
from tests.proofs.stage import staged

APPROVALS = int(os.environ.get("PROOF_APPROVALS", "24"))
AT_ONCE = 8
"""Approvals that are clicked on at the same time: Slack waits three seconds for an answer."""
HANDS = (SARA, LENA, SARA, LENA, BEN, SARA, LENA, BEN)
"""Eight clicks: six by approvers, two by somebody who may answer and not approve."""


async def test_eight_racing_clicks_on_each_approval_are_one_effect_each(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        visitors, cards = await stage.approvals(APPROVALS)
        assert not stage.orders.effects

        for at in range(0, APPROVALS, AT_ONCE):
            some = cards[at : at + AT_ONCE]
            clicks = [stage.slack.press(hand, card.ts, "approve") for card in some for hand in HANDS]
            assert any(delivery.ok for delivery in await asyncio.gather(*clicks))
        await stage.settle(within=300)

        doubled = {order: count for order, count in stage.orders.effects.items() if count != 1}
        assert (len(stage.orders.effects), doubled) == (APPROVALS, {}), f"of {len(HANDS)} clicks on each of {APPROVALS}"
        for visitor in visitors:
            verdicts = [line.body["verdict"] for line in stage.lines(visitor) if line.kind == "approval_decided"]
            assert verdicts.count("approved") == 1
            assert set(verdicts) <= {"approved", "refused"}
            await visitor.leave()
