"""The story, lived in a direct message, with the desk in the same workspace: over webhooks and over Socket Mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.slack.people import DESK, SARA
from tests.channels.slack_customers.conftest import DIRECT, opened, words

ASKS = "Hi, I returned the headphones two weeks ago and still haven't seen the refund on my card. Order #A-48291."
AGREES = "Yes please, and also can you check on the second pair I ordered last Friday? It hasn't shipped."
REPLY = "I'll get this <!channel> cleared *today* and confirm by email."


@pytest.mark.parametrize("socket", [False, True], ids=["webhooks", "socket"])
async def test_the_story(tmp_path: Path, socket: bool) -> None:
    async with opened(tmp_path, socket=socket) as place:
        slack = place.slack
        await place.say(ASKS)
        offer = await place.hears(lambda text: "Shall I go ahead?" in text)
        for said in ("A-48291", "$189.40", "received"):
            assert said in words(offer)
        assert [button["text"]["text"] for button in offer.blocks[-1]["elements"]] == ["Yes", "No"]
        assert offer.thread_ts is None
        assert place.world.shop.ledger == []

        await place.say(AGREES)
        receipt = await place.hears(lambda text: "R-7711" in text, after=offer.ts)
        await place.hears(lambda text: "bring in someone" in text, after=offer.ts)
        assert len(place.world.shop.ledger) == 1

        await place.settle()
        (card,) = [one for one in slack.messages(DESK) if one.by_app and not one.is_reply]
        for said in ("Priya Nair", "slack", "warehouse_flag", "by the channel"):
            assert said in words(card)
        details = "\n".join(words(one) for one in slack.thread(card.ts)[1:])
        for said in (ASKS[:40], "A-48291", "A-48519", "R-7711"):
            assert said in details

        reply = await slack.post_as(SARA, REPLY, thread_ts=card.ts)
        said_by = await place.hears(lambda text: "cleared" in text, after=receipt.ts)
        assert (said_by.username, said_by.icon) == ("Sara Lindqvist", f"{slack.url}/avatars/{SARA}.svg")
        assert said_by.blocks[0]["elements"][0]["elements"] == [{"type": "text", "text": REPLY}]
        await place.settle()
        assert "white_check_mark" in slack.message(DESK, reply).reactions

        await slack.press(SARA, card.ts, "resolve")
        await place.settle()
        last = await place.say("How long do I have to send something back?")
        assert "30 days" in words(await place.hears(lambda text: "30 days" in text, after=last))
        await place.settle()

        log = await place.log()
        kinds = [line["kind"] for line in log]
        assert kinds.index("understood") < kinds.index("tool_asked")
        assert next(line for line in log if line["kind"] == "handed_over")["reason"] == "warehouse_flag"
        assert {line["episode"] for line in log} == {1, 2}
        assert [line["seq"] for line in log] == list(range(1, len(log) + 1))
        assert len(place.world.shop.ledger) == 1
        assert {one.channel for one in slack.log if one.by_app} == {DESK, DIRECT}
