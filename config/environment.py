"""Values from outside the files: the process's environment, the `.env` beside the file, and files of secrets."""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from config.problems import Problem, Refused, shown

PREFIX = "GATEWAY__"
FILE = "_FILE"
REFERENCE = re.compile(r"\$(?P<escaped>\$(?=\{\w))|\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}")


class Unset(Exception):
    """A `${NAME}` without a value."""


class Environment:
    """Names to values. Where NAME is absent, NAME_FILE names the file that holds it, as containers mount secrets."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    def get(self, name: str) -> str:
        """The value, "" when there is none. Raises Refused when the file that should hold it cannot be read."""
        if value := self._variables.get(name, ""):
            return value
        path = self._variables.get(name + FILE, "")
        return secret_file(name + FILE, path) if path else ""

    def export(self, into: MutableMapping[str, str]) -> None:
        """Hand what stands in `.env`, and keys that stand in files, to libraries that read the process's environment."""
        keys = [name.removesuffix(FILE) for name in self._variables if name.endswith("_API_KEY" + FILE)]
        found = {name: self.get(name) for name in keys} | self._variables
        into.update({name: value for name, value in found.items() if value and not name.startswith("GATEWAY_")})

    def fill(self, text: str) -> str:
        """The text with `${NAME}` and `${NAME:-default}` replaced; `$${NAME}` stands for `${NAME}`. Raises Unset."""
        return REFERENCE.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if value := self.get(match["name"]):
            return value
        if match["default"] is None:
            raise Unset(match["name"])
        return match["default"]

    def overrides(self) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """(variable, key path, value) of every GATEWAY__A__B; those that name files come first: the others win."""
        names = sorted(name for name in self._variables if name.startswith(PREFIX))
        for name in sorted(names, key=lambda name: not name.endswith(FILE)):
            value = self._variables[name]
            if name.endswith(FILE):
                yield name, _path(name.removesuffix(FILE)), secret_file(name, value)
            else:
                yield name, _path(name), typed(value)


def environment(folder: Path, process: Mapping[str, str]) -> Environment:
    """The process's environment over the `.env` in `folder`. Raises Refused for one that everybody or nobody can read."""
    path = folder / ".env"
    if not path.is_file():
        return Environment(process)
    if path.stat().st_mode & stat.S_IROTH:
        what = "everybody on this machine can read its secrets"
        raise Refused([Problem(shown(path), 0, "", what, f"run: chmod 600 {shown(path)}")])
    written = dict(_written(path))
    kept = {name: value for name, value in written.items() if name + FILE not in process}
    return Environment(kept | dict(process))


def _written(path: Path) -> Iterator[tuple[str, str]]:
    """What `.env` says. Raises Refused with the line of what is no NAME=value."""
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise Refused([Problem(shown(path), 0, "", f"cannot be read: {reason}", "write NAME=value lines")]) from error
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            place = binding.original.line + len(binding.original.string) - len(binding.original.string.lstrip("\r\n"))
            raise Refused(
                [Problem(shown(path), place, "", "is no NAME=value", "quote values with spaces or line ends")]
            )
        if binding.key is not None and binding.value is not None:
            yield binding.key, binding.value


def typed(text: str) -> Any:
    """A variable's value: lists, mappings and null by YAML's rules; all else stays text (a phone number is no sum)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return text
    return value if value is None or isinstance(value, list | dict) else text


def secret_file(variable: str, path: str) -> str:
    """The content of a file of secrets, without the newline that editors leave at its end."""
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Refused([Problem(variable, 0, "", f"cannot read {path}: {reason}", "name a readable file")]) from error


def _path(variable: str) -> tuple[str, ...]:
    return tuple(variable.removeprefix(PREFIX).lower().split("__"))
