"""Before anything runs: the files of a new gateway, and what editors need to help with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.commands.voice import Failed, Json, emit, say


def mount(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(init)
    app.command()(schema)


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to.")] = Path(), as_json: Json = False
) -> None:
    """Write a commented gateway.yaml, agent.yaml, .env and knowledge/ to start from."""
    from config import starter

    there = starter.existing(directory)
    if there:
        raise Failed(f"{', '.join(map(str, there))}: already there", "nothing was written; choose another folder")
    try:
        written = starter.write(directory)
    except OSError as error:
        raise Failed(f"{error.filename or directory} cannot be written: {error.strerror}") from error
    if as_json:
        return emit({"written": [str(path) for path in written]})
    for path in written:
        say(f"✔ {path}", "green")
    return say(NEXT.format(cd="" if directory == Path() else f"  cd {directory}\n"))


NEXT = """
Next:
{cd}  gateway check       says whether all of it is right
  gateway chat        talk to the agent here
  gateway run         serve it; the page of your shop needs one line:
                      <script async src="http://127.0.0.1:8080/widget.js"></script>
Then edit agent.yaml and knowledge/, and bring in your team: gateway slack manifest"""


def schema(of: Annotated[Literal["gateway", "agent"], typer.Argument(help="Which file.")] = "gateway") -> None:
    """Print the JSON Schema of gateway.yaml or agent.yaml, for completion in editors."""
    if of == "agent":
        from agent.spec import Spec
        from config.schema import text_schema

        return emit(text_schema(Spec.model_json_schema(), "agent.yaml"))
    from config.schema import gateway_schema
    from gateway.sections import schemas

    return emit(gateway_schema(*schemas()))
