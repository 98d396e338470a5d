"""Signed words of the shop: identities for the widget and customers' session tokens (HS256)."""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

Claims = dict[str, Any]
ALGORITHM = "HS256"


def sign(claims: Mapping[str, Any], secret: str) -> str:
    return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, dict(claims), OctKey.import_key(secret))


def read(token: str, secret: str, now_ms: int) -> Claims | None:
    """The claims of a token that this secret signed and that has not expired; `None` for any other text."""
    try:
        claims = jwt.decode(token, OctKey.import_key(secret), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    expires = claims.get("exp")
    return claims if isinstance(expires, int | float) and expires * 1000 > now_ms else None
