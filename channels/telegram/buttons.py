"""What a button carries: which one it is, and for whom, in a word that nobody else can make and that says nothing to anybody.

A press names the log's line that offered the button and its place there; the label and what it means are read from the record.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from bus.message import Address

DATA = re.compile(r"([0-9]{1,18})\.([0-9]{1,3})\.([0-9a-f]{32})")
PURPOSE = b"support-gateway/telegram/press/v1\n"


def data(secret: str, address: Address, line: int, place: int) -> str:
    """At most 64 bytes (https://core.telegram.org/bots/api#inlinekeyboardbutton): here 55 at the most."""
    return f"{line}.{place}.{_proof(secret, address, line, place)}"


def pressed(secret: str, address: Address, given: str) -> tuple[int, int] | None:
    """(line, place) of a button that was offered at this address; None for any other word."""
    found = DATA.fullmatch(given)
    if found is None:
        return None
    line, place = int(found[1]), int(found[2])
    return (line, place) if hmac.compare_digest(found[3], _proof(secret, address, line, place)) else None


def _proof(secret: str, address: Address, line: int, place: int) -> str:
    """The bot's token is the key: it is known to Telegram and to us, and changing it ends old buttons."""
    said = f"{address.tenant}\n{address.key}\n{line}\n{place}".encode()
    return hmac.new(secret.encode(), PURPOSE + said, hashlib.sha256).hexdigest()[:32]
