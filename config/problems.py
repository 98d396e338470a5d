"""What is wrong with a configuration, said so that the reader knows where and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bus.errors import GatewayError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from config.document import Document

Loc = tuple[str | int, ...]
Schema = Mapping[str, Any]


class Problem(msgspec.Struct, frozen=True):
    """One thing to mend: `file:line: key: what; remedy`. `file` names a variable where the value came from one."""

    file: str
    line: int
    key: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        words = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return ": ".join(part for part in (place, self.key, words) if part)


class Refused(GatewayError):
    """The configuration is refused whole; nothing of it takes effect."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


def explain(
    error: ValidationError, document: Document, *, at: Loc = (), model: type[BaseModel] | None = None
) -> list[Problem]:
    """pydantic's errors as problems. `at` is where the validated mapping stands; `model` lets us suggest keys."""
    schema = model.model_json_schema() if model else {}
    found: dict[Loc, Problem] = {}
    for detail in error.errors(include_url=False):
        loc = _written(at + detail["loc"], document, keep_last=detail["type"] == "missing")
        if loc not in found and not document.is_unresolved(loc):
            found[loc] = document.problem(loc, *_words(detail, known_keys(schema, loc[len(at) : -1])))
    return list(found.values())


def shown(path: Path) -> str:
    """A file as people here would name it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def dotted(loc: Loc) -> str:
    """A place as people write it: `desk.routes[0].channel`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a name that does not exist, "" when there is nothing to advise."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known here: {', '.join(names)}" if names else ""


def known_keys(schema: Schema, loc: Loc) -> set[str]:
    """The keys that a JSON schema allows at a place."""
    nodes = [schema]
    for part in loc:
        nodes = [child for node in nodes for branch in _branches(node, schema) for child in _children(branch, part)]
    return {name for node in nodes for branch in _branches(node, schema) for name in branch.get("properties", {})}


def _branches(node: Schema, root: Schema) -> Iterator[Schema]:
    """The node itself and everything it refers to or chooses from."""
    yield node
    if "$ref" in node:
        target: Any = root
        for part in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        yield from _branches(target, root)
    for word in ("anyOf", "oneOf", "allOf"):
        for child in node.get(word, ()):
            yield from _branches(child, root)


def _children(node: Schema, part: str | int) -> Iterator[Schema]:
    child = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    if child is None and isinstance(part, str):
        patterns = node.get("patternProperties", {})
        child = next(
            (of for pattern, of in patterns.items() if re.search(pattern, part)), node.get("additionalProperties")
        )
    if isinstance(child, dict):
        yield child


def _written(loc: Loc, document: Document, *, keep_last: bool) -> Loc:
    """The place as the operator wrote it: without the names of union branches and validators that pydantic puts in."""
    here: Any = document.mapping
    written: list[str | int] = []
    for part in loc:
        if isinstance(part, int) if isinstance(here, list) else isinstance(here, dict) and part in here:
            here = here[part]
            written.append(part)
    if keep_last and loc:
        written.append(loc[-1])
    return tuple(written)


def _words(detail: ErrorDetails, known: set[str]) -> tuple[str, str]:
    """What is wrong and what to do about it. Values are repeated only where they can hardly be a secret."""
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key", nearest(str(detail["loc"][-1]), known)
    if kind == "missing":
        return "is missing", ""
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"should be {' or '.join(choices)}, not {given!r}", nearest(str(given), choices) if given else ""
    if kind == "string_type" and isinstance(given, int | float):
        return "should be text, not a number", "put it in quotes"
    if kind in _PLAIN:
        return _PLAIN[kind], ""
    what, _, remedy = detail["msg"].removeprefix("Value error, ").partition("; ")
    return what[:1].lower() + what[1:], remedy


_PLAIN = {
    "string_type": "should be text",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "float_parsing": "should be a number",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping of names to values",
    "model_type": "should be a mapping of names to values",
    "model_attributes_type": "should be a mapping of names to values",
}
