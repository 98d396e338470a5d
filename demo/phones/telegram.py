"""The phone with Telegram."""

import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import asdict

from demo.live import Upload
from demo.phones.app import Json, Opened, Unwanted, Verb, words
from demo.phones.people import Owner
from demo.telegram import Messenger
from demo.telegram.formatting import LONGEST, units
from demo.telegram.messenger import Message
from demo.telegram.methods import LONGEST_CAPTION


class Telegram:
    """Implements demo.phones.app.App."""

    def __init__(self, messenger: Messenger, owners: Sequence[Owner]) -> None:
        self.messenger = messenger
        self.owners = {owner.id: owner for owner in owners}
        self.verbs: dict[str, Verb] = {"say": self._say, "edit": self._edit, "press": self._press}

    def shown(self) -> Json:
        messages = [_drawn(message) for message in self.messenger.messages if self._is_shown(message)]
        people = [asdict(owner) for owner in self.owners.values()]
        return {
            "title": self.messenger.bot.first_name, "about": "bot", "people": people, "messages": messages,
            "commands": self.messenger.commands,
        }  # fmt: skip

    def listen(self, watcher: Callable[[Json], None]) -> None:
        self.messenger.watchers.append(watcher)

    def told(self, news: Json) -> Json | None:
        match news:
            case {"message": message} if self._is_shown(message):
                return {"message": _drawn(message)}
            case {"removed": message}:
                return {"removed": {"chat": str(message.chat.id), "id": str(message.id)}}
            case {"typing": chat}:
                return {"typing": str(chat.id)}
            case {"draft": chat, "text": text, "entities": entities}:
                return {"draft": str(chat.id), "text": text, "entities": entities}
        return None

    async def share(self, person: str, file: Upload) -> None:
        owner = self._owner(person)
        if units(file.text) > LONGEST_CAPTION:
            raise Unwanted(f"Telegram takes at most {LONGEST_CAPTION} characters beside a file")
        await self.messenger.share(owner, file.name, file.media_type, file.content, file.text)

    def file(self, name: str) -> Opened | None:
        documents = (message.more.get("document", {}) for message in self.messenger.messages)
        document = next((one for one in documents if one.get("file_id") == name), None)
        if document is None or name not in self.messenger.files:
            return None
        return Opened(self.messenger.files[name], _kind(document), document.get("file_name", "file"))

    async def _say(self, person: str, said: Json) -> None:
        text = words(said)
        if units(text) > LONGEST:
            raise Unwanted(f"Telegram takes at most {LONGEST} characters")
        await self.messenger.say(self._owner(person), text)

    async def _edit(self, person: str, said: Json) -> None:
        message = self._message(person, said)
        if message.by.is_bot or not message.text:
            raise Unwanted("only your own words can be changed")
        await self.messenger.edit(message, words(said))

    async def _press(self, person: str, said: Json) -> None:
        message, label = self._message(person, said), words(said, "label")
        if label not in message.buttons:
            raise Unwanted("there is no such button any more")
        await self.messenger.press(self._owner(person), message, label)

    def _is_shown(self, message: Message) -> bool:
        return str(message.chat.id) in self.owners

    def _owner(self, person: str) -> int:
        if person not in self.owners:
            raise Unwanted("nobody of that name has a phone here")
        return int(person)

    def _message(self, person: str, said: Json) -> Message:
        number = str(said.get("message", ""))
        found = self.messenger.message(self._owner(person), int(number)) if number.isdecimal() else None
        if found is None:
            raise Unwanted("there is no such message any more")
        return found


def _drawn(message: Message) -> Json:
    """As the page draws it."""
    more = message.more
    return {
        "id": str(message.id), "chat": str(message.chat.id), "mine": not message.by.is_bot, "at": message.date * 1000,
        "text": message.text or more.get("caption", ""), "entities": message.entities if message.text else [],
        "buttons": [[key["text"] for key in row] for row in message.keyboard], "edited": bool(message.edited),
        "ticks": "read" if message.seen else "sent", "files": [_file(more["document"])] if "document" in more else [],
    }  # fmt: skip


def _file(document: Json) -> Json:
    return {
        "id": document["file_id"], "name": document.get("file_name", "file"), "type": _kind(document),
        "size": document["file_size"],
    }  # fmt: skip


def _kind(document: Json) -> str:
    guessed = mimetypes.guess_type(document.get("file_name", ""))[0]
    return str(document.get("mime_type") or guessed or "application/octet-stream")
