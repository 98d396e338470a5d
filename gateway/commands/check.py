"""`gateway check`: is all of it right, and what to do where it is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.opened import exists
from gateway.commands.voice import HERE, Config, Failed, Json, emit, out

if TYPE_CHECKING:
    from gateway.checking import Finding

SIGNS = {True: ("✔", "green"), False: ("✖", "red"), None: ("!", "yellow")}


def mount(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(check)


def check(
    name: Annotated[
        str, typer.Argument(help="Only this: a channel, or agent, knowledge, store, model, tools, slack …")
    ] = "",
    online: Annotated[bool, typer.Option("--online", help="Ask the providers too.")] = False,
    config: Config = HERE,
    as_json: Json = False,
) -> None:
    """Say whether the configuration is right and what it names is there; each line with what to do."""
    from gateway import checking

    exists(config)
    findings, looked = checking.look(config, name)
    if name and name not in checking.names(looked):
        from config.problems import nearest

        raise Failed(f"nothing here is called {name}", nearest(name, checking.names(looked)))
    if online and looked:
        from gateway import online as outside

        findings += asyncio.run(outside.look(looked, name))
    good = not any(finding.ok is False for finding in findings)
    if as_json:
        emit({"ok": good, "lines": findings})
    else:
        _draw(findings)
    raise typer.Exit(0 if good else 1)


def _draw(findings: list[Finding]) -> None:
    from rich.text import Text

    console = out()
    width = max((len(finding.name) for finding in findings), default=0)
    for finding in findings:
        sign, style = SIGNS[finding.ok]
        console.print(Text.assemble((f"{sign} {finding.name:<{width}}  ", style), finding.text))
        if finding.remedy:
            console.print(Text(f"  {'':<{width}}  → {finding.remedy}", style="dim"))
