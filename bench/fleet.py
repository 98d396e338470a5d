"""Several gateway processes on one store, behind a balancer, of which one dies at a time."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

from bench.process import Process, free_port


class Balancer:
    """Gives each connection to the next backend that takes it, as nginx does; knows nothing of HTTP."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._next = 0
        self._server: asyncio.Server | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Take nothing more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            for _ in self._ports:
                self._next = (self._next + 1) % len(self._ports)
                with contextlib.suppress(OSError):
                    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._ports[self._next])
                    await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
                    break
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


class Fleet:
    """The processes as one: alive while all of them are, killed one at a time. `variables` are everybody's."""

    def __init__(
        self, config: Path, count: int, seed: int, *, variables: dict[str, str], module: str = "gateway"
    ) -> None:
        ports = [free_port() for _ in range(count)]
        self.variables = variables
        self._dice = random.Random(seed)
        self._ports = ports
        self._balancer = Balancer(ports)
        self._members = [Process(config, port, variables=variables, module=module) for port in ports]

    @property
    def url(self) -> str:
        """Where the balancer listens."""
        return self._balancer.url

    @property
    def deaths(self) -> int:
        """Of all of them."""
        return sum(member.deaths for member in self._members)

    @property
    def alive(self) -> bool:
        """True while all of them run."""
        return all(member.alive for member in self._members)

    async def listen(self) -> None:
        """Open the door, before anybody is behind it."""
        await self._balancer.start()

    async def start(self) -> None:
        """Start those that do not run."""
        for member, port in zip(self._members, self._ports, strict=True):
            if not member.alive:
                member.variables = {**self.variables, "GATEWAY__LISTEN__PORT": str(port)}
                await member.start()

    async def ready_or_dead(self) -> bool:
        """Wait until each of them answers or has died."""
        return all(await asyncio.gather(*(member.ready_or_dead() for member in self._members)))

    async def kill(self) -> None:
        """kill -9 of one of them."""
        await self._dice.choice(self._members).kill()

    async def stop(self) -> int:
        """SIGTERM to all; the worst of their exit codes."""
        return max(await asyncio.gather(*(member.stop() for member in self._members)))

    async def end(self) -> None:
        """Make sure that nothing of them is left."""
        for member in self._members:
            await member.end()
        await self._balancer.stop()
