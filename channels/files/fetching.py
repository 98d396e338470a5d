"""Reading a file from a platform's host, and from nowhere else.

An address comes from outside, so it is believed in nothing: only https, only listed hosts, only addresses of the public internet, looked
at anew at each hop; credentials go to the first host alone; size and time have an end. OWASP ASVS 5.0 1.3.6 (SSRF), 5.2.1 (size).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bus.errors import Permanent, Retryable

HOPS = 4
CHUNK = 1 << 16
IDLE = 15.0  # seconds without a byte
LATEST = 120.0
GONE = frozenset({401, 403, 404, 410})
# Global by the register and still no place of a stranger's: NAT64, 6to4 and Teredo lead to any IPv4, site-local is an old inside.
INSIDE = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10")))


def is_public(address: str) -> bool:
    """True for an address of the public internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in INSIDE if network.version == 6):
            return False
    return found.is_global and not found.is_multicast


class PublicResolver(AbstractResolver):
    """Names to public addresses alone: what is connected to is what was looked at. `ours` are the configuration's own hosts."""

    def __init__(self, ours: Collection[str] = ()) -> None:
        self._ours = frozenset(ours)
        self._names = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver. Raises OSError when nothing public is left."""
        found = await self._names.resolve(host, port, family)
        fine = found if host in self._ours else [one for one in found if is_public(one["host"])]
        if not fine:
            raise OSError(f"{host} is no public host")
        return fine

    async def close(self) -> None:
        """See AbstractResolver."""
        await self._names.close()


class Fetcher:
    """Reads from `hosts` (names, or `.suffix` for every name below), and from the configuration's `own` origins, even inside."""

    def __init__(self, hosts: Collection[str], *own: str) -> None:
        self._hosts = frozenset(hosts)
        self._own = frozenset(URL(one).origin() for one in own)
        self._session: aiohttp.ClientSession | None = None

    async def read(self, url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[bytes]:
        """The content, piece by piece. Raises Permanent (not allowed, gone) and Retryable."""
        target, home = self._checked(url), URL(url).origin()
        timeout = aiohttp.ClientTimeout(total=LATEST, sock_read=IDLE, connect=IDLE)
        for _ in range(HOPS):
            known: Any = headers if target.origin() == home else None
            try:
                async with self._open().get(target, headers=known, allow_redirects=False, timeout=timeout) as answer:
                    if 300 <= answer.status < 400 and "Location" in answer.headers:
                        target = self._checked(str(target.join(URL(answer.headers["Location"]))))
                        continue
                    _judge(answer)
                    async for chunk in answer.content.iter_chunked(CHUNK):
                        yield chunk
                    return
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise Retryable(f"the file could not be read: {type(error).__name__}") from error
        raise Permanent("file_not_readable", "too many redirects")

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()

    def _checked(self, url: str) -> URL:
        """The URL. Raises Permanent unless it is a place where files of this platform are."""
        try:
            found = URL(url)
            origin, host = found.origin(), found.host or ""
        except ValueError as error:
            raise Permanent("file_not_allowed", "no address of a file") from error
        if origin in self._own:
            return found
        listed = host in self._hosts or any(one.startswith(".") and host.endswith(one) for one in self._hosts)
        if found.scheme != "https" or found.user is not None or found.explicit_port not in (None, 443) or not listed:
            raise Permanent("file_not_allowed", f"no file is read from {found.scheme}://{host}")
        return found

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = PublicResolver({one.host or "" for one in self._own})
            connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session


def _judge(answer: aiohttp.ClientResponse) -> None:
    if answer.status in GONE:
        raise Permanent("file_gone", f"the platform answered {answer.status}")
    if answer.status != 200:
        raise Retryable(f"the platform answered {answer.status}")
