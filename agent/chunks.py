"""Markdown cut at its headings into passages small enough to answer with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

BELOW = " › "
"""Stands between a heading and the one below it."""
LONGEST = 900
"""Characters of a passage: about a screen of a chat."""


class Chunk(NamedTuple):
    """A passage and the headings it stands under, outermost first, joined by ` › `."""

    heading: str
    text: str


def chunks(markdown: str) -> list[Chunk]:
    """The passages of a document in order. A preamble of metadata (`--- … ---`) is left out."""
    path: list[str] = []
    found: list[Chunk] = []
    block: list[str] = []
    for kind, level, text in _blocks(_without_metadata(markdown)):
        if kind == "heading":
            found += _cut(BELOW.join(filter(None, path)), block)
            block = []
            path = [*(path + [""] * level)[: level - 1], text]
        else:
            block.append(text)
    return found + _cut(BELOW.join(filter(None, path)), block)


def _blocks(markdown: str) -> Iterator[tuple[str, int, str]]:
    """Headings and the source of every other outermost block."""
    lines = markdown.splitlines()
    tokens = _parser().parse(markdown)
    for at, token in enumerate(tokens):
        if token.level == 0 and token.map and token.nesting >= 0:
            if token.type == "heading_open":
                yield "heading", int(token.tag[1]), tokens[at + 1].content
            elif token.type != "hr":
                yield "block", 0, "\n".join(lines[token.map[0] : token.map[1]]).strip()


def _cut(heading: str, blocks: list[str]) -> list[Chunk]:
    """Blocks together as long as they are short enough."""
    found: list[Chunk] = []
    text = ""
    for block in blocks:
        if text and len(text) + len(block) + 2 > LONGEST:
            found.append(Chunk(heading, text))
            text = ""
        text = f"{text}\n\n{block}" if text else block
    return [*found, Chunk(heading, text)] if text else found


def _without_metadata(markdown: str) -> str:
    if not markdown.startswith("---\n"):
        return markdown
    _, _, rest = markdown[4:].partition("\n---")
    return rest.partition("\n")[2] or markdown


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
