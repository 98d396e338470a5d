"""The command line through its front door."""

from __future__ import annotations

import json
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from gateway.__main__ import main

HEAVY = ("aiogram", "aiohttp", "litellm", "mcp", "pydantic", "redis", "slack_bolt", "slack_sdk", "twilio")


def command(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `gateway` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = f"import sys; from gateway.__main__ import main; main(['--help']); print(sorted(set(sys.modules) & {set(HEAVY)}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines()[-1] == "[]"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0, "seconds of one core"


def test_version_is_said() -> None:
    assert command("--version").stdout.startswith("gateway 0.")


def test_what_is_not_understood_ends_with_2() -> None:
    done = command("chanels")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'chanels'" in done.stderr


def test_a_folder_without_configuration_says_what_to_do(tmp_path: Path) -> None:
    done = command("verify", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "✖ no gateway.yaml here; run `gateway init`\n")


def test_init_writes_files_that_only_their_owner_can_read_secrets_in(home: Path) -> None:
    written = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert written == {".env", ".gitignore", "agent.yaml", "gateway.yaml", "knowledge/delivery-and-returns.md"}
    assert stat.S_IMODE((home / ".env").stat().st_mode) == 0o600
    values = [line.split("=", 1)[1] for line in (home / ".env").read_text().splitlines() if line[:1].isalpha()]
    assert [len(value) for value in values] == [43, 43, 43]
    assert len(set(values)) == 3


def test_init_never_overwrites(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "gateway.yaml").write_text("mine")
    (home / ".env").unlink()
    capsys.readouterr()
    assert main(["init"]) == 1
    said = capsys.readouterr().err
    assert "gateway.yaml, agent.yaml, knowledge/delivery-and-returns.md: already there; nothing was written" in said
    assert (home / "gateway.yaml").read_text() == "mine"
    assert not (home / ".env").exists()


def test_init_leaves_an_own_gitignore_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / ".gitignore").read_text() == "mine"


def test_mistakes_in_the_configuration_are_said_with_file_and_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (home / "gateway.yaml").read_text()
    (home / "gateway.yaml").write_text(text.replace("port: 8080", "prot: 8080"))
    capsys.readouterr()
    assert main(["verify"]) == 1
    assert capsys.readouterr().err == '✖ gateway.yaml:10: listen.prot: unknown key; did you mean "port"?\n'


def test_what_is_missing_is_named_in_full(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".env").unlink()
    capsys.readouterr()
    assert main(["verify"]) == 1
    first = capsys.readouterr().err.splitlines()[0]
    what = "GATEWAY_OPERATOR_TOKEN is not set; set GATEWAY_OPERATOR_TOKEN in the environment or .env"
    assert first == f"✖ gateway.yaml:14: operator_token: {what}"


def test_an_unexpected_error_is_one_line_and_debug_shows_where(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "data").mkdir()
    (home / "data" / "gateway.db").write_text("not a database, but long enough to look at")
    done = command("verify", folder=home)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("run it again with --debug to see where\n")
    assert "Traceback" in command("verify", "--debug", folder=home).stderr


@pytest.mark.parametrize(("of", "file"), [("gateway", "gateway.yaml"), ("agent", "agent.yaml")])
def test_the_schema_for_editors_fits_what_init_writes(
    home: Path, capsys: pytest.CaptureFixture[str], of: str, file: str
) -> None:
    capsys.readouterr()
    assert main(["schema", of]) == 0
    validator = Draft7Validator(json.loads(capsys.readouterr().out))
    content = YAML(typ="safe", pure=True).load(home / file)
    assert [error.message for error in validator.iter_errors(content)] == []
    assert [error.message for error in validator.iter_errors({**content, "naem": 1})] != []


def test_a_store_that_does_not_exist_yet_is_no_mystery(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["log", "conv_1"]) == 1
    assert capsys.readouterr().err == "✖ no store at data/gateway.db yet; `gateway run` makes it\n"
