"""Words as Telegram takes them: a text and the spans in it that look different, from the one safe tree. Pure.

Spans instead of markup: nothing has to be escaped, so nothing can fail to parse, and what a text shows is what it says.
https://core.telegram.org/bots/api#messageentity
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bus.message import Button, Words
from channels import markup
from channels.cleaning import cleaned
from channels.markup import Node
from channels.splitting import pieces, utf16

ROOM = 4096
MOST = 100  # entities that Telegram keeps in one message: https://core.telegram.org/bots/api#formatting-options
STYLES = {"strong": "bold", "em": "italic", "s": "strikethrough", "code": "code", "h": "bold"}
WHOLE = frozenset({"code", "pre"})  # nothing may look different within
OWN = frozenset({"t.me", "telegram.me", "telegram.dog"})
RULE = "———"
BULLET = "•"


class Span(NamedTuple):
    """From and to which character of the text; `url` of a link."""

    kind: str
    begin: int
    end: int
    url: str = ""


class Part(NamedTuple):
    """One message. `entities` as the Bot API wants them, in UTF-16 units."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()


def rendered(words: Words, room: int = ROOM) -> list[Part]:
    """The messages that say it, in order; [] when there is nothing to say. A person's words are literal, after their name."""
    files = "\n".join(f"📎 {cleaned(item.name)}" for item in words.attachments)
    if words.speaker in ("agent", "system"):
        canvas = Canvas()
        canvas.blocks([*markup.tree(words.text), *_listed(words), *markup.card_nodes(words.cards)])
        text, spans = canvas.text, canvas.spans
    else:
        said = cleaned(words.text)
        text, spans = f"{cleaned(words.name)}: {said}" if words.name and said else said, []
    text = "\n".join(filter(None, (text.rstrip(), files)))
    return _parts(text, spans, room)


def _listed(words: Words) -> list[Node]:
    """What the choices say beyond their labels, which alone fit on a keyboard."""
    if not any(button.detail for button in words.buttons):
        return []
    items = ([{"t": "strong", "c": [cleaned(one.label)]}, _detail(one)] for one in words.buttons)
    return [{"t": "ul", "c": [{"t": "li", "c": item} for item in items]}]


def _detail(button: Button) -> str:
    return f" – {cleaned(button.detail)}" if button.detail else ""


def plainly(parts: Sequence[Part]) -> list[Part]:
    """The same without anything that could be refused."""
    return [Part(part.text) for part in parts]


