"""A site's signed identity: an HS256 JWT that says who its visitor is."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from bus.message import Customer
from channels.cleaning import cleaned

LONGEST = 16 * 1024
LONGEST_SUBJECT = 256
LONGEST_TOKEN = 8 * 1024
SKEW = 60_000


class NotVerified(ValueError):
    """The identity proves nothing; the text says why, without any of it."""


def verify(identity: str, secrets: Sequence[str], now: int, source: str) -> Customer:
    """Whom the site vouches for; their token in the clear, valid until the earlier of its and the identity's end. Raises NotVerified."""
    claims = _claims(identity, secrets)
    expires_at = _time(claims, "exp")
    if expires_at is None or expires_at <= now:
        raise NotVerified("exp is missing" if expires_at is None else "the identity has expired")
    if (_time(claims, "nbf") or 0) > now + SKEW:
        raise NotVerified("the identity is not valid yet (nbf)")
    token = _text(claims, "token", LONGEST_TOKEN)
    return Customer(
        source,
        _subject(claims),
        _name(claims, "name", 200),
        _name(claims, "email", 320),
        _name(claims, "locale", 35),
        token,
        min(expires_at, _end_of(token)) if token else 0,
    )


def _claims(identity: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    if len(identity) > LONGEST or not identity.isascii():
        raise NotVerified("the identity is not a JWT")
    for secret in secrets:
        try:
            return jwt.decode(identity, OctKey.import_key(secret), algorithms=["HS256"]).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    raise NotVerified("the identity is not a JWT signed HS256 with identity_secret")


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > LONGEST_SUBJECT:
        raise NotVerified(f"sub should be a text of 1 to {LONGEST_SUBJECT} characters")
    if cleaned(subject) != subject:
        raise NotVerified("sub holds characters that nobody can see")
    return subject


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    """Seconds of the claim as UTC milliseconds."""
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found) or abs(found) > 1e11:
        raise NotVerified(f"{name} should be seconds since 1970")
    return int(found * 1000)


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    found = claims.get(name)
    if found is None:
        return ""
    if not isinstance(found, str) or len(found) > longest or not found.isprintable():
        raise NotVerified(f"{name} should be a text of at most {longest} characters")
    return found


def _name(claims: Mapping[str, Any], name: str, longest: int) -> str:
    found = claims.get(name)
    if found is not None and not isinstance(found, str):
        raise NotVerified(f"{name} should be a text")
    return " ".join(cleaned(found or "").split())[:longest]


def _end_of(token: str) -> int:
    """When the customer's own token says that it ends, if it is a JWT; it is not ours to verify."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return int(claims["exp"] * 1000)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError, binascii.Error):
        return 2**62
