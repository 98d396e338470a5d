"""The messenger with people in it.

What the bot does comes in through the Bot API (`demo.telegram.api`). What people do is a method here, and returns when the bot has
the update: at once while the bot fetches updates itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.faults import Faults
from demo.telegram.courier import MESSAGE_LASTS, PRESS_LASTS, Courier, Update
from demo.telegram.formatting import Refused
from demo.telegram.people import PEOPLE, Person

Json = dict[str, Any]
USERNAME = "halden_support_bot"


@dataclass
class Chat:
    """A private chat has the number of its person."""

    id: int
    type: str = "private"
    title: str = ""
    moved_to: int = 0
    closed: str = ""  # why the bot may not write here, in Telegram's words

    def told(self, person: Person | None) -> Json:
        named = {"first_name": person.first_name} if person and self.type == "private" else {"title": self.title}
        return {"id": self.id, "type": self.type} | named


@dataclass
class Message:
    """A message as its chat shows it."""

    id: int
    chat: Chat
    by: Person
    date: int
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    keyboard: list[list[Json]] = field(default_factory=list)
    thread: int = 0
    edited: int = 0
    more: Json = field(default_factory=dict)
    seen: bool = False  # the bot has it

    @property
    def buttons(self) -> dict[str, str]:
        """label → callback_data."""
        return {key["text"]: key.get("callback_data", "") for row in self.keyboard for key in row}

    def told(self) -> Json:
        """As the Bot API tells it."""
        found: Json = {
            "message_id": self.id,
            "from": self.by.told(),
            "chat": self.chat.told(self.by),
            "date": self.date,
        }
        found |= {"text": self.text} if self.text else {}
        found |= {"entities": self.entities} if self.entities and self.text else {}
        found |= {"reply_markup": {"inline_keyboard": self.keyboard}} if self.keyboard else {}
        found |= {"message_thread_id": self.thread, "is_topic_message": True} if self.thread else {}
        return found | ({"edit_date": self.edited} if self.edited else {}) | self.more


@dataclass(kw_only=True)
class Messenger:
    """One bot and the people who write to it. `url` is where the stand-in itself is reached."""

    clock: Callable[[], int]
    token: str = field(repr=False)
    courier: Courier
    url: str = ""
    username: str = USERNAME
    people: dict[int, Person] = field(default_factory=lambda: dict(PEOPLE))
    chats: dict[int, Chat] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    removed: list[Message] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    commands: list[Json] = field(default_factory=list)
    actions: list[tuple[int, str]] = field(default_factory=list)
    drafts: list[tuple[int, str]] = field(default_factory=list)
    answered: dict[str, str] = field(default_factory=dict)  # callback query → what was answered
    calls: list[tuple[str, Json]] = field(default_factory=list)
    pace: int = 0  # ms between two messages of the bot in a chat; faster ones are refused, 0 for none
    faults: Faults = field(default_factory=Faults)
    refuse_next: list[Refused] = field(default_factory=list)  # the next messages of the bot are refused so
    polling: asyncio.Event | None = None
    watchers: list[Callable[[Json], None]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=lambda: {"update": 900_000_000, "press": 4_000_000_000})
    _last: dict[int, int] = field(default_factory=dict)

    @property
    def bot(self) -> Person:
        return Person(int(self.token.partition(":")[0]), "Halden Support", is_bot=True)

    # --- what people do

    async def say(self, person: int, text: str = "", *, chat: int = 0, thread: int = 0, **more: Any) -> Message:
        """Write a message; `more` are further fields of it, such as photo or contact."""
        place = self.chat(chat or person)
        entities = self._commands(text)
        message = self.add(place, self.people[person], text, entities, thread=thread, more=more)
        await self.tell("message", message.told(), place.id)
        message.seen = True
        self.announce({"message": message})
        return message

    async def share(self, person: int, name: str, media_type: str, content: bytes, caption: str = "") -> Message:
        """Send a file as it is, with or without words."""
        file = self.store(f"f{self._next('file')}", content) | {"file_name": name, "mime_type": media_type}
        words: Json = {"caption": caption} if caption else {}
        return await self.say(person, document=file, **words)

    async def edit(self, message: Message, text: str) -> None:
        message.text, message.edited = text, self.clock() // 1000
        self.announce({"message": message})
        await self.tell("edited_message", message.told(), message.chat.id)

    async def press(self, person: int, message: Message, label: str, *, data: str = "") -> Update:
        """Press a button below a message; `data` is what a forged client would say instead."""
        wanted: str = data or message.buttons[label]
        query: Json = {
            "id": str(self._next("press")), "from": self.people[person].told(), "message": message.told(),
            "chat_instance": "1", "data": wanted,
        }  # fmt: skip
        self.answered[query["id"]] = ""
        return await self.tell("callback_query", query, person, PRESS_LASTS)

    def block(self, person: int) -> None:
        """Stop the bot."""
        self.chat(person).closed = "Forbidden: bot was blocked by the user"

    def group(self, chat: int, title: str = "Group", kind: str = "supergroup") -> Chat:
        return self.chats.setdefault(chat, Chat(chat, kind, title))

    def store(self, file_id: str, content: bytes) -> Json:
        """A file that was uploaded; what a message says of it."""
        self.files[file_id] = content
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content)}

    async def tell(self, kind: str, content: Json, queue: int, lasts: int = MESSAGE_LASTS) -> Update:
        """Bring an update to the bot; returns when it has it, or at once while it fetches them."""
        update = Update({"update_id": self._next("update"), kind: content}, queue, self.clock() + lasts)
        self.courier.add(update)
        if self.courier.webhook.url:
            await update.settled.wait()
        return update

    # --- what is in the chats

    def chat(self, chat: int) -> Chat:
        return self.chats.setdefault(chat, Chat(chat))

    def of(self, chat: int) -> list[Message]:
        """A chat from its beginning."""
        return [message for message in self.messages if message.chat.id == chat]

    def by_bot(self, chat: int) -> list[Message]:
        """What the bot has said in a chat."""
        return [message for message in self.of(chat) if message.by.is_bot]

    def message(self, chat: int, number: int) -> Message | None:
        return next((one for one in self.messages if (one.chat.id, one.id) == (chat, number)), None)

    def add(
        self, chat: Chat, by: Person, text: str, entities: list[Json], *, thread: int = 0, more: Json | None = None,
        keyboard: list[list[Json]] | None = None,
    ) -> Message:  # fmt: skip
        message = Message(
            self._next(f"message {chat.id}"),
            chat,
            by,
            self.clock() // 1000,
            text,
            entities,
            keyboard or [],
            thread,
            more=more or {},
        )
        self.messages.append(message)
        self.announce({"message": message})
        return message

    def announce(self, news: Json) -> None:
        """Tell those who look at the phones."""
        for watcher in self.watchers:
            watcher(news)

    def _next(self, what: str) -> int:
        self.numbers[what] = self.numbers.get(what, 0) + 1
        return self.numbers[what]

    def check_pace(self, chat: int) -> None:
        """Raises Refused for a message that comes too soon after the last."""
        now, last = self.clock(), self._last.get(chat)
        if self.pace and last is not None and now - last < self.pace:
            after = max(1, -(-(self.pace - (now - last)) // 1000))
            raise Refused(f"Too Many Requests: retry after {after}", 429, retry_after=after)
        self._last[chat] = now

    async def hears(
        self, chat: int, wanted: Callable[[Message], bool], *, after: int = 0, within: float = 15.0
    ) -> Message:
        """The first message of the bot in this chat that fits; waits for it."""
        heard = asyncio.Event()
        watch: Callable[[Json], None] = lambda _: heard.set()  # noqa: E731
        self.watchers.append(watch)
        try:
            async with asyncio.timeout(within):
                while True:
                    heard.clear()
                    found = [one for one in self.by_bot(chat) if one.id > after and wanted(one)]
                    if found:
                        return found[0]
                    await heard.wait()
        finally:
            self.watchers.remove(watch)

    @staticmethod
    def _commands(text: str) -> list[Json]:
        word = text.split(maxsplit=1)[0] if text.startswith("/") else ""
        return [{"type": "bot_command", "offset": 0, "length": len(word)}] if len(word) > 1 else []

    async def close(self) -> None:
        if self.polling is not None:
            self.polling.set()
        await self.courier.close()
