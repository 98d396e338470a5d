"""`gateway slack`: set up the Slack side."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.voice import HERE, Config, Failed, Json, advise, emit, say

if TYPE_CHECKING:
    from config.document import Document

app = typer.Typer(no_args_is_help=True, help="Set up the Slack side.")


def mount(above: typer.Typer) -> None:
    """Add the commands of this module."""
    above.add_typer(app, name="slack")


@app.callback()
def slack() -> None:
    """Set up the Slack side."""


@app.command()
def manifest(
    config: Config = HERE,
    name: Annotated[str, typer.Option(help="What people in Slack see.")] = "Support",
    url: Annotated[str, typer.Option(help="Instead of public_url.")] = "",
    socket: Annotated[bool, typer.Option("--socket", help="Socket Mode: Slack needs no way in to us.")] = False,
    as_json: Json = False,
) -> None:
    """Print the manifest of the Slack app, and a link that makes it."""
    from channels.slack.manifest import link
    from channels.slack.manifest import manifest as made

    mapping = _document(config).mapping if config.exists() else {}
    sections, slack = mapping.get("channels") or {}, mapping.get("slack") or {}
    public = (url or str(mapping.get("public_url") or "")).rstrip("/")
    socket = socket or bool(slack.get("app_token")) or (not public and not url)
    content = made(name, public, socket=socket, customers=_has_customers(sections))
    steps = f"Make the app with one click:\n{link(content)}\n{STEPS}"
    if as_json:
        emit(content)
        return advise(f"\n{steps}")
    return say("\n".join([_yaml(content), "", *(f"# {line}".rstrip() for line in steps.splitlines())]))


STEPS = """
Then, on the app's page:
  1. Install App → copy the Bot User OAuth Token (xoxb-…) into .env as SLACK_BOT_TOKEN
  2. Basic Information → copy the Signing Secret into .env as SLACK_SIGNING_SECRET
  3. for Socket Mode: App-Level Tokens → one with connections:write (xapp-…) into .env as SLACK_APP_TOKEN
  4. in Slack, /invite the app to the desk's channel; then: gateway check slack --online"""


def _has_customers(channels: dict[str, Any]) -> bool:
    kinds = ((section or {}).get("kind") or name for name, section in channels.items())
    return "slack" in kinds


def _document(path: Path) -> Document:
    """The file as far as it goes: the app's secrets do not exist yet."""
    from config.problems import Refused
    from config.settings import load

    try:
        return load(path).document
    except Refused as refused:
        raise Failed(str(refused)) from refused


def _yaml(content: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue().rstrip()
