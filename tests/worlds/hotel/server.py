"""The hotel's booking system: a tool server that shares nothing with the demo's shop but HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

Json = dict[str, Any]
GUESTS = {"token-of-ines": "ines", "token-of-otto": "otto"}


class Hotel:
    """Books and ledger. `now` is the present as a datetime with zone."""

    def __init__(self, now: datetime) -> None:
        yesterday = (now - timedelta(days=1)).date().isoformat()
        earlier = (now - timedelta(days=40)).date().isoformat()
        long_ago = (now - timedelta(days=90)).date().isoformat()
        self.bookings: dict[str, Json] = {
            "BK-20417": _booking("BK-20417", "ines", "Casa Marea Norte", "cancelled", earlier, overbooked=False),
            "BK-20533": _booking("BK-20533", "ines", "Casa Marea Sur", "cancelled", long_ago, overbooked=False),
            "BK-20988": _booking("BK-20988", "ines", "Casa Marea Playa", "requested", yesterday, overbooked=True),
            "BK-30001": _booking("BK-30001", "otto", "Casa Marea Norte", "confirmed", yesterday, overbooked=False),
        }
        self.deposits: dict[str, float] = {"BK-20417": 89.50, "BK-20533": 180.0, "BK-30001": 40.0}
        self.ledger: list[Json] = []
        self.answers: dict[str, Json] = {}
        self.seen_tokens: list[str] = []

    def app(self) -> web.Application:
        """The API."""
        app = web.Application()
        app.router.add_get("/me", self._me)
        app.router.add_get("/bookings", self._bookings)
        app.router.add_get("/bookings/{booking}", self._one)
        app.router.add_get("/deposits/{booking}", self._deposit)
        app.router.add_put("/deposits/{booking}/return", self._return)
        return app

    def _guest(self, request: web.Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen_tokens.append(token)
        if token not in GUESTS:
            raise web.HTTPUnauthorized
        return GUESTS[token]

    def _mine(self, request: web.Request) -> Json:
        found = self.bookings.get(request.match_info["booking"])
        if found is None or found["guest"] != self._guest(request):
            raise web.HTTPNotFound
        return found

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response({"name": self._guest(request).title(), "club": "blue"})

    async def _bookings(self, request: web.Request) -> web.Response:
        guest = self._guest(request)
        return web.json_response({"items": [item for item in self.bookings.values() if item["guest"] == guest]})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self._mine(request))

    async def _deposit(self, request: web.Request) -> web.Response:
        booking = self._mine(request)
        amount = self.deposits.get(booking["booking"], 0)
        returnable = booking["state"] == "cancelled" and amount > 0
        return web.json_response({"booking": booking["booking"], "open": {"amount": amount, "returnable": returnable}})

    async def _return(self, request: web.Request) -> web.Response:
        booking, key = self._mine(request), request.headers["Idempotency-Key"]
        if key not in self.answers:
            asked = await request.json()
            self.ledger.append({"booking": booking["booking"], "euros": asked["euros"], "key": key})
            number = f"CM{900 + len(self.ledger)}"
            self.answers[key] = {"booking": booking["booking"], "euros": asked["euros"], "receipt": {"number": number}}
            self.deposits[booking["booking"]] = 0
        return web.json_response(self.answers[key])


def _booking(booking: str, guest: str, house: str, state: str, booked_on: str, *, overbooked: bool) -> Json:
    return {
        "booking": booking, "guest": guest, "house": house, "state": state, "booked_on": booked_on, "overbooked": overbooked,
    }  # fmt: skip


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)
