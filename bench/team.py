"""The people at the desk: they answer what is handed over, close it, and decide what asks for them."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

from demo.slack import Workspace
from demo.slack.books import SlackError
from demo.slack.events import Courier
from demo.slack.message import Message
from demo.slack.people import DESK, LENA, SARA
from demo.world import random_id

Json = dict[str, Any]
SHORTER = 0.02  # of Slack's pauses before it tries an event again
PAUSE = 0.2


def workspace(clock: Callable[[], int], *, bot_token: str, secret: str) -> Workspace:
    """A Slack with people in it, whose courier is as patient as ours needs to be."""
    return Workspace(clock, random_id, bot_token=bot_token, courier=Courier(clock, secret, "", SHORTER))


class Team:
    """Watches the desk. `replied` are (ts, text) of answers that the gateway has acknowledged, `approved` values of actions."""

    def __init__(self, slack: Workspace) -> None:
        self.slack = slack
        self.replied: dict[str, str] = {}
        self.approved: set[str] = set()
        self.resolved = 0
        self._numbers = itertools.count(1)
        self._busy: dict[str, asyncio.Task[None]] = {}
        slack.watchers.append(self._notice)

    def _notice(self, news: Json) -> None:
        drawn = news.get("message")
        if drawn and drawn["channel"] == DESK and (names := buttons(drawn.get("blocks", []))):
            if "approve" in names:
                self._begin(drawn["ts"], self._decide)
            elif "return" in names and "Waiting" in str(drawn["blocks"][0]):
                self._begin(drawn["ts"], self._serve)

    def _begin(self, ts: str, work: Callable[[Message], Any]) -> None:
        if ts not in self._busy:
            task = asyncio.ensure_future(work(self.slack.message(DESK, ts)))
            self._busy[ts] = task
            task.add_done_callback(lambda _: self._busy.pop(ts))

    async def _decide(self, card: Message) -> None:
        """Two people press approve at once; one word counts."""
        value = buttons(card.blocks).get("approve", "")
        pressed = await asyncio.gather(*(self._press(who, card.ts, "approve") for who in (SARA, LENA)))
        if any(pressed):
            self.approved.add(value)

    async def _serve(self, card: Message) -> None:
        text = f"answer {next(self._numbers)}"
        before = len(self.slack.courier.deliveries)
        ts = await self.slack.post_as(SARA, text, thread_ts=card.ts)
        told = [one for one in self.slack.courier.deliveries[before:] if one.payload.get("event", {}).get("ts") == ts]
        if any(one.ok for one in told):
            self.replied[ts] = text
        self.resolved += await self._press(SARA, card.ts, "resolve")

    async def _press(self, who: str, ts: str, button: str) -> bool:
        """Press until it is acknowledged; False when the button is gone."""
        while True:
            try:
                if (await self.slack.press(who, ts, button)).ok:
                    return True
            except SlackError:
                return False
            await asyncio.sleep(PAUSE)

    async def idle(self) -> None:
        """Returns once nobody is doing anything."""
        while self._busy:
            await asyncio.gather(*self._busy.values())

    def doubled(self) -> int:
        """Posts of the app that stand twice: the same outbox key under two ids."""
        keys = Counter(key(message) for message in self.slack.messages(DESK) if message.by_app)
        return sum(count - 1 for name, count in keys.items() if name)


def key(message: Message) -> str:
    """The outbox key that a post of ours carries."""
    return str((message.metadata or {}).get("event_payload", {}).get("key", ""))


def buttons(blocks: list[Json]) -> dict[str, str]:
    """Action id → value of a message's buttons."""
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return {element["action_id"]: element["value"] for element in elements}
