"""The phone with WhatsApp."""

import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import asdict

from demo.live import Upload
from demo.phones.app import Json, Opened, Unwanted, Verb, words
from demo.phones.people import Owner
from demo.twilio import Account, Phone
from demo.twilio.message import File, Message

LONGEST = 4096  # https://faq.whatsapp.com: what a person may write at once
ARRIVED = ("delivered", "read")


class WhatsApp:
    """Implements demo.phones.app.App."""

    def __init__(self, account: Account, owners: Sequence[Owner]) -> None:
        self.account = account
        self.owners = {owner.id: owner for owner in owners}
        self.phones = {owner.id: account.phone(owner.id, owner.name) for owner in owners}
        self.verbs: dict[str, Verb] = {"say": self._say, "press": self._press, "read": self._read}

    def shown(self) -> Json:
        people = [asdict(owner) for owner in self.owners.values()]
        every = self.account.messages.values()
        messages = [self._drawn(one) for one in every if self._is_shown(one) and (one.inbound or one.status in ARRIVED)]
        return {"title": "Halden", "about": "business account", "people": people, "messages": messages, "commands": []}

    def listen(self, watcher: Callable[[Json], None]) -> None:
        self.account.watchers.append(watcher)

    def told(self, news: Json) -> Json | None:
        match news:
            case {"message": message} if self._is_shown(message):
                return {"message": self._drawn(message)}
            case {"typing": message}:
                return {"typing": _chat(message)}
        return None

    async def share(self, person: str, file: Upload) -> None:
        await self._phone(person).share(file.content, file.media_type, file.text, file.name)

    def file(self, name: str) -> Opened | None:
        files = (file for message in self.account.messages.values() for file in message.media)
        found = next((file for file in files if file.sid == name), None)
        return Opened(found.content, found.content_type, _name(found)) if found else None

    async def _say(self, person: str, said: Json) -> None:
        text = words(said)
        if len(text) > LONGEST:
            raise Unwanted(f"WhatsApp takes at most {LONGEST} characters")
        await self._phone(person).say(text)

    async def _press(self, person: str, said: Json) -> None:
        phone, label = self._phone(person), words(said, "label")
        message = self.account.messages.get(str(said.get("message", "")))
        if message is None or message.to != phone.address or label not in self.account.buttons(message):
            raise Unwanted("there is no such button any more")
        await phone.tap(message, label)

    async def _read(self, person: str, _: Json) -> None:
        """Look at the newest message; the second time changes nothing."""
        phone = self._phone(person)
        if phone.heard and phone.heard[-1].status == "delivered":
            await phone.read()

    def _phone(self, person: str) -> Phone:
        if person not in self.phones:
            raise Unwanted("nobody of that name has a phone here")
        return self.phones[person]

    def _is_shown(self, message: Message) -> bool:
        return _chat(message) in self.owners

    def _drawn(self, message: Message) -> Json:
        """As the page draws it."""
        labels = self.account.buttons(message)
        return {
            "id": message.sid, "chat": _chat(message), "mine": message.inbound, "at": message.at, "text": message.body,
            "entities": [], "buttons": [[label] for label in labels], "edited": False, "ticks": message.ticks,
            "files": [_file(file) for file in message.media],
        }  # fmt: skip


def _chat(message: Message) -> str:
    address = message.sender if message.inbound else message.to
    return address.removeprefix("whatsapp:")


def _file(file: File) -> Json:
    return {"id": file.sid, "name": _name(file), "type": file.content_type, "size": len(file.content)}


def _name(file: File) -> str:
    """WhatsApp gives photos no name."""
    return file.name or f"{file.content_type.partition('/')[0]}{mimetypes.guess_extension(file.content_type) or ''}"
