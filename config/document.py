"""One of our YAML files: what it says, and on which line it says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.environment import Environment, Unset
from config.problems import Loc, Problem, Refused, dotted, shown

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node


class Document:
    """`mapping` is the content with `${NAME}` filled in; `text` is the file as written, without anybody's secrets."""

    def __init__(self, path: Path, text: str, mapping: dict[str, Any], lines: Mapping[Loc, int]) -> None:
        self.path = path
        self.text = text
        self.mapping = mapping
        self.unresolved: dict[Loc, Problem] = {}
        self._references: set[Loc] = set()
        self._lines = lines
        self._origins: dict[Loc, str] = {}

    @property
    def problems(self) -> list[Problem]:
        """Names that `${…}` could not find, except where another source has given the value."""
        return list(self.unresolved.values())

    def line_of(self, loc: Loc) -> int:
        """The line (from 1) of a key, or of the nearest written thing around it."""
        return next((self._lines[loc[:n]] for n in range(len(loc), -1, -1) if loc[:n] in self._lines), 1)

    def problem(self, loc: Loc, what: str, remedy: str = "") -> Problem:
        """A problem at a place, named after the variable where one of those gave the value."""
        origin = next((self._origins[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in self._origins), "")
        if origin:
            return Problem(origin, 0, dotted(loc), what, remedy)
        return Problem(shown(self.path), self.line_of(loc), dotted(loc), what, remedy)

    def put(self, loc: tuple[str, ...], value: Any, origin: str) -> None:
        """Lay a value from elsewhere over the file's. Names are matched without regard to case, `-` as `_`."""
        here, written = self.mapping, list[str]()
        for part in loc:
            written.append(next((key for key in here if _folded(key) == _folded(part)), part))
            if len(written) < len(loc):
                below = here.get(written[-1])
                here[written[-1]] = here = below if isinstance(below, dict) else {}
        here[written[-1]] = value
        place = tuple(written)
        self._origins[place] = origin
        self.unresolved = {at: problem for at, problem in self.unresolved.items() if at[: len(place)] != place}

    def is_unresolved(self, loc: Loc) -> bool:
        """True where a missing name has been reported already, so that nothing else need be said."""
        return any(loc[:n] in self.unresolved for n in range(len(loc) + 1))

    def is_written(self, loc: Loc) -> bool:
        """True for a value that stands in the file itself, not behind `${NAME}` and not laid over it."""
        return loc not in self._references and not any(loc[:n] in self._origins for n in range(len(loc) + 1))

    def fill(self, environment: Environment) -> None:
        """Replace every `${NAME}` in the mapping; what has no value is kept as written and noted."""
        self.mapping = self._filled((), self.mapping, environment)

    def _filled(self, loc: Loc, value: Any, environment: Environment) -> Any:
        if isinstance(value, dict):
            return {key: self._filled((*loc, key), child, environment) for key, child in value.items()}
        if isinstance(value, list):
            return [self._filled((*loc, index), child, environment) for index, child in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        self._references.add(loc)
        try:
            return environment.fill(value)
        except Unset as missing:
            name = str(missing)
            self.unresolved[loc] = self.problem(loc, f"{name} is not set", f"set {name} in the environment or .env")
        return value


def read(path: Path, environment: Environment) -> Document:
    """The file as a document. Raises Refused when it cannot be read or is not YAML."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"), path, environment)
    except UnicodeDecodeError as error:
        raise Refused([Problem(shown(path), 0, "", "is not UTF-8 text")]) from error
    except OSError as error:
        raise Refused([Problem(shown(path), 0, "", f"cannot be read: {error.strerror}")]) from error


def parse(text: str, path: Path, environment: Environment) -> Document:
    """Text as a document; `path` names it in messages. Raises Refused with the line of what is wrong."""
    node, content = _loaded(text, path)
    lines, twice = _lines_of(path, node) if node else ({}, [])
    if twice:
        raise Refused(twice)
    if not isinstance(content, dict | None):
        raise Refused([Problem(shown(path), 1, "", "should be a mapping of names to values")])
    document = Document(path, text, content or {}, lines)
    document.fill(environment)
    return document


def _loaded(text: str, path: Path) -> tuple[Node | None, Any]:
    """The text as nodes, which know their places, and as values."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True  # found by us, with both lines and without repeating a value
    try:
        return yaml.compose(text), _plain(yaml.load(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise Refused([Problem(shown(path), line, "", what, _advice(text, line))]) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Refused(
            [Problem(shown(path), line, "", f"an unprintable character (#x{error.character:04x})")]
        ) from error
    except RecursionError as error:
        raise Refused([Problem(shown(path), 0, "", "an alias refers to itself")]) from error


def _advice(text: str, line: int) -> str:
    """What to do about the commonest mistakes of syntax."""
    written = text.splitlines()[line - 1 : line]
    if written and "${" in written[0] and "{" in written[0].partition("${")[0]:
        return 'inside { } write "${NAME}" with quotes'
    return "indent with spaces" if written and "\t" in written[0] else ""


def _lines_of(path: Path, root: Node) -> tuple[dict[Loc, int], list[Problem]]:
    """The line of every key and list item, and the keys that stand twice."""
    lines: dict[Loc, int] = {}
    twice = []
    for loc, line in _places((), root):
        if loc in lines:
            twice.append(
                Problem(shown(path), line, dotted(loc), f"is on line {lines[loc]} already", "keep one of them")
            )
        lines.setdefault(loc, line)
    return lines, twice


def _places(loc: Loc, node: Node) -> Iterator[tuple[Loc, int]]:
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield (*loc, str(key.value)), key.start_mark.line + 1
            yield from _places((*loc, str(key.value)), value)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield (*loc, index), value.start_mark.line + 1
            yield from _places((*loc, index), value)


def _plain(value: Any) -> Any:
    """Keys as text; a date as it was written, since no key of ours is one."""
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return value.isoformat() if isinstance(value, date) else value


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")
