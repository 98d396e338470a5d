"""Takes secrets and people's data out of a line before it is logged. Logging nothing personal is the rule; this is the net below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

GONE = "[redacted]"
SHORTEST = 8  # a known secret shorter than this would take ordinary words with it

_NAMED = re.compile(
    r"(token|secret|password|passwd|authorization|cookie|signature|api_?key|credential)s?$", re.IGNORECASE
)
_ANY = re.IGNORECASE
_KEY = r"(?:token|secret|password|signature|api_?key)"
_PATTERNS = [
    (re.compile(r"(?<!\d)\d{6,12}:[\w-]{30,}"), GONE),  # Telegram's bot token; it stands in the path of every call
    (re.compile(r"\b(?:xox[a-z]|xapp|xwfp)-[\w-]{6,}"), GONE),  # Slack's tokens
    (re.compile(r"\bhooks\.slack\.com/[\w/-]+"), f"hooks.slack.com/{GONE}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), GONE),  # JSON Web Tokens
    (re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{16,}"), GONE),  # keys of model and payment providers
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {GONE}"),
    (re.compile(r"(://)[^/\s:@]*:[^/\s@]+@"), rf"\1{GONE}@"),  # credentials in an address
    # token=…, "token": "…", and token: … where that is no word (`operator_token: is missing` stays)
    (
        re.compile(rf"""({_KEY}["']?\s*=\s*["']?|{_KEY}["']\s*:\s*["'])(?!\[redacted)[^\s"'&,;}}\])]{{6,}}""", _ANY),
        rf"\1{GONE}",
    ),
    (re.compile(rf"""({_KEY}\s*:\s*)(?!\[redacted)(?=\S*\d)[^\s"'&,;}}\])]{{6,}}""", _ANY), rf"\1{GONE}"),
    (re.compile(r"[\w.%+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){6,14}(?!\d)"), "[phone]"),
    (re.compile(r"(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"), "[phone]"),
]
_CARD = re.compile(r"(?<![\w.])[2-6](?:[ -]?\d){12,18}(?!\w)")


class Redaction:
    """Knows the process's own secrets word for word, and the shapes of everybody else's."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without them."""
        if self._known:
            text = self._known.sub(GONE, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return _CARD.sub(_hide_card, text)

    def value(self, value: Any, name: str = "") -> Any:
        """A value of any shape, with strings under a telling name gone whole. Numbers are never secrets here."""
        if isinstance(value, str):
            return GONE if value and _NAMED.search(name) else self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, name) for item in value]
        return value if isinstance(value, int | float | None) else self.text(repr(value))


def luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _hide_card(match: re.Match[str]) -> str:
    return "[card]" if luhn(re.sub(r"\D", "", match[0])) else match[0]
