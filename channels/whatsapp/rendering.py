"""Markdown → WhatsApp's own marks, from the tree of channels.markup, and long texts as several messages.

WhatsApp knows *bold*, _italic_, ~struck~, `code`, ```monospace```, lists and quotes, and has no way to write a mark that is none:
https://faq.whatsapp.com/539178204879377. A mark counts only beside what is no letter and within one line, so a style that could not
be seen is left out, and a sign in the text that would count as a mark gives way to its look-alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bus.message import Button, Words
from channels import markup
from channels.cleaning import cleaned
from channels.markup import Node
from channels.splitting import pieces
from channels.whatsapp.settings import ROOM

MARKS = {"strong": "*", "h": "*", "th": "*", "em": "_", "s": "~"}
ALIKE = {"*": "∗", "_": "＿", "~": "∼", "`": "‵"}
ENCODED = {"*": "%2A", "_": "%5F", "~": "%7E", "`": "%60"}
ADDRESS = re.compile(r"https?://[^\s<>\"]+")
BEFORE, AFTER = frozenset("([{\"'«“‘¡¿–—:;,/-"), frozenset(")]}\"'»”’.,:;!?…–—/-")
FENCE = "```"
RULE = "———"
SPARE = 16  # characters for closing and opening again what a cut goes through
BLOCKS = frozenset({"p", "ul", "ol", "quote", "table", "pre", "h", "hr"})


class Run(msgspec.Struct, frozen=True):
    """Text of one line in one style; `styles` are marks from the outside in. `raw` is not looked at: an address, or monospace."""

    text: str
    styles: tuple[str, ...] = ()
    raw: bool = False


Line = list[Run]


def words(said: Words) -> str:
    """What is said, with its buttons as a numbered list. Only the agent's and the gateway's own words are Markdown."""
    ours = said.speaker in ("agent", "system")
    text = _marked([*markup.tree(said.text), *markup.card_nodes(said.cards)]) if ours else literal(said.text)
    if said.speaker == "staff" and said.name:
        text = f"{literal(said.name)}: {text}"
    return "\n\n".join(part for part in (text, choices(said.buttons)) if part)


def choices(buttons: Sequence[Button]) -> str:
    """Buttons as a numbered list; the number is the answer."""
    return "\n".join(f"{number}. {_choice(button)}" for number, button in enumerate(buttons, 1))


def _choice(button: Button) -> str:
    return literal(f"{button.label} – {button.detail}" if button.detail else button.label)


def markdown(text: str) -> str:
    """Markdown in WhatsApp's marks."""
    return _marked(markup.tree(text))


def _marked(nodes: Iterable[Node]) -> str:
    return "\n".join(_blocks(nodes)).strip()


def literal(text: str) -> str:
    """Words of a person: every sign as it is, none of them a mark."""
    return "\n".join(_plain(line) for line in cleaned(text).strip().split("\n"))


def messages(text: str, room: int = ROOM) -> list[str]:
    """The text as messages of at most `room` characters, in order; a style that is cut is closed and opened again."""
    if len(text) <= room:
        return [text] if text else []
    found: list[str] = []
    begun: list[str] = []
    end, held = 0, ""
    for piece in pieces(text, room - SPARE):
        end = text.index(piece, end) + len(piece)
        whole, held = held + piece, ""
        if text[end : end + 1] == "`":  # the cut goes through a fence: all of it goes on
            held = whole[len(whole.rstrip("`")) :]
        open_ = unclosed(text, end - len(held))
        found.append(_whole(whole.removesuffix(held), begun, open_))
        begun = open_
    return [piece for piece in found if piece]


def _whole(piece: str, begun: Sequence[str], open_: Sequence[str]) -> str:
    """A piece with what was open before it opened again, and what is open behind it closed; nothing is opened for no words."""
    opening, closing = [*begun], [*open_]
    while opening and piece.startswith(opening[-1]):
        piece = piece.removeprefix(opening.pop()).lstrip()
    while closing and piece.endswith(closing[-1]):
        piece = piece.removesuffix(closing.pop()).rstrip()
    return f"{''.join(opening)}{piece}{''.join(reversed(closing))}"


