"""The gateway's own keys: where values come from, which one wins, and what is refused."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.problems import Refused
from config.settings import Loaded, Settings, load

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "operator-token-of-24-bytes"
LEAST = {"GATEWAY__SECRET_KEY": KEY, "GATEWAY__OPERATOR_TOKEN": TOKEN}
Loading = Callable[..., Loaded]


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    """Write a gateway.yaml (and a .env) and load it."""

    def written(text: str, overrides: Any = None, dotenv: str = "", **variables: str) -> Loaded:
        (tmp_path / "gateway.yaml").write_text(text)
        if dotenv:
            (tmp_path / ".env").write_text(dotenv)
            (tmp_path / ".env").chmod(0o600)
        return load(tmp_path / "gateway.yaml", overrides, LEAST | variables)

    return written


def said(loaded: Loaded, folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in loaded.problems]


def warned(loaded: Loaded, folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in loaded.warnings]


def test_an_empty_file_has_defaults_for_everything_but_the_key(loading: Loading, tmp_path: Path) -> None:
    settings = loading("").checked()
    assert (settings.url, settings.store_path) == ("http://127.0.0.1:8080", tmp_path / "data/gateway.db")
    assert (settings.agent.model, settings.agent.spec) == ("offline", tmp_path / "agent.yaml")


def test_the_nearer_source_wins(loading: Loading, tmp_path: Path) -> None:
    secret = tmp_path / "port"
    secret.write_text("3\n")
    file, environment = "listen: {port: 4}\n", {"GATEWAY__LISTEN__PORT": "2"}
    secrets = {"GATEWAY__LISTEN__PORT_FILE": str(secret)}
    command_line = {("listen", "port"): 1}
    ports = [
        loading(file, command_line, **environment, **secrets),
        loading(file, **environment, **secrets),
        loading(file, **secrets),
        loading(file),
        loading(""),
    ]
    assert [loaded.checked().listen.port for loaded in ports] == [1, 2, 3, 4, 8080]


def test_the_environment_reaches_the_sections_of_parts(loading: Loading) -> None:
    variables = {
        "GATEWAY__CHANNELS__TELEGRAM__TOKEN": "123:abc",
        "GATEWAY__CHANNELS__WEB__ALLOWED_ORIGINS": '["https://a.example"]',
        "GATEWAY__CHANNELS__WHATSAPP__NUMBER": "+14155238886",
        "GATEWAY__DESK__MEMBERS": "{users: [U1]}",
        "GATEWAY__SLACK__APP_TOKEN": "null",
    }
    settings = loading("channels:\n  web: {mode: live}\n", **variables).checked()
    assert settings.channels == {
        "web": {"mode": "live", "allowed_origins": ["https://a.example"]},
        "telegram": {"token": "123:abc"},
        "whatsapp": {"number": "+14155238886"},
    }
    assert (settings.desk, settings.slack) == ({"members": {"users": ["U1"]}}, {"app_token": None})


def test_dotenv_is_read_and_never_overrides_the_environment(loading: Loading, tmp_path: Path) -> None:
    mounted = tmp_path / "c"
    mounted.write_text("mounted")
    loaded = loading(
        "desk: {a: '${A}', b: '${B}', c: '${C}'}\n",
        dotenv="A=one\nB='two words'\nC=three\n",
        A="1",
        C_FILE=str(mounted),
    )
    assert loaded.checked().desk == {"a": "1", "b": "two words", "c": "mounted"}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"A=one\n\xff\xfe=1\n", ".env: cannot be read: it is not text"),
        (b"A=one\n\nB two\n", ".env:3: is no NAME=value"),
    ],
)
def test_a_dotenv_that_says_nothing_is_refused_with_its_line(
    loading: Loading, tmp_path: Path, content: bytes, place: str
) -> None:
    (tmp_path / ".env").write_bytes(content)
    (tmp_path / ".env").chmod(0o600)
    with pytest.raises(Refused) as refused:
        loading("")
    assert place in str(refused.value.problems[0])


def test_a_dotenv_that_everybody_can_read_is_refused(loading: Loading, tmp_path: Path) -> None:
    loading("", dotenv="A=1\n")
    (tmp_path / ".env").chmod(0o644)
    with pytest.raises(Refused, match=r"everybody on this machine can read its secrets; run: chmod 600 .*/\.env"):
        loading("")
    (tmp_path / ".env").chmod(0o640)
    assert not stat.S_IMODE((tmp_path / ".env").stat().st_mode) & stat.S_IROTH
    assert loading("").settings


def test_a_secret_may_be_a_list_and_the_first_signs(loading: Loading) -> None:
    settings = loading(f"operator_token: [{TOKEN}1, {TOKEN}2]\n", GATEWAY__OPERATOR_TOKEN="").checked()
    assert settings.operator_token == ()
    settings = load_without(loading, f"operator_token: [{TOKEN}1, {TOKEN}2]\n")
    assert [secret.get_secret_value() for secret in settings.operator_token] == [f"{TOKEN}1", f"{TOKEN}2"]


def load_without(loading: Loading, text: str) -> Settings:
    """Loaded with the file's own operator token."""
    path = loading(text).document.path
    return load(path, process={"GATEWAY__SECRET_KEY": KEY}).checked()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("OPERATOR_TOKEN", "x" * 23, "operator_token: is shorter than 24 bytes; make one with: openssl rand -hex 32"),
        ("SECRET_KEY", "x" * 31, "secret_key: is shorter than 32 bytes; make one with: openssl rand -hex 32"),
        ("ASSERTION_SECRET", "x", "assertion_secret: is shorter than 32 bytes; make one with: openssl rand -hex 32"),
        ("SECRET_KEY", "", "secret_key: is empty; make one with: openssl rand -hex 32"),
        ("PUBLIC_URL", "shop", "public_url: should be an address such as https://support.example.com"),
        ("LISTEN__PORT", "http", "listen.port: should be a whole number"),
        ("LISTEN__PORT", "70000", "listen.port: input should be less than or equal to 65535"),
        (
            "LOG__LEVEL",
            "inof",
            "log.level: should be debug or info or warning or error, not 'inof'; did you mean \"info\"?",
        ),
        ("STORE", "data.db", "store: is not a store; use sqlite:///data/gateway.db or postgresql://user@host/name"),
        (
            "STORE",
            "mysql://a:b@c/d",
            "store: is not a store; use sqlite:///data/gateway.db or postgresql://user@host/name",
        ),
        ("LISTNE", "x", 'listne: unknown key; did you mean "listen"?'),
        ("CHANNELS", "[a]", "channels: should be a mapping of names to values"),
        ("CHANNELS__WEB", "live", "channels.web: should be a mapping of names to values"),
    ],
)
def test_what_is_refused_names_its_variable(loading: Loading, name: str, value: str, problem: str) -> None:
    loaded = loading("", **{f"GATEWAY__{name}": value})
    assert list(map(str, loaded.problems)) == [f"GATEWAY__{name} (environment): {problem}"]
    with pytest.raises(Refused, match="GATEWAY__"):
        loaded.checked()


