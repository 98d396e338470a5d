"""Reading a YAML file of ours: what it says, where it says it, and what is said about its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from config.document import Document, parse, read
from config.environment import Environment
from config.problems import Problem, Refused, explain

HERE = Path("gateway.yaml")


def parsed(text: str, **variables: str) -> Document:
    return parse(text, HERE, Environment(variables))


def refusal(text: str) -> str:
    with pytest.raises(Refused) as refused:
        parsed(text)
    return str(refused.value)


class Telegram(BaseModel):
    model_config = ConfigDict(extra="forbid")
    port: int = 1
    token: str = ""
    mode: str = "live"


def complaints(text: str, **variables: str) -> list[str]:
    document = parsed(text, **variables)
    with pytest.raises(ValidationError) as error:
        Telegram.model_validate(document.mapping["channels"]["telegram"])
    found = explain(error.value, document, at=("channels", "telegram"), model=Telegram)
    return [str(problem) for problem in [*document.problems, *found]]


def test_yaml_1_2_leaves_words_alone() -> None:
    assert parsed("mode: off\ncountry: no\nday: 2026-11-20\n1: one\n").mapping == {
        "mode": "off",
        "country": "no",
        "day": "2026-11-20",
        "1": "one",
    }


def test_names_in_strings_are_filled_in() -> None:
    text = 'a: ${KEY}\nb: ["x-${KEY}-${OTHER:-y}"]\nc: ${EMPTY:-}\nd: $${KEY}\ne: "${{ amount }} $5"\n'
    assert parsed(text, KEY="k").mapping == {"a": "k", "b": ["x-k-y"], "c": "", "d": "${KEY}", "e": "${{ amount }} $5"}


def test_the_text_keeps_the_names_and_not_the_secrets() -> None:
    assert parsed("a: ${KEY}\n", KEY="secret").text == "a: ${KEY}\n"


@pytest.mark.parametrize("variables", [{}, {"KEY": ""}])
def test_a_name_without_a_value_says_where_it_stands_and_where_to_set_it(variables: dict[str, str]) -> None:
    problem = "gateway.yaml:3: slack.token: KEY is not set; set KEY in the environment or .env"
    assert list(map(str, parsed("x: 1\nslack:\n  token: ${KEY}\n", **variables).problems)) == [problem]


def test_a_name_may_be_read_from_the_file_that_name_file_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    assert parsed("a: ${KEY}\n", KEY_FILE=str(secret)).mapping == {"a": "from a file"}
    assert parsed("a: ${KEY}\n", KEY_FILE=str(secret), KEY="direct").mapping == {"a": "direct"}


def test_a_secret_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(Refused, match="KEY_FILE: cannot read /nowhere/secret: No such file"):
        parsed("a: ${KEY}\n", KEY_FILE="/nowhere/secret")


def test_lines_are_those_of_the_nearest_written_thing() -> None:
    document = parsed("a:\n  b:\n    - c: 1\n    - d: 2\n\ne: 3\n")
    lines = [
        document.line_of(loc) for loc in ((), ("a",), ("a", "b", 1), ("a", "b", 1, "d"), ("a", "x"), ("e",), ("z",))
    ]
    assert lines == [1, 1, 4, 4, 1, 6, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "gateway.yaml:3: a: is on line 1 already; keep one of them"),
        ("x:\n  a: 1\n  a: 3\n", "gateway.yaml:3: x.a: is on line 2 already; keep one of them"),
        ("a: 1\nb: c: d\n", "gateway.yaml:2: mapping values are not allowed here"),
        ("- a\n", "gateway.yaml:1: should be a mapping of names to values"),
        ("a: &x [*x]\n", "gateway.yaml: an alias refers to itself"),
        ("a: 1\nb: \x01\n", "gateway.yaml:2: an unprintable character (#x0001)"),
    ],
)
def test_what_is_not_ours_is_refused_with_its_line(text: str, said: str) -> None:
    assert refusal(text) == said


def test_the_commonest_mistakes_of_syntax_come_with_advice() -> None:
    assert refusal("a: 1\nlisten: {port: ${PORT}}\n").endswith('inside { } write "${NAME}" with quotes')
    assert refusal("a:\n\tb: 1\n").endswith("indent with spaces")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(Refused, match="cannot be read: No such file"):
        read(tmp_path / "absent.yaml", Environment({}))
    with pytest.raises(Refused, match="is not UTF-8 text"):
        read(tmp_path / "latin.yaml", Environment({}))


def test_an_unknown_key_names_the_nearest_one() -> None:
    text = "channels:\n  telegram:\n    token: x\n    prot: 80\n"
    assert complaints(text) == ['gateway.yaml:4: channels.telegram.prot: unknown key; did you mean "port"?']


def test_a_key_that_resembles_nothing_lists_what_there_is() -> None:
    text = "channels:\n  telegram: {zzzzz: 1}\n"
    assert complaints(text) == ["gateway.yaml:2: channels.telegram.zzzzz: unknown key; known here: mode, port, token"]


def test_a_number_where_text_belongs_wants_quotes() -> None:
    text = "channels:\n  telegram:\n    token: 123\n"
    assert complaints(text) == [
        "gateway.yaml:3: channels.telegram.token: should be text, not a number; put it in quotes"
    ]


def test_a_missing_name_is_said_once() -> None:
    text = "channels:\n  telegram:\n    port: ${PORT}\n    mode: 1\n"
    assert complaints(text) == [
        "gateway.yaml:3: channels.telegram.port: PORT is not set; set PORT in the environment or .env",
        "gateway.yaml:4: channels.telegram.mode: should be text, not a number; put it in quotes",
    ]


def test_a_value_from_elsewhere_is_blamed_by_its_own_name() -> None:
    document = parsed("channels: {telegram: {port: ${PORT:-1}}}\n".replace("${PORT:-1}", "'${PORT}'"))
    document.put(("channels", "telegram", "port"), "x", "GATEWAY__CHANNELS__TELEGRAM__PORT (environment)")
    assert document.problems == []
    problem = document.problem(("channels", "telegram", "port"), "should be a whole number")
    assert problem == Problem(
        "GATEWAY__CHANNELS__TELEGRAM__PORT (environment)", 0, "channels.telegram.port", "should be a whole number"
    )


def test_a_value_from_elsewhere_finds_the_key_however_it_is_written() -> None:
    document = parsed("channels:\n  shop-web: {mode: live}\n  empty:\n")
    document.put(("channels", "shop_web", "mode"), "off", "environment")
    document.put(("channels", "empty", "mode"), "off", "environment")
    assert document.mapping == {"channels": {"shop-web": {"mode": "off"}, "empty": {"mode": "off"}}}