def unclosed(text: str, end: int) -> list[str]:
    """The marks that are open at this place of a text of ours, the outermost first."""
    before, fence, last = text[:end].rpartition(FENCE)
    if before.count(FENCE) % 2 == 0 and fence:
        return [FENCE]
    open_: list[str] = []
    begin = max(end - len(last), text.rfind("\n", 0, end) + 1)
    for place in range(begin, end):
        sign = text[place]
        if sign in "*_~" and not _is_text(text, place, beside=" "):
            open_ = open_[:-1] if open_ and open_[-1] == sign else [*open_, sign]
    return open_


# --- blocks


def _blocks(nodes: Iterable[Node]) -> list[str]:
    """The lines of block nodes, an empty one between two of them."""
    lines: list[str] = []
    loose: list[Node] = []
    for node in [*nodes, None]:
        if node is not None and (isinstance(node, str) or node["t"] not in BLOCKS):
            loose.append(node)
            continue
        for block in ([_inline(loose)] if loose else []) + ([_block(node)] if node is not None else []):
            lines.extend([*([""] if lines and block else []), *block])
        loose = []
    return lines


def _block(node: Node) -> list[str]:
    kind, inner = node["t"], node["c"]
    if kind in ("ul", "ol"):
        return [line for number, item in enumerate(inner, 1) for line in _item(item, kind, number)]
    if kind == "quote":
        return [f"> {line}" for line in _blocks(inner) if line]
    if kind == "table":
        return _table(inner)
    if kind == "pre":
        return _fenced("".join(part for part in inner if isinstance(part, str)))
    if kind == "hr":
        return [RULE]
    return _inline(inner, (MARKS["h"],) if kind == "h" else ())


def _item(item: Node, kind: str, number: int) -> list[str]:
    first, *more = [line for line in _blocks(item["c"]) if line] or [""]
    return [f"{f'{number}.' if kind == 'ol' else '-'} {first}".rstrip(), *(f"  {line}" for line in more)]


def _table(rows: Sequence[Node]) -> list[str]:
    """«column: value» lines, an empty line between two rows: a phone is too narrow for columns."""
    heads = [_words(cell["c"]) for cell in rows[0]["c"]] if rows else []
    lines: list[str] = []
    for row in rows[1:]:
        cells = zip(heads, (_words(cell["c"]) for cell in row["c"]), strict=False)
        lines += [*([""] if lines else []), *(f"{head}: {cell}" if head else cell for head, cell in cells if cell)]
    return lines or [" · ".join(head for head in heads if head)]


def _words(nodes: Sequence[Node]) -> str:
    return " ".join(_inline(nodes))


def _fenced(text: str) -> list[str]:
    return f"{FENCE}{text.replace('`', ALIKE['`'])}{FENCE}".split("\n") if text.strip() else []


# --- inline


def _inline(nodes: Sequence[Node], styles: tuple[str, ...] = ()) -> list[str]:
    lines: list[Line] = [[]]
    _fill(nodes, styles, lines)
    return [_line(_visible(line)) for line in lines]


def _fill(nodes: Sequence[Node], styles: tuple[str, ...], lines: list[Line]) -> None:
    for node in nodes:
        if isinstance(node, str):
            _add(node, styles, lines)
        elif node["t"] == "br":
            lines.append([])
        elif node["t"] == "a":
            _link(node, styles, lines)
        elif node["t"] == "code":
            _add(" ".join(_fenced(" ".join(markup_words(node["c"]).split("\n")))), (), lines, raw=True)
        else:
            mark = MARKS.get(node["t"], "")
            _fill(node["c"], (*styles, mark) if mark and mark not in styles else styles, lines)


def _add(text: str, styles: tuple[str, ...], lines: list[Line], *, raw: bool = False) -> None:
    for number, part in enumerate(text.split("\n")):
        if number:
            lines.append([])
        if part:
            lines[-1].append(Run(part, styles, raw))


def _link(node: Node, styles: tuple[str, ...], lines: list[Line]) -> None:
    """`label (address)`, or the address alone when the label says no more."""
    href = node["href"]
    shown = href.partition(":")[2] if href.startswith(("mailto:", "tel:")) else href
    label = markup_words(node["c"]).strip()
    if label in (shown, href, ""):
        _add(_encoded(shown), (), lines, raw=True)
        return
    _fill(node["c"], styles, lines)
    _add(" (", (), lines)
    _add(_encoded(shown), (), lines, raw=True)
    _add(")", (), lines)


