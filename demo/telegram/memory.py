"""What Telegram's servers remember between two starts: the chats, which numbers were given, and what the bot has not taken yet."""

from dataclasses import asdict
from typing import Any

from demo.telegram.courier import Update
from demo.telegram.messenger import Chat, Message, Messenger
from demo.telegram.people import Person

Json = dict[str, Any]


def state(messenger: Messenger) -> Json:
    waiting = [[update.payload, update.queue, update.expires_at] for update in messenger.courier.waiting]
    return {
        "chats": [asdict(chat) for chat in messenger.chats.values()],
        "messages": [_kept(message) for message in messenger.messages],
        "numbers": messenger.numbers,
        "waiting": waiting,
    }


def recall(messenger: Messenger, kept: Json, files: dict[str, bytes]) -> None:
    messenger.chats = {chat["id"]: Chat(**chat) for chat in kept["chats"]}
    messenger.messages = [_recalled(messenger, one) for one in kept["messages"]]
    messenger.numbers |= kept["numbers"]
    messenger.courier.waiting.extend(Update(payload, queue, until) for payload, queue, until in kept["waiting"])
    messenger.files = files


def _kept(message: Message) -> Json:
    return asdict(message) | {"chat": message.chat.id}


def _recalled(messenger: Messenger, told: Json) -> Message:
    return Message(**told | {"chat": messenger.chats[told["chat"]], "by": Person(**told["by"])})
