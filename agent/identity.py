"""Whom a tool call speaks for, and the word it carries to the far end. Nothing here is ever written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bus.message import PLATFORM, Conversation, Received

Verified = Literal["none", "channel", "link", "site"]
ISSUER = "support-gateway"
WORD_LASTS = 60


@dataclass(frozen=True)
class Identity:
    """`subject` is the customer as channel:peer, `verified` what is proved of it.

    `authorize(host, now)` is the bearer token for `auth: customer` tools. `expired`: the customer's own token has run out.
    """

    subject: str
    verified: Verified
    known: bool
    expired: bool = False
    _authorize: Callable[[str, int], str] | None = field(default=None, repr=False)

    @property
    def provable(self) -> bool:
        """True when tools with `auth: customer` exist in this conversation."""
        return self._authorize is not None

    def authorize(self, host: str, now: int) -> str:
        """The token to send to this host. Raises PermissionError without one."""
        if self._authorize is None:
            raise PermissionError("this conversation has no identity")
        return self._authorize(host, now)


def of(
    conversation: Conversation,
    rows: Sequence[Received],
    now: int,
    *,
    unseal: Callable[[str], str],
    secrets: Sequence[str],
    public: bool,
) -> Identity:
    """The identity of a conversation's customer. `public`: on this channel anybody may write without being known."""
    customer = conversation.customer
    channel = conversation.address.channel
    subject = (
        f"{customer.source.removeprefix(PLATFORM)}:{customer.id}"
        if customer and customer.id
        else f"{channel}:{conversation.address.peer}"
    )
    verified = _verified(conversation, rows, public=public)
    expired = customer is not None and 0 < customer.token_expires_at <= now
    authorize: Callable[[str, int], str] | None = None
    if customer is not None and customer.token and not expired:
        sealed = customer.token
        authorize = lambda host, at: unseal(sealed)  # noqa: E731, ARG005 - a token of the customer's own serves every host
    elif secrets:
        authorize = lambda host, at: own_word(secrets[0], subject, verified, host, at)  # noqa: E731
    return Identity(subject, verified, customer is not None or verified != "none", expired, authorize)


def _verified(conversation: Conversation, rows: Sequence[Received], *, public: bool) -> Verified:
    said = [row.inbound.sender.verified for row in rows if row.side == "customer" and row.inbound.kind != "memo"]
    if said:
        customer, channel = conversation.customer, conversation.address.channel
        linked = customer is not None and customer.proof != "channel" and customer.source != channel
        return "link" if linked and said[-1] == "channel" else said[-1]
    if conversation.customer is not None:
        return conversation.customer.proof
    return "none" if public else "channel"


def own_word(secret: str, subject: str, verified: Verified, host: str, now: int) -> str:
    """The gateway's signed word for a customer who has no token, good for a minute at one host."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    claims = {"iss": ISSUER, "aud": host, "sub": subject, "verified": verified, "exp": now // 1000 + WORD_LASTS}
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(secret))
