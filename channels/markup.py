"""Markdown → the widget's JSON tree. Nothing in it can load, run or pose as another site.

A node is a string or `{"t": type, "c": [nodes]}`, links with `"href"`. Types: p, strong, em, code, pre, a, ul, ol, li, quote, table, tr,
th, td, br, h, s, hr.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from bus.message import Card
from channels.cleaning import cleaned

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Node = Any
"""str | dict: a type that refers to itself says no more here."""

LONGEST = 12_000
DEEPEST = 16
TYPES = {
    "paragraph": "p",
    "heading": "h",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "quote",
    "table": "table",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "strong": "strong",
    "em": "em",
    "s": "s",
}
ENDS = {"td": " ", "th": " ", **dict.fromkeys(("p", "h", "pre", "li", "tr", "br", "hr", "quote"), "\n")}
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
DOMAIN = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}")
BARE = re.compile(r"https://[^\s<>\"'\\]+[^\s<>\"'\\.,;:!?)\]}*_]")
HIDDEN_IN_LINK = re.compile(r"[\s\\\x00-\x20]")


@cache
def _markdown() -> MarkdownIt:
    """The parser, loaded when the first text comes."""
    from markdown_it import MarkdownIt

    class Markdown(MarkdownIt):
        def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - what a link may be is decided below, where its label is kept
            return True

    return Markdown("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def tree(markdown: str) -> list[Node]:
    """The tree of a message. A text longer than LONGEST stays as it is, as paragraphs."""
    text = cleaned(markdown)
    if len(text) > LONGEST:
        return literal(text)
    root: list[Node] = []
    _build(_markdown().parse(text), root)
    return root


def plainly(markdown: str) -> str:
    """The words of a Markdown text without its marks, for where nothing can look different: a notification."""
    return re.sub(r"\n{2,}", "\n", _flat(tree(markdown))).strip()


def _flat(nodes: Iterable[Node]) -> str:
    return "".join(node if isinstance(node, str) else _flat(node["c"]) + ENDS.get(node["t"], "") for node in nodes)


def literal(text: str) -> list[Node]:
    """The tree of a text that is not Markdown: paragraphs and line ends, every character as it is."""
    paragraphs = (part.strip("\n") for part in re.split(r"\n[ \t]*\n", text))
    return [_node("p", _lines(part)) for part in paragraphs if part]


def followed(cards: Iterable[Card]) -> list[Card]:
    """The link cards that lead somewhere, by their titles, or by their hosts where a title names another site."""
    return [_honestly(card) for card in cards if _target(card.url)[0] == "https"]


def _honestly(card: Card) -> Card:
    title, host = " ".join(cleaned(card.title).split()), _target(card.url)[1]
    return Card(card.url, title if title and _honest(title, host) else host, cleaned(card.text).strip())


def card_nodes(cards: Iterable[Card]) -> list[Node]:
    """Link cards as paragraphs: the title leads where the card does, and what it says stands below."""
    return [_node("p", _card(card)) for card in followed(cards)]


def _card(card: Card) -> list[Node]:
    link = _node("strong", [_node("a", [card.title], href=card.url)])
    return [link, *([_node("br"), *_lines(card.text)] if card.text else [])]


def _lines(text: str) -> list[Node]:
    nodes: list[Node] = []
    for number, line in enumerate(text.split("\n")):
        nodes.extend([_node("br")] if number else [])
        nodes.extend([line] if line else [])
    return nodes


def _node(kind: str, children: Iterable[Node] = (), **more: str) -> Node:
    return {"t": kind, "c": list(children), **more}


def _build(tokens: Sequence[Token], root: list[Node]) -> None:
    """Append the tokens' nodes to `root`. `open_` holds the child lists from the root to where we are."""
    open_: list[list[Node]] = [root]
    lists: list[int] = []
    for token in tokens:
        if token.type == "inline":
            _build(token.children or (), open_[-1])
        elif token.nesting > 0:
            open_.append(_opened(token, open_, lists))
        elif token.nesting < 0:
            open_.pop()
            _close(token, open_[-1], lists)
        else:
            _extend(open_[-1], _leaf(token))