def markup_words(nodes: Iterable[Node]) -> str:
    """The text of nodes, without styles."""
    return "".join(
        node if isinstance(node, str) else "\n" if node["t"] == "br" else markup_words(node["c"]) for node in nodes
    )


def _visible(line: Line) -> Line:
    """The line with the styles that WhatsApp would show: none that begins or ends in white space or inside a word."""
    runs = [part for run in line for part in _trimmed(run)]
    while lost := next(_unseen(runs), None):
        runs = _without(runs, *lost)
    return runs


def _trimmed(run: Run) -> Line:
    """The run with the white space at its ends as runs of their own."""
    if run.raw or not run.styles or not run.text.strip():
        return [run]
    begin = len(run.text) - len(run.text.lstrip())
    end = len(run.text.rstrip())
    parts = (run.text[:begin], run.text[begin:end], run.text[end:])
    return [Run(part, run.styles) for part in parts if part]


def _unseen(runs: Line) -> Iterator[tuple[str, int, int]]:
    """(mark, first, behind the last) of runs on which a style is lost."""
    for mark in dict.fromkeys(mark for run in runs for mark in run.styles):
        for first, behind in _spans(runs, mark):
            if runs[first].text.isspace():
                yield mark, first, first + 1
            elif runs[behind - 1].text.isspace():
                yield mark, behind - 1, behind
            elif not _shows(runs, first, behind):
                yield mark, first, behind


def _spans(runs: Line, mark: str) -> list[tuple[int, int]]:
    """(first, behind the last) of neighbouring runs in this style."""
    spans: list[tuple[int, int]] = []
    for place, run in enumerate(runs):
        if mark in run.styles:
            spans[-1:] = (
                [(spans[-1][0], place + 1)] if spans and spans[-1][1] == place else [*spans[-1:], (place, place + 1)]
            )
    return spans


def _shows(runs: Line, first: int, behind: int) -> bool:
    before = runs[first - 1].text[-1] if first else " "
    after = runs[behind].text[0] if behind < len(runs) else " "
    inside = runs[first:behind]
    return (
        (before.isspace() or before in BEFORE)
        and (after.isspace() or after in AFTER)
        and not any(run.raw for run in inside)
    )


def _without(runs: Line, mark: str, first: int, behind: int) -> Line:
    return [
        Run(run.text, tuple(other for other in run.styles if other != mark), run.raw)
        if first <= place < behind
        else run
        for place, run in enumerate(runs)
    ]


def _line(runs: Line) -> str:
    text = ""
    open_: tuple[str, ...] = ()
    for run in [*runs, Run("")]:
        kept = _common(open_, run.styles)
        text += "".join(reversed(open_[kept:])) + "".join(run.styles[kept:])
        text += run.text if run.raw else _within(run)
        open_ = run.styles
    return text.rstrip()


def _within(run: Run) -> str:
    """The text of a run; inside a style not even a mark between two letters may stand for itself."""
    text = _plain(run.text)
    for mark in run.styles:
        text = text.replace(mark, ALIKE[mark])
    return text


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


# --- signs


def _plain(text: str) -> str:
    """A line of text without anything that counts as a mark; addresses stay addresses."""
    found, end = "", 0
    for address in ADDRESS.finditer(text):
        found += _unmarked(text[end : address.start()]) + _encoded(address[0])
        end = address.end()
    return found + _unmarked(text[end:])


def _unmarked(text: str) -> str:
    return "".join(
        ALIKE[sign] if sign in ALIKE and not _is_text(text, place) else sign for place, sign in enumerate(text)
    )


def _is_text(text: str, place: int, beside: str = "") -> bool:
    """True when this sign is no mark: between two letters or digits, or between two spaces.

    `beside` is what stands before and behind the text; "" when that is not known, and then it may be a mark.
    """
    if text[place] == "`":
        return False
    before, after = text[place - 1 : place] or beside, text[place + 1 : place + 2] or beside
    return (before.isalnum() and after.isalnum()) or (before.isspace() and after.isspace())


def _encoded(address: str) -> str:
    return "".join(ENCODED.get(sign, sign) for sign in address)
