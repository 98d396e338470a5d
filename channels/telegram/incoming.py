"""What Telegram tells, read strictly as far as it is read: update → Inbound. Pure.

https://core.telegram.org/bots/api#update. Fields that nobody here reads may be anything: Telegram adds new ones every few months.
Deletions in ordinary chats are told to no bot.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bus.errors import Rejected
from bus.message import Address, Attachment, Inbound, Sender
from channels.cleaning import cleaned

ALLOWED = ("message", "edited_message", "callback_query")
PRIVATE = "private"
GROUPS = frozenset({"group", "supergroup"})
GREETINGS = {"de": "Hallo!", "es": "¡Hola!", "fr": "Bonjour !", "pt": "Olá!"}
GREETING = "Hello!"
LONGEST_NAME = 200
Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""Ids have at most 52 significant bits: https://core.telegram.org/bots/api#chat"""


class Chat(msgspec.Struct, frozen=True):
    """Where something was said."""

    id: Whole
    type: str


class User(msgspec.Struct, frozen=True):
    """Who said it."""

    id: Whole
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    language_code: str = ""

    @property
    def name(self) -> str:
        """As people see it, whatever it holds."""
        return cleaned(f"{self.first_name} {self.last_name}").strip()[:LONGEST_NAME]


class File(msgspec.Struct, frozen=True):
    """A file at Telegram; `file_id` is what getFile takes."""

    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: Whole = 0
    emoji: str = ""


class Contact(msgspec.Struct, frozen=True):
    """A shared contact."""

    phone_number: str = ""
    first_name: str = ""
    last_name: str = ""


class Location(msgspec.Struct, frozen=True):
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


class Venue(msgspec.Struct, frozen=True):
    """A place with a name."""

    location: Location
    title: str = ""
    address: str = ""


class Key(msgspec.Struct, frozen=True):
    """A button below a message of ours."""

    text: str = ""
    callback_data: str = ""