def _opened(token: Token, open_: list[list[Node]], lists: list[int]) -> list[Node]:
    """The list that the token's children go to: its own node's, or its parent's when it has none."""
    kind = token.type.removesuffix("_open")
    if kind == "link":
        label: list[Node] = []
        open_[-1].append({"t": "a", "c": label, "href": str(token.attrGet("href") or "")})
        return label
    if kind == "ordered_list":
        lists.append(int(token.attrGet("start") or 1))
    if kind not in TYPES or token.hidden or len(open_) > DEEPEST:
        return open_[-1]
    inner: list[Node] = []
    open_[-1].append({"t": TYPES[kind], "c": inner})
    return inner


def _close(token: Token, parent: list[Node], lists: list[int]) -> None:
    if token.type == "link_close":
        _extend(parent, _link(parent.pop()))
    elif token.type == "ordered_list_close":
        start = lists.pop()
        if start != 1 and parent and isinstance(parent[-1], dict) and parent[-1]["t"] == "ol":
            parent.extend(_numbered(parent.pop(), start))


def _numbered(node: Node, start: int) -> list[Node]:
    """A list that does not begin at 1 keeps its numbers as words: «2019. was a good year» is no list."""
    items = enumerate(node["c"], start)
    return [_node("p", _extend([f"{number}. "], item["c"])) for number, item in items]


def _extend(nodes: list[Node], more: Sequence[Node]) -> list[Node]:
    """Append, joining text to text."""
    for node in more:
        if isinstance(node, str) and nodes and isinstance(nodes[-1], str):
            nodes[-1] += node
        else:
            nodes.append(node)
    return nodes


def _leaf(token: Token) -> list[Node]:
    match token.type:
        case "text" | "html_inline" | "html_block":
            return _with_links(token.content)
        case "code_inline":
            return [_node("code", [token.content])]
        case "fence" | "code_block":
            return [_node("pre", [text] if (text := token.content.rstrip("\n")) else [])]
        case "softbreak" | "hardbreak":
            return [_node("br")]
        case "hr":
            return [_node("hr")]
    return [token.content] if token.content else []


def _with_links(text: str) -> list[Node]:
    """Text, in which addresses written out are links to themselves."""
    nodes: list[Node] = []
    end = 0
    for found in BARE.finditer(text):
        link = _link(_node("a", [found[0]], href=found[0]))
        nodes.extend([*([text[end : found.start()]] if found.start() > end else []), *link])
        end = found.end()
    return [*nodes, text[end:]] if end < len(text) else nodes


def _link(node: Node) -> list[Node]:
    """The link as it may be shown: its label alone when it leads nowhere good, its true host when the label says another."""
    href, label = node["href"], _unlinked(node["c"])
    scheme, shown = _target(href)
    words = _words(label)
    if scheme == "http":
        return [*label, *([] if href in words else [f" ({href})"])]
    if not shown:
        return label
    return [_node("a", label if label and _honest(words, shown) else [shown], href=href)]


def _unlinked(nodes: list[Node]) -> list[Node]:
    """No link inside a link."""
    flat: list[Node] = []
    for node in nodes:
        if isinstance(node, str):
            flat.append(node)
        elif node["t"] == "a":
            flat.extend(_unlinked(node["c"]))
        else:
            flat.append({**node, "c": _unlinked(node["c"])})
    return flat


def _target(href: str) -> tuple[str, str]:
    """(scheme, what the link truly leads to): a host, a mailbox, a number; ("", "") for what may not be a link."""
    if HIDDEN_IN_LINK.search(href):
        return "", ""
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    if parts.scheme in ("https", "http"):
        fine = HOST.fullmatch(host) and "@" not in parts.netloc
        return (parts.scheme, host) if fine else ("", "")
    if parts.scheme in ("mailto", "tel"):
        return parts.scheme, unquote(parts.path)
    return "", ""


def _words(nodes: Iterable[Node]) -> str:
    return "".join(node if isinstance(node, str) else _words(node["c"]) for node in nodes)


def _honest(words: str, shown: str) -> bool:
    """True unless the label names a site that is not where the link goes."""
    host = shown.rpartition("@")[2].lower().removeprefix("www.")
    named = DOMAIN.findall(unicodedata.normalize("NFKC", words).lower())
    return all(host == name or host.endswith(f".{name}") for name in (name.removeprefix("www.") for name in named))
