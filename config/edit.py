"""Changes one value of a YAML file and nothing else: comments, order, quotes and line ends stay as they are."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from config.problems import dotted


def edit(path: Path, key_path: tuple[str, ...], value: str) -> None:
    """Set a plain word at a place whose surrounding section exists. Raises KeyError when it does not."""
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    _replace_file(path.resolve(), edited(text, key_path, value))


def edited(text: str, key_path: tuple[str, ...], value: str) -> str:
    """The text with one value changed, or added where only its section was."""
    from ruamel.yaml import YAML

    section = YAML(typ="rt", pure=True).compose(text)
    above = None
    for key in key_path[:-1]:
        above, section = _pair(section, key)
        if above is None:
            raise KeyError(dotted(key_path))
    name, old = _pair(section, key_path[-1])
    if name is None:
        return _added(text, above, section, f"{key_path[-1]}: {value}")
    return _spliced(text, name, old, value)


def _pair(node: Any, key: str) -> tuple[Any, Any]:
    """A key and its value as the parser's nodes, which know their places; two Nones where there is no such key."""
    pairs = node.value if isinstance(getattr(node, "value", None), list) else ()
    return next(((name, value) for name, value in pairs if name.value == key), (None, None))


def _added(text: str, name: Any, section: Any, line: str) -> str:
    """The text with a key added at the top of a section, in the style that the section has."""
    if not isinstance(section.value, list) or not section.value:
        return _spliced(text, name, section, f"{{{line}}}")
    first = section.value[0][0].start_mark
    if section.flow_style:
        return f"{text[: first.index]}{line}, {text[first.index :]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{text[: first.index]}{line}{newline}{' ' * first.column}{text[first.index :]}"


def _spliced(text: str, name: Any, old: Any, value: str) -> str:
    """The text with another value behind `name:`; a value that was left out has no place of its own."""
    start, end = old.start_mark.index, old.end_mark.index
    if start == end:
        start = end = text.index(":", name.end_mark.index) + 1
        value = f" {value}"
    return f"{text[:start]}{value}{text[end:]}"


def _replace_file(path: Path, text: str) -> None:
    """Whole or not at all, with the mode the file had."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as new:
        new.write(text)
    written = Path(new.name)
    written.chmod(path.stat().st_mode & 0o7777)
    written.replace(path)
