"""Ten minutes away, which is longer than Slack tells again: nothing is lost and nothing is said twice, on either side."""

from __future__ import annotations

import asyncio
from pathlib import Path

from demo.slack.people import BEN, BILLING, CUSTOMER, DESK, GENERAL, SARA
from tests.channels.slack_customers.conftest import DIRECT, HELP, lived, surroundings, words
from tests.support.clock import Ahead

SECTION = f"{{mode: live, channels: [{HELP}]}}"
QUESTION = "How long do I have to send something back?"


async def test_what_was_said_meanwhile_is_read_afterwards(tmp_path: Path) -> None:
    clock = Ahead()
    async with surroundings(clock) as outside:
        slack = outside.slack
        async with lived(tmp_path, outside, section=SECTION, clock=clock) as place:
            await place.say("I want to talk to a human please")
            await place.hears()
            thread = await place.say(QUESTION, channel=HELP)
            await place.hears(channel=HELP)
            await place.settle()
            (case,) = [
                one for room in (DESK, BILLING) for one in slack.messages(room) if one.by_app and not one.is_reply
            ]
        clock.ahead += 60_000
        direct = [await slack.post_as(CUSTOMER, f"are you there? {n}", channel=DIRECT) for n in range(3)]
        await slack.post_as(BEN, QUESTION, channel=HELP)
        await slack.post_as(CUSTOMER, "And how much is shipping?", channel=HELP, thread_ts=thread)
        await slack.post_as(BEN, "@gateway How much is shipping?", channel=GENERAL)
        await slack.post_as(BEN, "lunch?", channel=GENERAL)
        answer = await slack.post_as(SARA, "I am here.", channel=case.channel, thread_ts=case.ts)
        assert len(slack.courier.deliveries) == len([one for one in slack.courier.deliveries if one.ok])
        clock.ahead += 540_000

        async with lived(tmp_path, outside, section=SECTION, clock=clock) as place:
            await place.hears(lambda text: text == "I am here.")
            await place.hears(channel=GENERAL)
            async with asyncio.timeout(10):
                while len(place.heard(HELP)) < 3:
                    await place.settle()
            await place.settle()
            logs = [await place.running.log(one["id"]) for one in await place.conversations()]
            said = [line["id"] for log in logs for line in log if line["kind"] == "customer_said"]
            assert len(said) == len(set(said)) == 2 + 6
            assert [ts for one in said if (ts := one.rpartition(":")[2]) in direct] == direct
            assert len([one for one in place.heard() if words(one) == "I am here."]) == 1
            assert len(place.heard(GENERAL)) == 1
            assert "white_check_mark" in slack.message(case.channel, answer).reactions

        before = len(slack.log)
        async with lived(tmp_path, outside, section=SECTION, clock=clock) as place:
            await place.settle()
            assert len(slack.log) == before
