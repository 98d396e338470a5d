"""What the contract suite must know of a platform, and nothing more: how it proves what it brings, what it says, and how it refuses.

One adapter per kind of channel, in the file of that name: `Adapter`. Its far end is a real HTTP server, as strict as the platform.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bus.errors import GatewayError

if TYPE_CHECKING:
    from tests.channels.contract.rig import Rig

Json = dict[str, Any]


class Call(NamedTuple):
    """A request to the gateway, byte for byte."""

    path: str
    body: bytes
    headers: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What the far end says instead of doing it."""

    status: int
    body: Json | str = ""
    headers: Mapping[str, str] = {}


class Refusal(NamedTuple):
    """An answer, and what it has to be in our own errors. `name` is the reason of what is Permanent, `after` the seconds to wait."""

    answer: Answer
    kind: type[GatewayError]
    name: str = ""
    after: float | None = None


CUT = Answer(0)
"""It is done, and the answer never comes."""


class Far:
    """The far end's mood: `next` holds an Answer or None (do it) for each of the coming messages; then all is well."""

    def __init__(self, is_message: Callable[[web.Request], bool]) -> None:
        self.next: deque[Answer | None] = deque()
        self.asked = 0
        self._is_message = is_message

    @property
    def middleware(self) -> Middleware:
        """To be put before the far end's own routes."""

        @web.middleware
        async def moody(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._is_message(request):
                return await handler(request)
            self.asked += 1
            answer = self.next.popleft() if self.next else None
            if answer is None or answer is CUT:
                done = await handler(request)
                if answer is CUT and request.transport is not None:
                    request.transport.close()
                return done
            if isinstance(answer.body, str):
                return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
            return web.json_response(answer.body, status=answer.status, headers=answer.headers)

        return moody


class Platform(ABC):
    """A platform with people on it, who are numbers from 0 on, and so are what they say."""

    path: ClassVar[str]
    accepted: ClassVar[int] = 200
    off: ClassVar[int] = 503
    lasts: ClassVar[int] = 0
    """Seconds for which what is proved is good; 0 for ever."""
    lost: ClassVar[str] = "delivered"
    """How a message of ours ends whose answer is lost after it was taken."""
    counts_everybody: ClassVar[bool] = False
    """Too many is said to the whole account, not for one person."""
    named: ClassVar[int] = 12
    """So many different reasons of the platform's have a name at least."""
    most: ClassVar[int] = 1 << 20
    """Bytes of a body, beyond which it is refused."""
    secrets: ClassVar[tuple[str, ...]] = ()
    brings: ClassVar[frozenset[str]] = frozenset({"message"})
    """Which kinds of Inbound the platform can bring."""
    wider: ClassVar[Mapping[str, Any]] = {}
    """What its section says besides, so that everything recorded may be for us."""
    random: ClassVar[str] = "(?!)"
    """A pattern of what differs each time in what it brings."""
    name: ClassVar[str] = ""
    """The channel's name where it is not the kind's."""

    def __init__(self) -> None:
        self.far = Far(self.is_message)

    @asynccontextmanager
    async def standing(self, rig: Rig) -> AsyncIterator[None]:
        """Serve the far end, before there is a channel."""
        yield

    @abstractmethod
    def section(self) -> Json:
        """The channel's section."""

    def unsafe(self) -> Iterable[Json]:
        """Sections with which anybody could write in anybody's name; they have to be refused."""
        return ()

    async def begin(self, rig: Rig) -> None:  # noqa: B027 - most need nothing
        """The channel is open."""

    async def settled(self) -> None:  # noqa: B027 - most need nothing
        """The far end has told us everything."""

    # --- what comes in

    @abstractmethod
    async def says(self, person: int, number: int, text: str, **unknown: Any) -> Call:
        """A person's words as the platform brings them, with fields that nobody knows yet."""

    @abstractmethod
    def again(self, call: Call) -> Call:
        """The same event brought once more, in another envelope where the platform uses one."""

    @abstractmethod
    def forged(self, call: Call) -> Iterator[Call]:
        """The same words from somebody who does not know the secret."""

    @abstractmethod
    def malformed(self) -> Iterator[Call]:
        """Proved, and yet nothing that the platform says."""

    def foreign(self) -> Iterator[Call]:
        """Proved and well made, and not for us: another account's, a bot's, our own."""
        yield from ()

    @abstractmethod
    def proved(self, body: bytes) -> Call:
        """A request with this body, as if the platform had made it."""

    async def recorded(self, payload: Json) -> Call:
        """A request with this payload, as the platform would bring it."""
        return self.proved(json.dumps(payload).encode())

    def offered(self) -> Mapping[str, str]:
        """What is to be known of the newest choices we offered, to press one: `message`, and the `value` of the first."""
        return {}

    # --- what goes out

    def is_message(self, request: web.Request) -> bool:
        """True for a request that says something to a person."""
        return False

    def heard(self, person: int) -> list[str]:
        """What has arrived there, in order."""
        return []

    def too_many(self, after: int) -> Answer:
        """Wait so many seconds."""
        raise NotImplementedError

    def gone(self) -> Refusal:
        """Nobody can be reached there any more."""
        raise NotImplementedError

    def refusals(self) -> Iterable[Refusal]:
        """The errors that the platform's pages tell of."""
        return ()
