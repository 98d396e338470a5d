"""What Twilio remembers between two starts: every message, in order, and how many ids it has given."""

from typing import Any

from demo.twilio.account import Account
from demo.twilio.message import File, Message

Json = dict[str, Any]


def state(account: Account) -> Json:
    return {"messages": [_kept(message) for message in account.messages.values()], "numbered": account.numbered}


def files(account: Account) -> dict[str, bytes]:
    return {file.sid: file.content for message in account.messages.values() for file in message.media}


def recall(account: Account, kept: Json, contents: dict[str, bytes]) -> None:
    """The phones are there already; what had arrived on them is there again."""
    for told in kept["messages"]:
        media = [File(**file | {"content": contents.get(file["sid"], b"")}) for file in told["media"]]
        message = account.messages[told["sid"]] = Message(**told | {"media": media})
        phone = account.phones.get(message.to)
        if phone is not None and message.status in ("delivered", "read"):
            phone.heard.append(message)
    account.numbered = kept["numbered"]


def _kept(message: Message) -> Json:
    media = [{"sid": file.sid, "content_type": file.content_type, "name": file.name} for file in message.media]
    return {name: value for name, value in vars(message).items() if name != "media"} | {"media": media}
