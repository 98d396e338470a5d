"""The gateway as a process: started, watched, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp


def free_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pin(core: int | None) -> None:
    """Keep this process on one core, where the machine has two."""
    if core is not None and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


class Process:
    """One life of `gateway run` after another, all with the same configuration."""

    def __init__(
        self,
        config: Path,
        port: int,
        *,
        core: int | None = None,
        variables: dict[str, str] | None = None,
        module: str = "gateway",
    ) -> None:
        self._module = module
        self._config = config
        self._core = core
        self.variables = variables or {}
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{port}"
        self.deaths = 0

    @property
    def pid(self) -> int:
        """Of the present life."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start and return at once."""
        command = [sys.executable, "-m", self._module, "run", "--config", str(self._config)]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, **self.variables}, stdout=asyncio.subprocess.DEVNULL, stderr=log,
                preexec_fn=lambda: pin(self._core),
            )  # fmt: skip

    @property
    def log(self) -> Path:
        """What it wrote to stderr, in all its lives."""
        return self._config.parent / "gateway.log"

    async def ready(self, within: float = 30.0) -> None:
        """Wait until it answers. Raises TimeoutError, or AssertionError when it has ended by itself."""
        async with asyncio.timeout(within), aiohttp.ClientSession() as http:
            while True:
                assert self.alive, "the gateway ended by itself"
                try:
                    async with http.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.01)

    async def ready_or_dead(self, within: float = 30.0) -> bool:
        """Wait until it answers (True), or until it has died on the way (False, and counted)."""
        try:
            await self.ready(within)
        except AssertionError:
            self.deaths += 1
            return False
        return True

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process is not None and self._process.returncode is None

    async def wait(self) -> int:
        """Its exit code, once it has one."""
        assert self._process is not None
        return await self._process.wait()

    async def end(self) -> None:
        """Make sure that nothing of it is left."""
        if self.alive:
            await self._end(signal.SIGKILL)

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)
        self.deaths += 1

    async def stop(self) -> int:
        """SIGTERM; its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()

    def resident(self) -> int:
        """Bytes of resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0