class Canvas:
    """Text that grows, with the spans in it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._written: list[str] = []
        self._length = 0
        self._whole = False

    @property
    def text(self) -> str:
        """Everything written."""
        return "".join(self._written)

    def write(self, text: str) -> None:
        """Add characters."""
        self._written.append(text)
        self._length += len(text)

    def blocks(self, nodes: Iterable[Node], gap: str = "\n\n", quoted: bool = False) -> None:
        """Blocks with a gap between; words that stand among them are a block of their own."""
        for number, block in enumerate(_blocks(nodes)):
            if number:
                self.write(gap)
            self._block(block, quoted)

    def _block(self, block: list[Node], quoted: bool) -> None:
        node = block[0]
        match node["t"] if isinstance(node, dict) else "":
            case "p":
                self._inline(node["c"])
            case "h":
                self._styled("bold", node["c"])
            case "pre":
                self._literally("pre", markup_words(node))
            case "table":
                self._literally("pre", _table(node))
            case "hr":
                self.write(RULE)
            case "ul" | "ol":
                self._items(node, quoted)
            case "quote":
                self._quote(node["c"], quoted)
            case _:
                self._inline(block)

    def _quote(self, nodes: list[Node], quoted: bool) -> None:
        """Quotations cannot be nested: https://core.telegram.org/bots/api#formatting-options"""
        begin = self._length
        self.blocks(nodes, "\n", quoted=True)
        if not quoted:
            self._mark("blockquote", begin)

    def _items(self, node: dict[str, Any], quoted: bool, depth: int = 0) -> None:
        for number, item in enumerate(node["c"], 1):
            if number > 1:
                self.write("\n")
            self.write(f"{'    ' * depth}{BULLET if node['t'] == 'ul' else f'{number}.'} ")
            for place, block in enumerate(_blocks(item["c"])):
                if place:
                    self.write("\n")
                first = block[0]
                if isinstance(first, dict) and first["t"] in ("ul", "ol"):
                    self._items(first, quoted, depth + 1)
                else:
                    self._block(block, quoted)

    def _inline(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if isinstance(node, str):
                self.write(node)
            elif node["t"] == "br":
                self.write("\n")
            elif node["t"] == "a":
                self._link(node)
            elif node["t"] == "code":
                self._literally("code", markup_words(node))
            elif node["t"] in STYLES:
                self._styled(STYLES[node["t"]], node["c"])
            else:
                self._inline(node["c"])

    def _styled(self, kind: str, nodes: Iterable[Node]) -> None:
        begin = self._length
        self._inline(nodes)
        self._mark(kind, begin)

    def _literally(self, kind: str, words: str) -> None:
        begin = self._length
        self.write(words)
        self._mark(kind, begin)

    def _link(self, node: dict[str, Any]) -> None:
        """A link shows where it leads when its label cannot: mail and telephone are no links here, and Telegram's own act."""
        href, words = str(node["href"]), markup_words(node)
        scheme, host = urlsplit(href).scheme, (urlsplit(href).hostname or "").removeprefix("www.")
        if scheme != "https":
            where = href.partition(":")[2]
            self._inline(node["c"])
            self.write("" if where in words else f" ({where})")
        elif host in OWN or host.endswith(tuple(f".{own}" for own in OWN)):
            self.write(href)
        else:
            begin = self._length
            self._inline(node["c"])
            self._mark("text_link", begin, href)

    def _mark(self, kind: str, begin: int, url: str = "") -> None:
        if self._length > begin:
            self.spans.append(Span(kind, begin, self._length, url))


def markup_words(node: Node) -> str:
    """The words of a node, with nothing else."""
    if isinstance(node, str):
        return node
    return "\n" if node["t"] == "br" else "".join(markup_words(child) for child in node["c"])


def _blocks(nodes: Iterable[Node]) -> Iterator[list[Node]]:
    """Each block as a list of one; words between blocks as they stand."""
    loose: list[Node] = []
    for node in nodes:
        if isinstance(node, dict) and node["t"] in ("p", "h", "pre", "table", "hr", "ul", "ol", "quote"):
            if loose:
                yield loose
            loose = []
            yield [node]
        else:
            loose.append(node)
    if loose:
        yield loose


def _table(node: dict[str, Any]) -> str:
    """Columns under each other, as a typewriter has them."""
    rows = [[_cell(cell) for cell in row["c"]] for row in node["c"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=False)]
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _cell(node: Node) -> str:
    """A cell's words, with the address of each link in them."""
    if isinstance(node, str):
        return node.replace("\n", " ")
    words = "".join(_cell(child) for child in node["c"])
    return words if node["t"] != "a" or node["href"] in words else f"{words} ({node['href']})"


def _parts(text: str, spans: Sequence[Span], room: int) -> list[Part]:
    """The text in messages, each with what is left of the spans in it."""
    found: list[Part] = []
    end = 0
    for piece in pieces(text, room, utf16):
        begin = text.index(piece, end)
        end = begin + len(piece)
        shown = piece.rstrip()
        found.append(Part(shown, tuple(_entities(shown, begin, spans))))
    return [part for part in found if part.text]


def _entities(piece: str, at: int, spans: Sequence[Span]) -> Iterator[dict[str, Any]]:
    """The spans within a piece that begins at `at`, those around before those inside."""
    cut = (_trimmed(piece, max(span.begin - at, 0), min(span.end - at, len(piece)), span) for span in spans)
    inside = [span for span in cut if span is not None]
    whole = [span for span in inside if span.kind in WHOLE]
    kept = [span for span in inside if span.kind in WHOLE or not any(_touch(span, other) for other in whole)]
    for span in sorted(kept, key=lambda one: (one.begin, -one.end))[:MOST]:
        entity = {
            "type": span.kind,
            "offset": utf16(piece[: span.begin]),
            "length": utf16(piece[span.begin : span.end]),
        }
        yield entity | ({"url": span.url} if span.url else {})


def _trimmed(piece: str, begin: int, end: int, span: Span) -> Span | None:
    """A span around words: Telegram drops white space at its ends."""
    while begin < end and piece[begin].isspace():
        begin += 1
    while end > begin and piece[end - 1].isspace():
        end -= 1
    return Span(span.kind, begin, end, span.url) if end > begin else None


def _touch(one: Span, other: Span) -> bool:
    return one.begin < other.end and other.begin < one.end
