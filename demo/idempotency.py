"""`Idempotency-Key` as Stripe's API v1 treats it: the first result of a key is saved and repeated, whatever it was.

https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

MAX_KEY = 255


@dataclass
class Attempt:
    """One key's first request, and its result once there is one."""

    digest: str
    status: int = 0
    text: str = ""


@dataclass
class Keys:
    """Attempts by (account, key)."""

    attempts: dict[tuple[str, str], Attempt] = field(default_factory=dict)

    async def once(
        self, account: str, key: str | None, body: bytes, run: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """The first result for this key; without a key every call is a new one."""
        if key is None:
            return await run()
        digest = hashlib.sha256(body).hexdigest()
        known = self.attempts.get((account, key))
        if len(key) > MAX_KEY:
            return problem(400, "idempotency_error", f"Idempotency keys have at most {MAX_KEY} characters.")
        return repeat(known, digest) if known else await self._first(account, key, digest, run)

    async def _first(
        self, account: str, key: str, digest: str, run: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        attempt = self.attempts[account, key] = Attempt(digest)
        answer = await run()
        attempt.status, attempt.text = answer.status, answer.text or ""
        return answer


def repeat(known: Attempt, digest: str) -> web.Response:
    if known.digest != digest:
        return problem(400, "idempotency_error", "This key was used with another body.")
    if not known.status:
        return problem(409, "idempotency_key_in_use", "Another request with this key is in progress.")
    headers = {"Idempotent-Replayed": "true"}
    return web.Response(text=known.text, status=known.status, content_type="application/json", headers=headers)


def problem(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