def test_all_problems_are_said_at_once(loading: Loading, tmp_path: Path) -> None:
    loaded = loading("listen:\n  prot: 1\nchannels:\n  Web:\nslack: {token: '${SLACK}'}\nagnet: {}\n")
    assert said(loaded, tmp_path) == [
        "gateway.yaml:5: slack.token: SLACK is not set; set SLACK in the environment or .env",
        'gateway.yaml:2: listen.prot: unknown key; did you mean "port"?',
        'gateway.yaml:3: channels: "Web" cannot be a route; use small letters, digits, - and _',
        'gateway.yaml:6: agnet: unknown key; did you mean "agent"?',
    ]


def test_a_name_that_another_source_replaces_need_not_be_set(loading: Loading) -> None:
    assert loading("slack: {token: '${SLACK}'}\n", GATEWAY__SLACK__TOKEN="x").checked().slack == {"token": "x"}


def test_what_works_and_is_still_worth_a_word(loading: Loading, tmp_path: Path) -> None:
    loaded = loading("redis: redis://h\nslack:\n  bot_token: abcdefghij\n  signing_secret: '${S}'\n", S="x" * 20)
    assert warned(loaded, tmp_path) == [
        "gateway.yaml:1: redis: helps nobody: one process serves a SQLite store; remove the key, or set `store`",
        "gateway.yaml:3: slack.bot_token: a secret stands in the file; put it into .env and write ${NAME} here",
        "gateway.yaml:4: slack.signing_secret: can be guessed; make one with: openssl rand -hex 32",
    ]
    assert loaded.settings


def test_secrets_never_print(loading: Loading) -> None:
    settings = loading("redis: redis://:hunter2@h\n").checked()
    assert KEY not in repr(settings)
    assert TOKEN not in settings.model_dump_json()
    assert "hunter2" not in repr(settings)


def test_an_ipv6_host_makes_an_address(loading: Loading) -> None:
    hosts = {"::1": "http://[::1]:8080", "::": "http://127.0.0.1:8080", "example.com": "http://example.com:8080"}
    assert {host: loading("", {("listen", "host"): host}).checked().url for host in hosts} == hosts


def test_a_file_is_read_again_under_the_same_overrides(loading: Loading, tmp_path: Path) -> None:
    loaded = loading("listen: {port: 1}\ndesk: {a: '${A}'}\n", {("listen", "port"): 9}, A="one")
    (tmp_path / "gateway.yaml").write_text("listen: {port: 2, host: example.com}\ndesk: {a: '${A}!'}\n")
    again = loaded.again().checked()
    assert (again.listen.host, again.listen.port, again.desk) == ("example.com", 9, {"a": "one!"})


def test_the_log_can_be_told_every_secret(loading: Loading) -> None:
    loaded = loading(
        "slack: {bot_token: '${T}'}\nchannels: {web: {identity_secret: [first-one, second-one]}}\n", T="xoxb-1"
    )
    assert set(loaded.secrets()) == {"xoxb-1", "first-one", "second-one", KEY, TOKEN}


def test_keys_of_libraries_reach_the_environment_and_ours_do_not(loading: Loading, tmp_path: Path) -> None:
    mounted = tmp_path / "key"
    mounted.write_text("from a file\n")
    dotenv = "OPENAI_API_KEY=from .env\nGATEWAY_OPERATOR_TOKEN=ours\n"
    loaded = loading("", dotenv=dotenv, ANTHROPIC_API_KEY_FILE=str(mounted), HOME="/root")
    into = {"HOME": "/root"}
    loaded.environment.export(into)
    assert (into["OPENAI_API_KEY"], into["ANTHROPIC_API_KEY"]) == ("from .env", "from a file")
    assert not [name for name in into if name.startswith("GATEWAY_")]
