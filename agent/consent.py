"""A yes or a no to a pending question, decided by code and never by a model."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any, Literal

import msgspec

from agent.replies import Replies

Word = Literal["yes", "no", "unclear"]

AND = r"and|y|e|und|et|also|also,|también|auch|aussi|também"
CLAUSE = re.compile(rf"[,;:!?…—–\n¡¿]+|\.(?!\d)|\s-\s|\s(?:{AND}|but|pero|aber|mais|mas)(?=\s)", re.IGNORECASE)
JOINT = re.compile(rf"^[\s,;:.!?…—–¡¿-]*(?:(?:{AND}|but|pero|aber|mais|mas)\s+)?", re.IGNORECASE)
# A clause that begins with one of these takes a yes back or ties it to something.
DOUBTS = frozenset(
    """not don't dont never if unless only except until wait later maybe perhaps actually rather before no nope but
    nunca jamás si solo sólo salvo excepto espera después quizás quizá mejor pero
    nicht kein keine nie nein wenn falls nur außer erst warte später vielleicht bevor aber
    pas jamais non sauf seulement attendez attends plutôt mais
    não nao se só somente exceto espere depois talvez mas""".split()  # noqa: SIM905 - a table of words
)
COURTESIES = frozenset(
    """please thanks thank you por favor gracias bitte danke dir ihnen s'il te vous plaît merci obrigado obrigada
    faz""".split()  # noqa: SIM905 - a table of words
)
MONEY = re.compile(
    r"[$€£¥]\s*(\d[\d.,]*)|(?<![\w.,#-])(\d[\d.,]*)\s*(?:[$€£¥]|usd|eur|gbp|dollars?|euros?|d[oó]lares)", re.IGNORECASE
)
NUMBER = re.compile(r"(?<![\w.,#-])\d+(?:[.,]\d+)*(?![\w-])")
YEAR = re.compile(r"(?:19|20)\d\d")


class Consent(msgspec.Struct, frozen=True):
    """What the message said to the question, and what else it says."""

    word: Word
    rest: str = ""


def read(text: str, replies: Replies, language: str, default: str, args: dict[str, Any]) -> Consent:
    """Yes or no by the first clause of a message. Anything doubtful is unclear and leaves the whole message.

    `args` are the call's arguments: a message that names another amount agrees to nothing.
    """
    lists = _plain_words(replies.affirmations(language, default)), _plain_words(replies.refusals(language, default))
    clause, tail = _cut(text.strip().lstrip("¡¿ "))
    word = _said(clause, *lists)
    while word != "unclear" and tail:
        clause, after = _cut(tail)
        more = _said(clause, *lists) if _plain(clause) else word
        if more != word and not set(_plain(clause).split()) <= COURTESIES:
            word = word if more == "unclear" else "unclear"
            break
        tail = after
    if word == "unclear" or (word == "yes" and _is_doubtful(text, tail, args)):
        return Consent("unclear", text)
    return Consent(word, JOINT.sub("", tail).strip())


def _said(clause: str, yes: frozenset[str], no: frozenset[str]) -> Word:
    agrees, refuses = _is_one_of(clause, yes), _is_one_of(clause, no)
    if agrees == refuses:
        return "unclear"
    return "yes" if agrees else "no"


def _is_one_of(clause: str, words: frozenset[str]) -> bool:
    """The clause is a listed word, alone or with courtesies around it."""
    clause = _plain(clause)
    bare = [token for token in clause.split() if token not in COURTESIES]
    once = [token for token, before in zip(bare, ["", *bare], strict=False) if token != before]
    return clause in words or " ".join(once) in words


def _cut(text: str) -> tuple[str, str]:
    """The first clause and what follows it."""
    text = text[JOINT.match(text).end() :] if JOINT.match(text) else text  # type: ignore[union-attr]
    end = CLAUSE.search(text)
    return (text[: end.start()], text[end.start() :]) if end else (text, "")


def _is_doubtful(text: str, tail: str, args: dict[str, Any]) -> bool:
    clauses = (_plain(clause).split() for clause in CLAUSE.split(tail) if clause)
    return any(words and words[0] in DOUBTS for words in clauses) or _names_other_amount(text, args)


def _names_other_amount(text: str, args: dict[str, Any]) -> bool:
    """Another sum of money anywhere, or another number of three digits or more that is no year in the first sentence."""
    money = [first or second for first, second in MONEY.findall(text)]
    sentence = re.split(r"[!?\n]|\.(?!\d)", text, maxsplit=1)[0]
    bare = [n for n in NUMBER.findall(sentence) if len(n) > 2 and not YEAR.fullmatch(n)]
    ours = {_number(found) for value in args.values() for found in re.findall(r"\d[\d.,]*", str(value))}
    return any(_number(found) not in ours for found in (*money, *bare))


def _number(text: str) -> Decimal:
    """189,40 and 189.4 are one number; a last separator before one or two digits is the decimal one."""
    found = re.fullmatch(r"([\d.,]*?)(?:[.,](\d{1,2}))?", text.rstrip(".,"))
    whole, fraction = (found[1], found[2]) if found else (text, None)
    return Decimal(f"{re.sub(r'[.,]', '', whole) or '0'}.{fraction or 0}")


def _plain_words(words: frozenset[str]) -> frozenset[str]:
    return frozenset(_plain(word) for word in words)


def _plain(text: str) -> str:
    """Letters, digits, apostrophes and pictures, in lower case."""
    text = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    kept = (
        letter if letter in "'-" or unicodedata.category(letter)[0] in "LNM" or letter == "👍" else " "
        for letter in text
    )
    return " ".join("".join(kept).split()).strip("-' ")
