"""How the command line speaks: results on stdout, advice on stderr, what is wrong in one line with what to do about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="GATEWAY_CONFIG", help="The configuration file.", show_default=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HERE = Path("gateway.yaml")


class Failed(Exception):
    """What could not be done and what to do about it; `status` is the exit code."""

    def __init__(self, what: str, remedy: str = "", status: int = 1) -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.status = status


def out() -> Console:
    """Where results go. Breaks no lines: a terminal does that itself, and a link stays one."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def say(text: str = "", style: str = "") -> None:
    """A line of result, literally."""
    from rich.text import Text

    out().print(Text(text, style=style))


def advise(text: str, style: str = "") -> None:
    """A line beside the result: on stderr, so that results can be piped."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text, style=style))


def emit(value: Any) -> None:
    """JSON on stdout, with numbers as they were recorded."""
    import msgspec

    text = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode(value)
    sys.stdout.write(msgspec.json.format(text, indent=2).decode() + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under headings; tab-separated when piped."""
    rows = list(rows)
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            sys.stdout.write("\t".join(row) + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    out().print(drawn)
