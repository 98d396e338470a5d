"""The process as operators start it, and commands beside it while it serves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(url: str) -> int:
    """The status of a GET, 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while answer(url) != 200:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "nobody answers"
        time.sleep(0.05)


class Running:
    """`gateway run` in a folder that `gateway init` has filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {**os.environ, "GATEWAY__LISTEN__PORT": str(self.port)}
        self.gateway("init")
        self.process = self.start("run")
        wait_for(f"{self.url}/readyz", self.process)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "gateway", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def gateway(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Another command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments], cwd=self.folder, env=self.environment, input=typed,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    def logged(self, event: str) -> dict[str, str]:
        """The next line of this event in the log."""
        assert self.process.stderr
        lines: Iterator[dict[str, str]] = map(json.loads, self.process.stderr)
        return next(line for line in lines if line["event"] == event)

    def stop(self) -> int:
        """The status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    served = Running(tmp_path_factory.mktemp("served"))
    yield served
    served.process.kill()
    served.process.communicate()


@pytest.fixture(scope="module")
def conversation(running: Running) -> str:
    """A talk through `gateway chat`; its id."""
    done = running.gateway("chat", typed="how long does delivery take?\nI want to talk to a human\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agent ▸") == 2
    return running.gateway("log").stdout.splitlines()[1].split("\t")[0]


def test_a_fresh_configuration_is_right_and_serves(running: Running) -> None:
    checked = running.gateway("check")
    assert (checked.returncode, "✖" in checked.stdout) == (0, False)
    assert answer(f"{running.url}/healthz") == 200
    assert running.gateway("channels").stdout.splitlines()[1] == "web\tweb\tlive\tyes\t–\t–\t–"


def test_a_fresh_agent_answers_from_its_article(running: Running) -> None:
    done = running.gateway("chat", typed="how long does delivery take?\n")
    assert "two to four working days" in done.stdout


def test_the_log_is_read_while_it_is_written(running: Running, conversation: str) -> None:
    kinds = [line["kind"] for line in json.loads(running.gateway("log", conversation, "--json").stdout)]
    assert kinds[:2] == ["customer_said", "understood"]
    assert "handed_over" in kinds
    assert running.gateway("verify").stdout.endswith("every chain is whole\n")
    assert running.gateway("backup", "copy.db").stdout == "✔ copy.db\n"


def test_a_turn_replayed_decides_the_same(running: Running, conversation: str) -> None:
    for turn in ("1", "2"):
        done = running.gateway("replay", conversation, "--turn", turn)
        assert done.stdout.endswith("✔ the same decision\n"), done.stdout + done.stderr
        assert not [line for line in done.stdout.splitlines() if line[:1] in "+-"]


def test_a_turn_on_another_spec_shows_where_they_part(running: Running, conversation: str) -> None:
    other = (running.folder / "agent.yaml").read_text().replace("[knowledge/]", "[]")
    (running.folder / "other.yaml").write_text(other)
    done = running.gateway("replay", conversation, "--turn", "1", "--spec", "other.yaml", "--json")
    told = json.loads(done.stdout)
    parted = next(line for line in told["lines"] if not line["same"])
    assert (done.returncode, told["same"], parted["then"]["kind"]) == (0, False, "retrieved")


def test_a_turn_that_never_was_is_said(running: Running, conversation: str) -> None:
    done = running.gateway("replay", conversation, "--turn", "99")
    assert (done.returncode, done.stderr.split(";")[0]) == (1, f"✖ {conversation} has no turn 99 of the agent's")


def test_a_channel_is_switched_without_restart(running: Running) -> None:
    assert "taken it over" in running.gateway("channels", "set", "web", "off").stdout
    refused = running.gateway("chat", typed="hello\n")
    assert (refused.returncode, refused.stderr) == (1, "✖ web is off; gateway channels set web live\n")
    assert "taken it over" in running.gateway("channels", "set", "web", "live").stdout


def test_versions_move_in_the_running_gateway(running: Running) -> None:
    first = json.loads(running.gateway("spec", "list", "--json").stdout)[-1]["id"]
    spec = running.folder / "agent.yaml"
    spec.write_text(spec.read_text().replace("name: support", "name: helper"))
    until = time.monotonic() + PATIENCE
    while len(versions := json.loads(running.gateway("spec", "list", "--json").stdout)) < 2:
        assert time.monotonic() < until
    assert [one["live"] for one in versions] == [False, True]
    assert running.gateway("spec", "rollback").stdout == f"✔ {first} is live\n"
    assert running.gateway("spec", "publish").stdout == f"✔ {versions[1]['id']} is live\n"


def test_one_folder_is_served_once(running: Running) -> None:
    done = running.gateway("run", "--port", "0")
    assert done.returncode == 1
    assert f"is served by pid {running.process.pid}; stop it first" in done.stderr


def test_a_taken_port_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        subprocess.run([sys.executable, "-m", "gateway", "init", str(tmp_path)], check=True, capture_output=True)
        command = [sys.executable, "-m", "gateway", "run", "--port", str(port)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    expected = f"✖ port {port} of 127.0.0.1 is taken; stop what serves there, or: gateway run --port {port + 1}\n"
    assert (done.returncode, done.stderr) == (1, expected)


def test_a_bad_file_keeps_the_old_one_running_and_sigterm_ends_in_peace(tmp_path: Path) -> None:
    served = Running(tmp_path)
    (tmp_path / "gateway.yaml").write_text((tmp_path / "gateway.yaml").read_text() + "nonsense: 1\n")
    served.process.send_signal(signal.SIGHUP)
    log = served.logged("configuration_refused")
    assert log["place"].startswith("gateway.yaml:")
    assert answer(f"{served.url}/readyz") == 200
    assert served.stop() == 0


def test_chat_needs_no_running_gateway(tmp_path: Path) -> None:
    gateway = [sys.executable, "-m", "gateway"]
    subprocess.run([*gateway, "init", str(tmp_path)], check=True, capture_output=True)
    environment = {**os.environ, "GATEWAY__LISTEN__PORT": str(free_port())}
    done = subprocess.run(
        [*gateway, "chat", "--as", "ana"], cwd=tmp_path, env=environment, input="how much is shipping?\n",
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, "4.90" in done.stdout) == (0, True), done.stderr


def test_the_demo_takes_the_next_free_port_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "gateway", "demo", "--port", str(port), "--data", "state"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as demo:
            assert demo.stdout
            said, _, found = demo.stdout.readline().strip().rpartition(" ")
            assert (said, int(found) > port) == (f"port {port} is taken; using", True)
            wait_for(f"http://127.0.0.1:{found}/", demo)
            pages = {
                page: answer(f"http://127.0.0.1:{found}{page}") for page in ("/shop", "/desk", "/log", "/widget.js")
            }
            chat = [sys.executable, "-m", "gateway", "chat", "--url", f"http://127.0.0.1:{found}/web"]
            talk = subprocess.run(chat, input="hello\n", capture_output=True, text=True, timeout=PATIENCE, check=True)
            demo.send_signal(signal.SIGINT)
            out, err = demo.communicate(timeout=PATIENCE)
    assert set(pages.values()) == {200}
    assert talk.stdout.startswith("agent ▸")
    assert (demo.returncode, err) == (0, "")
    assert "data in ./state" in out
    assert (tmp_path / "state" / "secrets.json").stat().st_mode & 0o777 == 0o600
