"""Words as people can see them: what hides in a text, or breaks the next program, is taken out."""

from __future__ import annotations

import re

HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, without tab and line ends
    "\u061c\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff"  # zero width; joiners stay, scripts and emoji need them
    "\u202a-\u202e\u2066-\u2069"  # turn the direction of what follows
    "\ufff9-\ufffb"  # annotations
    "\ud800-\udfff"  # lone surrogates
    "\U000e0000-\U000e01ef"  # tags and variation selectors that can carry a second, unseen text
    "]+"
)
LINE_END = re.compile("\r\n?|[\u2028\u2029]")


def cleaned(text: str) -> str:
    """The text without what nobody can see; line ends are line feeds. Letters of every script and emoji stay."""
    return HIDDEN.sub("", LINE_END.sub("\n", text))
