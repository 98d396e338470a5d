"""A message cut into clauses, and what each is for: small talk, a demand, or something told."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from agent import dates
from agent.terms import terms
from agent.words import TOKEN, fold, words
from agent.words.phrases import phrases

Link = Literal["start", "sentence", "also", "and", "comma"]
Social = Literal["greeting", "thanks", "yes", "no"]
SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"')\]]*\s+(?=[^\s])|(?<=[。！？])|[\n;]+|[-*•]\s(?=\S)")
COMMA = re.compile(r",\s+|\s[–—-]\s|:\s+")
ABBREVIATION = re.compile(
    r"(?:\b(?:no|nr|nº|n|mr|mrs|ms|dr|sr|sra|st|z\.b|bzw|ca|approx|vs|e\.g|i\.e|p\.ej|ref|num|tel)|(?<!\d)\d{1,2})\.$",
    re.IGNORECASE,
)
LONGEST_ABBREVIATION = 12
MOST_CLAUSES = 24
QUESTIONS = frozenset({"~where", "~when", "~why", "~how", "~howmuch", "~have", "~which", "~status", "~explain"})
ASKED = QUESTIONS | {"~want", "~possible", "~check", "~show"}


class Clause(NamedTuple):
    """A part of a message, where it stands, and how it is joined to what comes before."""

    text: str
    start: int
    end: int
    link: Link


def split(text: str, language: str) -> list[Clause]:
    """The clauses of a message in order; nothing but white space and joining words is lost."""
    found: list[Clause] = []
    for start, end in _sentences(text):
        for clause in _joined(text, start, end, language):
            found.append(clause._replace(link="start") if not found else clause)
    return found[:MOST_CLAUSES]


def _sentences(text: str) -> list[tuple[int, int]]:
    cuts = [
        match
        for match in SENTENCE.finditer(text)
        if not ABBREVIATION.search(text[max(0, match.start() - LONGEST_ABBREVIATION) : match.start()].rstrip())
    ]
    edges = [0, *(edge for match in cuts for edge in (match.start(), match.end())), len(text)]
    return [(edges[at], edges[at + 1]) for at in range(0, len(edges), 2) if text[edges[at] : edges[at + 1]].strip()]


def _joined(text: str, start: int, end: int, language: str) -> list[Clause]:
    """A sentence cut at its commas and joining words."""
    cuts: list[tuple[int, int, Link]] = [(start, start, "sentence")]
    tokens = [(fold(match.group()), match.start(), match.end()) for match in TOKEN.finditer(text, start, end)]
    spoken = [token[0] for token in tokens]
    for link, key in (("also", "also"), ("and", "and")):
        for at, size in phrases("social.txt", (key,), language).places(spoken):
            cuts.append((tokens[at][1], tokens[at + size - 1][2], "also" if link == "also" else "and"))
    cuts += [(match.start(), match.end(), "comma") for match in COMMA.finditer(text, start, end)]
    return _pieces(text, _apart(cuts), end)


def _apart(cuts: list[tuple[int, int, Link]]) -> list[tuple[int, int, Link]]:
    """Neighbouring cuts become one; the strongest link names it."""
    order: tuple[Link, ...] = ("start", "also", "sentence", "and", "comma")
    merged: list[tuple[int, int, Link]] = []
    for cut in sorted(cuts):
        if merged and cut[0] <= merged[-1][1] + 1:
            last = merged.pop()
            merged.append((last[0], max(last[1], cut[1]), min(last[2], cut[2], key=order.index)))
        else:
            merged.append(cut)
    return merged


def _pieces(text: str, cuts: list[tuple[int, int, Link]], end: int) -> list[Clause]:
    found = []
    for (_, begin, link), following in zip(cuts, [cut[0] for cut in cuts[1:]] + [end], strict=True):
        piece = text[begin:following]
        if TOKEN.search(piece):
            left = begin + len(piece) - len(piece.lstrip())
            found.append(Clause(piece.strip(), left, left + len(piece.strip()), link))
    return found


def social(text: str, language: str) -> Social | None:
    """What a clause is when it asks for nothing."""
    spoken = words(text)
    left = list(spoken)
    kinds: list[Social] = []
    for kind in ("thanks", "greeting", "no", "yes"):
        for at, size in phrases("social.txt", (kind,), language).places(spoken):
            if all(left[at : at + size]):
                left[at : at + size] = [""] * size
                kinds.append(kind)
    beside = phrases("social.txt", ("beside",), language)
    rest = [word for word in left if word and not beside.at([word], 0)[0]]
    return kinds[0] if kinds and not rest else None


def is_additive(text: str, language: str) -> bool:
    """True for "the other one", "what about the second?": words that carry the matter on to something else."""
    spoken = words(dates.without(text, language))
    return bool(phrases("social.txt", ("other", "about"), language).places(spoken))


def has_matter(text: str, language: str) -> bool:
    """True when the words are about anything at all, more than a way of asking."""
    return any(not term.small and not term.asks and not term.text.isdigit() for term in terms(text, language))


def declines(text: str, language: str) -> bool:
    """True for "I don't want to cancel": what is named there is not asked for."""
    return bool(phrases("social.txt", ("declines",), language).places(words(text)))


def tells(text: str, language: str) -> bool:
    """True for a clause that tells what the customer did: it asks nothing."""
    past = phrases("social.txt", ("past",), language).places(words(text))
    return bool(past) and "?" not in text and not asks(text, language)


def asks(text: str, language: str) -> bool:
    """True for words that ask: where, how much, can I, do you have …"""
    return any(key in ASKED for term in terms(text, language) for key in term.keys)


def wants_to_know(text: str, language: str) -> bool:
    """True for words that ask to be told something, rather than to have something done."""
    return any(key in QUESTIONS for term in terms(text, language) for key in term.keys)


def points_back(text: str, language: str) -> bool:
    """True for a clause that speaks of what was named before: it, that, them."""
    return bool(phrases("social.txt", ("it",), language).places(words(text)))
