"""A customer's phone, whatever is on it: the same few things to do and to see on every channel."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from demo.slack import Workspace
from demo.slack.message import Message as Posted
from demo.slack.people import CUSTOMER
from demo.telegram import ANA, Messenger
from demo.twilio import Account
from tests.support.businesses import text_of
from tests.support.visitor import Visitor

DIRECT = "D0PRIYA001"
NUMBER = "+34600111222"
NUMBERED = re.compile(r"^\d+\. (.+)$", re.MULTILINE)


class Shown(NamedTuple):
    """A message of ours as the customer sees it. `by` is the name above it, "" where the channel shows none."""

    place: int
    text: str
    choices: tuple[str, ...] = ()
    by: str = ""


class Phone(ABC):
    """One customer on one channel. What they do returns once the gateway has it."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    @abstractmethod
    async def write(self, text: str) -> None:
        """Send words."""

    @abstractmethod
    async def choose(self, label: str) -> None:
        """Take a choice of the newest message that offers any, as one does there: a button, or its number."""

    @abstractmethod
    async def share(self, content: bytes, media_type: str, words: str) -> None:
        """Send a file with words beside it."""

    @abstractmethod
    def shown(self) -> list[Shown]:
        """What stands there of ours, oldest first."""

    def tell(self, *_: object) -> None:
        """Something has changed."""
        self._news.set()

    async def sees(self, words: str, *, after: int = -1, within: float = 15.0) -> Shown:
        """The first message of ours beyond the place `after` that holds these words; waits for it."""
        return await self.finds(lambda one: words in one.text, after=after, within=within)

    async def finds(self, wanted: Callable[[Shown], bool], *, after: int = -1, within: float = 15.0) -> Shown:
        """Likewise, the first that fits."""
        try:
            async with asyncio.timeout(within):
                while True:
                    self._news.clear()
                    found = [one for one in self.shown() if one.place > after and wanted(one)]
                    if found:
                        return found[0]
                    await self._news.wait()
        except TimeoutError:
            seen = "\n".join(f"  {one.place} {one.by}: {one.text}" for one in self.shown())
            raise AssertionError(f"not seen within {within} s; seen so far:\n{seen}") from None

    @property
    def last(self) -> int:
        """The place of what was shown last, -1 when there is nothing."""
        return max((one.place for one in self.shown()), default=-1)

    def offer(self) -> Shown:
        """The newest message with choices."""
        return [one for one in self.shown() if one.choices][-1]


class AtTheWidget(Phone):
    """The widget on the site's page, signed in."""

    def __init__(self, visitor: Visitor) -> None:
        super().__init__()
        self.visitor = visitor
        visitor.watchers.append(self.tell)

    async def write(self, text: str) -> None:
        await self.visitor.say(text)

    async def choose(self, label: str) -> None:
        offer = self.visitor.messages[self.offer().place]
        (button,) = (button["id"] for button in offer["buttons"] if button["label"] == label)
        await self.visitor.press(offer["id"], button)

    async def share(self, content: bytes, media_type: str, words: str) -> None:
        await self.visitor.share("photo", content, media_type, words)

    def shown(self) -> list[Shown]:
        ours = (item for _, item in sorted(self.visitor.messages.items()) if item["from"] in ("agent", "staff"))
        return [
            Shown(item["seq"], item["text"], tuple(button["label"] for button in item["buttons"]), item["name"] or "")
            for item in ours
        ]


class InTelegram(Phone):
    """A private chat with the bot."""

    def __init__(self, telegram: Messenger) -> None:
        super().__init__()
        self._telegram = telegram
        telegram.watchers.append(self.tell)

    async def write(self, text: str) -> None:
        await self._telegram.say(ANA, text)
        await self._taken()

    async def choose(self, label: str) -> None:
        offer = self._telegram.message(ANA, self.offer().place)
        assert offer is not None
        await self._telegram.press(ANA, offer, label)
        await self._taken()

    async def share(self, content: bytes, media_type: str, words: str) -> None:
        photo = self._telegram.store(f"f-{len(self._telegram.files)}", content) | {"width": 10, "height": 10}
        await self._telegram.say(ANA, photo=[photo], caption=words)
        await self._taken()

    async def _taken(self) -> None:
        """While the bot fetches its updates, wait until it has."""
        for update in [*self._telegram.courier.waiting]:
            await update.settled.wait()

    def shown(self) -> list[Shown]:
        return [Shown(one.id, one.text, tuple(one.buttons)) for one in self._telegram.by_bot(ANA)]


class OnWhatsApp(Phone):
    """A chat with the number; choices are a numbered list, and a number is the answer."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._phone = account.phone(NUMBER, "Ana Ruiz")
        account.watchers.append(self.tell)

    async def write(self, text: str) -> None:
        await self._phone.say(text)

    async def choose(self, label: str) -> None:
        await self._phone.say(str(self.offer().choices.index(label) + 1))

    async def share(self, content: bytes, media_type: str, words: str) -> None:
        await self._phone.share(content, media_type, words)

    def shown(self) -> list[Shown]:
        return [Shown(place, text, tuple(NUMBERED.findall(text))) for place, text in enumerate(self._phone.texts)]


class InSlack(Phone):
    """Direct messages with the app, in the workspace that the team works in."""

    def __init__(self, slack: Workspace) -> None:
        super().__init__()
        self._slack = slack
        slack.watchers.append(self.tell)

    async def write(self, text: str) -> None:
        await self._slack.post_as(CUSTOMER, text, channel=DIRECT)

    async def choose(self, label: str) -> None:
        offer = self._posted()[self.offer().place]
        (button,) = (one for one in _buttons(offer) if one["text"]["text"] == label)
        await self._slack.press(CUSTOMER, offer.ts, button["action_id"], button["value"], channel=DIRECT)

    async def share(self, content: bytes, media_type: str, words: str) -> None:
        file = self._slack.files.keep("photo", media_type, content, self._slack.ids)
        await self._slack.post_as(CUSTOMER, words, channel=DIRECT, files=(file,))

    def shown(self) -> list[Shown]:
        return [
            Shown(
                place, words_shown(one), tuple(button["text"]["text"] for button in _buttons(one)), one.username or ""
            )
            for place, one in enumerate(self._posted())
        ]

    def _posted(self) -> list[Posted]:
        return [one for one in self._slack.messages(DIRECT) if one.by_app and not one.for_user]


def _buttons(message: Posted) -> list[dict[str, Any]]:
    rows = (block for block in message.blocks if block["type"] == "actions")
    return [button for row in rows for button in row["elements"]]


def words_shown(message: Posted) -> str:
    """What the blocks say, buttons apart."""
    return text_of([block for block in message.blocks if block["type"] != "actions"]) or message.text
