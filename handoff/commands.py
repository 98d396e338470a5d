"""What a person means by a line in the thread: words for the customer, a note, or a command. When in doubt it stays inside."""

from __future__ import annotations

import difflib
import re

import msgspec

COMMANDS = {
    "resolve": "close the matter and tell the customer",
    "ai": "give the conversation back to the agent",
    "claim": "take the case",
    "help": "show this",
}

HELP = "\n".join([
    "A plain reply goes to the customer.",
    "Lines that start with `note:`, `private:`, `;;`, `\\\\` or 🔒 stay inside; so does a line that starts with a mention.",
    *(f"`!{name}` – {what}" for name, what in COMMANDS.items()),
])  # fmt: skip

# Formatting marks and invisible characters may stand before the sign: `*note:* …` is a note.
_BEFORE = "[\\s*_~>`\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
_NOTE = re.compile(_BEFORE + r"(?:(?:note|private)\s*[:：]|;;|\\|🔒️?|:lock:)[\s*_~`]*", re.IGNORECASE)
_COMMAND = re.compile(_BEFORE + r"[!！]\s*(?P<word>\w*)(?P<rest>.*)", re.DOTALL)
_NOTHING = re.compile(_BEFORE)


class Reply(msgspec.Struct, frozen=True):
    """Words for the customer."""

    text: str


class Note(msgspec.Struct, frozen=True):
    """Words that stay inside."""

    text: str


class Command(msgspec.Struct, frozen=True):
    """An order to the gateway; `name` is "" for a word that is none, with the nearest one in `nearest`."""

    name: str
    rest: str = ""
    word: str = ""
    nearest: str = ""


Gesture = Reply | Note | Command | None


def read(text: str) -> Gesture:
    """What the line means; None when it says nothing."""
    if _NOTHING.fullmatch(text):
        return None
    if note := _NOTE.match(text):
        return Note(text[note.end() :].strip())
    if command := _COMMAND.match(text):
        return _command(command["word"], command["rest"].strip())
    return Reply(text.strip())


def _command(word: str, rest: str) -> Command:
    name = word.casefold()
    if name in COMMANDS:
        return Command(name, rest)
    nearest = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    return Command("", rest, word, nearest[0] if nearest else "help")
