"""Hints between processes, through Redis: what is lost there costs a second, so nothing is tried twice and nobody waits.

A channel for each conversation that somebody listens to, and one that every process hears. https://redis.io/docs/latest/develop/pubsub/
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bus.message import Side
from bus.wake import Hint, Hub

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

WAITING = 10_000
"""Hints that wait to be sent; beyond that the oldest go, and the sweepers find what they were about."""
AT_ONCE = 200
AGAIN = 1.0  # seconds
CHECK = 10.0
logger = structlog.get_logger(__name__)


async def answers(url: str) -> str:
    """What is wrong with the Redis at this URL, "" when it answers."""
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    try:
        async with Redis.from_url(url, socket_timeout=CHECK, socket_connect_timeout=CHECK) as client:
            await client.ping()
    except (RedisError, OSError, ValueError, TimeoutError) as error:
        return str(error) or type(error).__name__
    return ""


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Something came for this conversation."""

    conversation: str
    side: Side


class Letter(msgspec.Struct, frozen=True):
    """What goes over the wire; `process` does not read its own."""

    process: str
    said: Hint | Call


class RedisHints:
    """Implements bus.wake.Far. `hear` is told of calls for conversations that may be worked on here."""

    def __init__(self, url: str, tenant: str, process: str, hub: Hub, hear: Callable[[str, Side], object]) -> None:
        self._url = url
        self._prefix = f"gateway:{tenant}:"
        self._process = process
        self._hub = hub
        self._hear = hear
        self._outgoing: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(WAITING)
        self._wanted: set[str] = {self._prefix}
        self._changes: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        self._told = False
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Letter)

    # --- what the hub asks for

    def tell(self, conversation: str, hint: Hint) -> None:
        """See Far."""
        self._put(self._prefix + conversation, hint)

    def call(self, conversation: str, side: Side) -> None:
        """See Far."""
        self._put(self._prefix, Call(conversation, side))

    def listen(self, conversation: str) -> None:
        """See Far."""
        self._wanted.add(self._prefix + conversation)
        self._changes.put_nowait((True, self._prefix + conversation))

    def forget(self, conversation: str) -> None:
        """See Far."""
        self._wanted.discard(self._prefix + conversation)
        self._changes.put_nowait((False, self._prefix + conversation))

    def _put(self, channel: str, said: Hint | Call) -> None:
        if self._outgoing.full():
            self._outgoing.get_nowait()
        self._outgoing.put_nowait((channel, self._encoder.encode(Letter(self._process, said))))

    # --- the wire

    async def run(self) -> None:
        """Send and listen until cancelled, whatever becomes of Redis."""
        await asyncio.gather(self._forever(self._send), self._forever(self._listen))

    async def _forever(self, work: Callable[[Redis], Any]) -> None:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        while True:
            client: Redis = Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), health_check_interval=int(CHECK))
            try:
                await work(client)
            except (RedisError, OSError, TimeoutError) as error:
                self._lost(error)
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await client.aclose()
            await asyncio.sleep(AGAIN)

    def _lost(self, error: Exception) -> None:
        if not self._told:
            logger.warning("hints.lost", error=str(error), meanwhile="other processes hear within a second or two")
        self._told = True

    async def _send(self, client: Redis) -> None:
        while True:
            letters = [await self._outgoing.get()]
            while len(letters) < AT_ONCE and not self._outgoing.empty():
                letters.append(self._outgoing.get_nowait())
            async with client.pipeline(transaction=False) as pipeline:
                for channel, letter in letters:
                    pipeline.publish(channel, letter)
                await pipeline.execute()

    async def _listen(self, client: Redis) -> None:
        async with client.pubsub() as pubsub:
            while not self._changes.empty():
                self._changes.get_nowait()
            await pubsub.subscribe(*self._wanted)
            self._hub.refresh()
            if self._told:
                logger.info("hints.back")
            self._told = False
            changing = asyncio.create_task(self._change(pubsub))
            try:
                async for letter in pubsub.listen():
                    if letter["type"] == "message":
                        self._take(letter["channel"].decode(), letter["data"])
            finally:
                changing.cancel()
                await asyncio.gather(changing, return_exceptions=True)

    async def _change(self, pubsub: PubSub) -> None:
        while True:
            wanted, channel = await self._changes.get()
            await (pubsub.subscribe(channel) if wanted else pubsub.unsubscribe(channel))

    def _take(self, channel: str, data: bytes) -> None:
        try:
            letter = self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # of another release
        if letter.process == self._process:
            return
        if isinstance(letter.said, Call):
            self._hear(letter.said.conversation, letter.said.side)
        else:
            self._hub.deliver(channel.removeprefix(self._prefix), letter.said)
