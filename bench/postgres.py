"""A PostgreSQL of our own: one server for a run, as many fresh databases as are asked for."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

PLACES = ("/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin")
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "300", "listen_addresses": ""}
PATIENCE = 30.0


def program(name: str) -> str | None:
    """Where a program of PostgreSQL's is, None when it is not installed."""
    return shutil.which(name) or next((f"{place}/{name}" for place in PLACES if Path(place, name).exists()), None)


class Cluster:
    """A server that listens at a socket in `folder`."""

    def __init__(self, folder: Path, user: str | None, settings: dict[str, str]) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._common = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        self._told = [f"-c{key}={value}" for key, value in settings.items()]
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [str(program("postgres")), "-D", str(self.folder / "data"), "-k", str(self.folder), *self._told]
        self._server = subprocess.Popen(command, **self._common)  # type: ignore[call-overload]
        until = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """At once; SIGQUIT: without a shutdown. https://www.postgresql.org/docs/current/server-shutdown.html"""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(PATIENCE)

    def crash(self) -> None:
        """Stop immediately, and come back."""
        self.stop(signal.SIGQUIT)
        self.start()

    def url(self, name: str) -> str:
        """Where a database is."""
        return f"postgresql://gateway@/{name}?host={self.folder}"

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


@contextmanager
def cluster(**settings: str) -> Iterator[Cluster]:
    """A server while the block runs; PostgreSQL refuses to run as root, so root lends it another user."""
    user = _somebody()
    memory = "/dev/shm"  # noqa: S108 - a fresh folder of our own is made in it
    with tempfile.TemporaryDirectory(prefix="pg", dir=memory if os.access(memory, os.W_OK) else None) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        initdb = [
            str(program("initdb")),
            "-D",
            str(folder / "data"),
            "-A",
            "trust",
            "-U",
            "gateway",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        found = Cluster(folder, user, {**SETTINGS, **settings})
        subprocess.run(initdb, check=True, **found._common)  # type: ignore[call-overload]
        try:
            found.start()
            yield found
        finally:
            found.stop()


def _somebody() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
