"""Who decides, when, and under which rules: clicks that contradict each other, and an approval that outlives everything."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from demo.slack.message import Message
from demo.slack.people import BEN, GUEST, LENA, SARA, STRANGER
from tests.proofs.figures import tell
from tests.proofs.stage import Stage, change, lived, staged, surroundings
from tests.support.clock import Ahead
from tests.support.running import OPERATOR
from tests.support.visitor import Visitor

APPROVALS = int(os.environ.get("PROOF_APPROVALS", "40"))
AT_ONCE = 20
DECIDE = ((SARA, "approve"), (SARA, "reject"), (LENA, "approve"), (LENA, "reject"))
MAY_NOT = ((BEN, "approve"), (BEN, "reject"), (GUEST, "approve"), (STRANGER, "approve"))
HOUR = 3_600_000


async def click(stage: Stage, card: Message, clicks: list[tuple[str, str]]) -> None:
    """All at once."""
    deliveries = await asyncio.gather(*(stage.slack.press(who, card.ts, what) for who, what in clicks))
    assert all(delivery.ok for delivery in deliveries)


async def test_contradicting_clicks_make_one_decision_each(tmp_path: Path) -> None:
    dice = random.Random(3)
    async with staged(tmp_path) as stage:
        visitors, cards = await stage.approvals(APPROVALS)
        for at in range(0, APPROVALS, AT_ONCE):
            hands = [dice.sample((*DECIDE, *MAY_NOT), 8) for _ in cards[at : at + AT_ONCE]]
            await asyncio.gather(
                *(click(stage, card, each) for card, each in zip(cards[at : at + AT_ONCE], hands, strict=True))
            )
        await stage.settle(within=300)

        decided: Counter[tuple[int, bool]] = Counter()
        for number, visitor in enumerate(visitors):
            verdicts = Counter(line.body["verdict"] for line in stage.lines(visitor) if line.kind == "approval_decided")
            assert verdicts["approved"] + verdicts["denied"] == 1, f"{verdicts} of 8 clicks"
            decided[stage.orders.effects[f"X-{number}"], bool(verdicts["approved"])] += 1
            await visitor.leave()
        right = decided[1, True] + decided[0, False]
        tell(
            "approvals with an effect that was not decided, or without one that was; 8 contradicting clicks each",
            APPROVALS - right,
            APPROVALS,
        )
        assert right == APPROVALS, f"{decided} (effects, approved) of {APPROVALS} approvals"
        assert decided[1, True] > 0 < decided[0, False]


async def test_clicks_of_those_who_may_not_decide_change_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        visitor = await stage.visitor()
        await visitor.say("please refund my order X-1")
        card = await stage.approval(visitor)
        await click(stage, card, [*MAY_NOT, *MAY_NOT])
        await stage.settle()
        verdicts = [line.body["verdict"] for line in stage.lines(visitor) if line.kind == "approval_decided"]
        assert set(verdicts) == {"refused"}
        assert not stage.orders.effects, f"{stage.orders.effects} after {2 * len(MAY_NOT)} clicks of people who may not"
        await visitor.leave()


async def asked_under_new_rules(stage: Stage) -> tuple[Visitor, str]:
    """A customer whose refund waits for approval under the version published last; the version before it."""
    (before,) = (await stage.running.api("specs"))["items"]
    change(stage.config, lambda text: text.replace("}/refunds", "}/new/refunds").replace('/refunds"', '/new/refunds"'))
    await stage.running.gateway.reload()
    assert len((await stage.running.api("specs"))["items"]) == 2
    visitor = await stage.visitor()
    await visitor.say("please refund my order X-1")
    await stage.approval(visitor)
    return visitor, str(before["id"])


async def rolled_back(stage: Stage, version: str) -> None:
    """Another version is live, as an operator says."""
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with stage.running.http.post(f"{stage.url}/api/v1/specs/{version}/publish", headers=headers) as answer:
        assert answer.status == 200, await answer.text()


@pytest.mark.parametrize("tighter", [False, True], ids=["as it was", "tighter now"])
async def test_an_approval_outlives_hours_a_death_and_a_rollback(tmp_path: Path, tighter: bool) -> None:
    clock = Ahead()
    async with surroundings(tmp_path, clock) as (outside, config):
        if tighter:
            change(config, lambda text: text.replace('approve: "true"', 'approve: "true"\n    require: "false"'))
        async with lived(outside, config, clock) as stage:
            if tighter:
                change(config, lambda text: text.replace('\n    require: "false"', ""))
            visitor, before = await asked_under_new_rules(stage)
            await visitor.leave()
            await stage.running.gateway.store.close()  # it dies: nothing that runs can end any more
        clock.ahead += 6 * HOUR
        async with lived(outside, config, clock) as stage:
            await rolled_back(stage, before)
            card = await stage.approval(visitor)
            await stage.slack.press(SARA, card.ts, "approve")
            await stage.settle()
            assert stage.orders.effects["X-1"] == (0 if tighter else 1)
            assert stage.orders.paths == ([] if tighter else ["/new/refunds"])
        async with lived(outside, config, clock) as stage:
            await stage.settle()
            assert stage.orders.effects["X-1"] == (0 if tighter else 1)
            told = [line.body["text"] for line in stage.lines(visitor) if line.kind == "agent_said"]
            assert ("refunded" in told[-1]) is not tighter