class Message(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A message; `date` and `edit_date` in seconds."""

    message_id: Whole
    chat: Chat
    date: Whole = 0
    edit_date: Whole = 0
    sender: User | None = None
    via_bot: Any = None
    forward_origin: Any = None
    message_thread_id: Whole = 0
    is_topic_message: bool = False
    text: str = ""
    caption: str = ""
    photo: list[File] = []
    document: File | None = None
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    sticker: File | None = None
    contact: Contact | None = None
    location: Location | None = None
    venue: Venue | None = None


class Press(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A press on an inline keyboard; `message` is absent for one that is too old."""

    id: str
    sender: User
    data: str = ""
    message: Message | None = None


class Update(msgspec.Struct, frozen=True):
    """One thing that happened. Its `update_id` is an envelope's and nobody's key."""

    update_id: Whole
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: Press | None = None


class Reading(msgspec.Struct, frozen=True):
    """For whom is read: the channel's own name and account, and what it was told to take."""

    tenant: str
    name: str
    account: str
    groups: bool = False
    forwarded: bool = False


def read(payload: object) -> Update:
    """The update. Raises Rejected(400)."""
    try:
        return msgspec.convert(payload, Update)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Rejected(400, f"malformed: {error}") from error


def parse(update: Update, reading: Reading) -> Inbound | None:
    """What a person said, or changed; None for everything else."""
    if update.message is not None:
        return _said(update.message, reading)
    if update.edited_message is not None:
        return _edited(update.edited_message, reading)
    return None


def token_of(inbound: Inbound) -> str:
    """The token of a deep link (`/start <token>`), "" for other words. https://core.telegram.org/bots/features#deep-linking"""
    command, _, token = inbound.text.partition(" ")
    return token.strip() if inbound.kind == "message" and command == "/start" else ""


def greeting(inbound: Inbound, language: str) -> Inbound:
    """Who presses «Start» says hello."""
    return msgspec.structs.replace(inbound, text=GREETINGS.get(language[:2], GREETING))


def at(message: Message, sender: User, reading: Reading) -> Address | None:
    """Where this person is reached; None where nobody is answered. In a group it is the chat and the person in it."""
    if message.chat.type == PRIVATE:
        peer = str(message.chat.id)
    elif message.chat.type in GROUPS and reading.groups:
        peer = f"{message.chat.id}:{sender.id}"
    else:
        return None
    thread = str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""
    return Address(reading.tenant, reading.name, reading.account, peer, thread)


def _by(message: Message, reading: Reading) -> tuple[User, Address] | None:
    """Who speaks, and where; None for bots, for words of others, and for chats where nobody is answered."""
    sender = message.sender
    if sender is None or sender.is_bot or message.via_bot or (message.forward_origin and not reading.forwarded):
        return None
    address = at(message, sender, reading)
    return (sender, address) if address else None


def _said(message: Message, reading: Reading) -> Inbound | None:
    by, text, attachments = _by(message, reading), _text(message), _attachments(message)
    if by is None or not (text or attachments):
        return None
    sender, address = by
    inbound = Inbound(
        key=f"message:{message.chat.id}:{message.message_id}",
        address=address,
        sender=Sender(str(sender.id), sender.name, "channel"),
        kind="message",
        at=message.date * 1000,
        text=text,
        target=platform_id(message.chat.id, message.message_id),
        attachments=attachments,
    )
    return greeting(inbound, sender.language_code) if text == "/start" else inbound


def _edited(message: Message, reading: Reading) -> Inbound | None:
    """Changed words. A place that moves on is no news, and what a bot cannot see may be told as an edit as well."""
    by, text = _by(message, reading), message.text or message.caption
    if by is None or not text:
        return None
    sender, address = by
    return Inbound(
        key=f"edit:{message.chat.id}:{message.message_id}:{message.edit_date}",
        address=address,
        sender=Sender(str(sender.id), sender.name, "channel"),
        kind="edit",
        at=(message.edit_date or message.date) * 1000,
        text=text,
        target=platform_id(message.chat.id, message.message_id),
    )


def platform_id(chat: int, *messages: int) -> str:
    """The id of a message of ours or theirs: numbers are unique within a chat. One that we sent in parts has several."""
    return f"{chat}:{','.join(map(str, messages))}"


def messages_of(target: str) -> tuple[int, list[int]]:
    """(chat, numbers) of a platform id; (0, []) for what is none."""
    chat, _, numbers = target.rpartition(":")
    try:
        return int(chat), [int(number) for number in numbers.split(",")]
    except ValueError:
        return 0, []


def _text(message: Message) -> str:
    """Its words; what has none is put into words."""
    words = message.text or message.caption
    if message.chat.type in GROUPS and words.startswith("/"):
        command, _, rest = words.partition(" ")
        words = f"{command.partition('@')[0]} {rest}".strip()
    if words:
        return words
    if message.contact:
        who = message.contact
        return " ".join(filter(None, ("📇", who.first_name, who.last_name, who.phone_number)))
    if message.venue:
        place = message.venue
        return ", ".join(filter(None, (f"📍 {place.title}", place.address, _degrees(place.location))))
    if message.location:
        return f"📍 {_degrees(message.location)}"
    return message.sticker.emoji if message.sticker else ""


def _degrees(place: Location) -> str:
    return f"{place.latitude:.6f}, {place.longitude:.6f}"


def _attachments(message: Message) -> tuple[Attachment, ...]:
    """The file beside the words; of a photo the largest size. An animation comes as a document as well."""
    if message.photo:
        photo = message.photo[-1]
        return (Attachment("photo.jpg", "image/jpeg", photo.file_size, photo.file_id),)
    for file, name, kind in (
        (message.animation, "animation.mp4", "video/mp4"),
        (message.document, "file", "application/octet-stream"),
        (message.voice, "voice.ogg", "audio/ogg"),
        (message.audio, "audio.mp3", "audio/mpeg"),
        (message.video, "video.mp4", "video/mp4"),
        (message.video_note, "video.mp4", "video/mp4"),
        (message.sticker, "sticker.webp", "image/webp"),
    ):
        if file is not None:
            return (Attachment(file.file_name or name, file.mime_type or kind, file.file_size, file.file_id),)
    return ()
