"""Twilio's signature over a webhook: https://www.twilio.com/docs/usage/security#validating-requests

There is no timestamp in it, so a signature is good for ever and is itself a secret: nothing here logs or raises it.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from bus.errors import Rejected

MOST_FIELDS = 200
PORTS = {"https": 443, "http": 80}
Pairs = list[tuple[str, str]]


def pairs(raw: bytes) -> Pairs:
    """The form's fields as they were sent. Raises Rejected 400 when there are far too many."""
    try:
        return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Rejected(400, "malformed: too many fields") from error


def signed(url: str, fields: Pairs, signature: str | None, tokens: Sequence[str]) -> bool:
    """True when one of the tokens signed this form for this address. `url` is ours as configured, never a header's.

    Twilio signs with or without the scheme's own port, whatever it was given. Never raises.
    """
    from twilio.request_validator import RequestValidator

    given = (signature or "").encode("utf-8", "replace")
    signer = _Fields(fields)
    expected = [
        RequestValidator(token).compute_signature(address, signer) for token in tokens for address in spellings(url)
    ]
    return any(hmac.compare_digest(one.encode(), given) for one in expected)


def spellings(url: str) -> tuple[str, ...]:
    """The address without its fragment, without and with a port."""
    parts = urlsplit(url)._replace(fragment="")
    host = parts.netloc.rpartition("@")[2]
    if parts.port is None:
        ported = parts._replace(netloc=f"{parts.netloc}:{PORTS.get(parts.scheme, 443)}")
        return urlunsplit(parts), urlunsplit(ported)
    bare = parts._replace(netloc=parts.netloc.removesuffix(host) + host.rpartition(":")[0])
    return urlunsplit(parts), urlunsplit(bare)


class _Fields:
    """A form as the SDK's validator reads one: names, and all values of a name."""

    def __init__(self, fields: Pairs) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        """All values of a name."""
        return self._values[name]
