"""A customer whom the site knows goes on in Telegram: the site's signed word becomes a link that works once, for ten minutes.

https://core.telegram.org/bots/features#deep-linking: at most 64 of A-Z a-z 0-9 _ -.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec
from aiohttp import web

from bus.errors import Rejected
from bus.seal import Seal
from bus.store import Tenant, notes
from channels import webhook
from channels.telegram.client import Client
from channels.telegram.endpoint import LINK_LASTS, link_name
from channels.web.identity import NotVerified, verify

LARGEST = 64 * 1024
SITE = "web"  # whose identities they are: the same customer as in the widget


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the site posts."""

    identity: str


class Links:
    """`POST /webhooks/<channel>/links {identity: JWT}` → 201 `{url, expires_at}`."""

    def __init__(self, name: str, client: Client, tenant: Tenant, seal: Seal, clock: Callable[[], int]) -> None:
        self._name = name
        self._client = client
        self._tenant = tenant
        self._seal = seal
        self._clock = clock

    async def make(self, request: web.Request) -> web.Response:
        """Raises Rejected: 400 malformed, 401 not signed by the site, 404 where links are not made."""
        settings, now = self._client.settings, self._clock()
        if settings.mode == "off" or not settings.identity_secrets:
            raise Rejected(404, "links are not made here: identity_secret is not set")
        try:
            asked = msgspec.json.decode(await webhook.body(request, LARGEST), type=Asked)
            customer = verify(asked.identity, settings.identity_secrets, now, SITE)
        except NotVerified as error:
            raise Rejected(401, str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Rejected(400, "malformed") from error
        if customer.token:
            customer = msgspec.structs.replace(customer, token=self._seal.seal(customer.token))
        token, until = secrets.token_urlsafe(32), now + LINK_LASTS
        us = await self._client.read("getMe")
        await self._tenant.write(notes.issue, link_name(self._name, token), customer, until, now)
        url = f"https://t.me/{us.get('username', '')}?start={token}"
        return web.json_response({"url": url, "expires_at": until}, status=201)
