"""Sealing of what is stored and must not be read from a copy of the store: customers' own tokens."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bus.errors import GatewayError

PURPOSE = b"support-gateway/seal/v1"


class Unsealable(GatewayError):
    """This was sealed with a key that secret_key does not hold (any more), or was changed since."""


class Seal:
    """`keys` as in `secret_key`: the first seals, all open. Sealed text is printable and differs each time."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.rekey(keys)

    def rekey(self, keys: Sequence[str]) -> None:
        """From now on, these keys, for everybody who was lent this seal."""
        if not keys:
            raise ValueError("secret_key is empty; make one with: openssl rand -hex 32")
        self._keys = MultiFernet([Fernet(_derived(key)) for key in keys])

    def seal(self, text: str) -> str:
        """The text, readable only with the key."""
        return self._keys.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed. Raises Unsealable."""
        try:
            return self._keys.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Unsealable from error


def _derived(key: str) -> bytes:
    """A Fernet key of its own for this purpose, so that the same secret may serve others."""
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
