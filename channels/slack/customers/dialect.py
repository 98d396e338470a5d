"""The safe tree of a message as Markdown for Slack's `markdown` block: nothing in it pings, and a link leads where it says.

https://docs.slack.dev/reference/block-kit/blocks/markdown-block – it reads Slack's own `<…>` tokens too, so no angle bracket of
anybody's words is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from channels.markup import Node, tree
from channels.slack.literal import visible

_SPECIAL = re.compile(r"[\\`*~|]|(?<!\w)_|_(?!\w)|\](?=[(\[:]|$)|!(?=\[|$)")
_OPENING = re.compile(r"(?m)^[ \t]*(?:([#+=>:-])|(\d{1,9})([.)]))")
_TOKEN = re.compile(r"<(?=[!@#]|[^<>\s]*\||\w+:)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(text: str) -> str:
    """Somebody's Markdown as ours."""
    return "\n\n".join(_blocks(tree(visible(text)))).strip()


def _blocks(nodes: Sequence[Node]) -> list[str]:
    """Each block by itself; words that stand beside blocks are a paragraph."""
    found: list[str] = []
    run: list[Node] = []
    for node in [*nodes, None]:
        write = BLOCKS.get(node["t"]) if isinstance(node, dict) else None
        if node is not None and write is None:
            run.append(node)
            continue
        found += [_paragraph(run)] if run else []
        run = []
        found += [write(node["c"])] if write and node is not None else []
    return [block for block in found if block.strip()]


def _paragraph(nodes: Sequence[Node]) -> str:
    """Words whose lines begin with nothing that would make them a heading, a list or a table."""
    return _OPENING.sub(
        lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", _inline(nodes)
    ).strip()


def _inline(nodes: Sequence[Node]) -> str:
    return "".join(_text(node) if isinstance(node, str) else _span(node) for node in nodes)


def _text(text: str) -> str:
    entities = re.sub("[&<>]", lambda found: _ENTITIES[found[0]], text)
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", entities)


def _span(node: Node) -> str:
    kind, inner = node["t"], node["c"]
    if kind == "a":
        return f"[{_inline(inner)}]({_destination(node['href'])})"
    if kind == "code":
        return _fenced(_words(inner))
    if kind == "br":
        return "\n"
    mark = {"strong": "**", "em": "*", "s": "~~"}.get(kind, "")
    return f"{mark}{_inline(inner)}{mark}"


def _destination(href: str) -> str:
    return re.sub(r"[()<>|]", lambda found: f"%{ord(found[0]):02X}", href)


def _fenced(code: str) -> str:
    """Code in as many ticks as it takes. Slack looks for its tokens even here."""
    fence = "`" * (max((len(ticks) for ticks in re.findall("`+", code)), default=0) + 1)
    pad = " " if code.startswith("`") or code.endswith("`") else ""
    return f"{fence}{pad}{_TOKEN.sub('&lt;', code)}{pad}{fence}"


def _words(nodes: Sequence[Node]) -> str:
    return "".join(node if isinstance(node, str) else _words(node["c"]) for node in nodes)


def _box(nodes: Sequence[Node]) -> str:
    code = _TOKEN.sub("&lt;", _words(nodes))
    fence = "`" * max(3, max((len(ticks) for ticks in re.findall("`+", code)), default=0) + 1)
    return f"{fence}\n{code}\n{fence}"


def _heading(nodes: Sequence[Node]) -> str:
    return f"### {_inline(nodes)}".replace("\n", " ")


def _quote(nodes: Sequence[Node]) -> str:
    return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_blocks(nodes)).split("\n"))


def _bullets(nodes: Sequence[Node]) -> str:
    return "\n".join(_item("- ", node["c"]) for node in nodes)


def _numbers(nodes: Sequence[Node]) -> str:
    return "\n".join(_item(f"{number}. ", node["c"]) for number, node in enumerate(nodes, 1))


def _item(sign: str, nodes: Sequence[Node]) -> str:
    return sign + "\n".join(_blocks(nodes)).replace("\n", "\n" + " " * len(sign))


def _table(nodes: Sequence[Node]) -> str:
    rows = [[_inline(cell["c"]).replace("\n", " ") for cell in row["c"]] for row in nodes]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([*lines[:1], "|" + " --- |" * len(rows[0]), *lines[1:]]) if rows else ""


BLOCKS: dict[str, Callable[[Sequence[Node]], str]] = {
    "p": _paragraph, "h": _heading, "pre": _box, "quote": _quote, "ul": _bullets, "ol": _numbers, "table": _table,
    "hr": lambda _: "---",
}  # fmt: skip
