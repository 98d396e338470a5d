"""POST /web/sessions: somebody arrives, comes back, or proves who they are."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from bus.message import Address, Customer
from bus.seal import Seal
from bus.store import Tenant, sessions
from bus.store.sessions import Opened, Opening, Session
from channels.web import identity, wire
from channels.web.settings import Settings
from channels.web.wire import Refusal

HOUR = 3_600_000


class Arrivals:
    """Opens and finds the sessions of one channel. Of a token only the digest is kept."""

    def __init__(
        self, channel: str, tenant: Tenant, seal: Seal, clock: Callable[[], int], new_id: Callable[[str], str]
    ) -> None:
        self._channel = channel
        self._tenant = tenant
        self._seal = seal
        self._clock = clock
        self._new_id = new_id

    async def find(self, request: web.Request) -> Session:
        """The live session of the request's token. Raises Refusal."""
        token = wire.bearer(request)
        found = await self._tenant.read(sessions.find, digest(token), self._clock()) if token else None
        if found is None or found.channel != self._channel:
            raise wire.unknown()
        return found

    async def open(self, request: web.Request, settings: Settings) -> tuple[str, Opened]:
        """A new token and its session. Raises Refusal."""
        old = wire.bearer(request)
        signed = wire.identity(wire.parse(await wire.read(request) or b"{}"))
        customer = self._verified(signed, settings.identity_secrets) if signed else None
        token = secrets.token_urlsafe(32)
        opening = self._opening(digest(token), digest(old) if old else "", customer, settings)
        opened = await self._tenant.write(sessions.begin, opening, self._clock())
        if opened is None:
            raise wire.unknown()
        return token, opened

    def _verified(self, signed: str, keys: Sequence[str]) -> Customer:
        if not keys:
            raise Refusal(400, "identities are not accepted here: identity_secret is not set")
        try:
            customer = identity.verify(signed, keys, self._clock(), self._channel)
        except identity.NotVerified as error:
            raise Refusal(401, str(error)) from None
        token = self._seal.seal(customer.token) if customer.token else ""
        return msgspec.structs.replace(customer, token=token)

    def _opening(self, new: str, renews: str, customer: Customer | None, settings: Settings) -> Opening:
        now = self._clock()
        peer = f"sub:{customer.id}" if customer else f"visitor:{secrets.token_hex(16)}"
        return Opening(
            digest=new,
            address=Address(self._tenant.name, self._channel, "", peer),
            conversation=self._new_id("c"),
            scope=self._new_id("s"),
            visitor_until=now + settings.visitor_hours * HOUR,
            customer_until=now + settings.session_hours * HOUR,
            customer=customer,
            renews=renews,
        )


def digest(token: str) -> str:
    """What is stored of a token: nobody who reads the store can use it."""
    return hashlib.sha256(token.encode()).hexdigest()
