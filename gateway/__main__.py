"""`gateway` = `python -m gateway`: mounts the commands, and says what went wrong in one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gateway.commands import audit, channels, chat, check, replay, serve, setup, slack, specs, telegram, whatsapp
from gateway.commands.voice import Failed, advise

app = typer.Typer(
    name="gateway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Customer support on the web, WhatsApp, Telegram and Slack: one agent, and people when it stops.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"gateway {version('support-gateway')}\n")
        raise typer.Exit


@app.callback()
def gateway(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from; may stand anywhere.")] = False,
) -> None:
    """Customer support on the web, WhatsApp, Telegram and Slack: one agent, and people when it stops."""


for part in (setup, check, serve, chat, channels, slack, telegram, whatsapp, audit, replay, specs):
    part.mount(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 could not be done, 2 not understood."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        app([argument for argument in given if argument != "--debug"], prog_name="gateway")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            raise
        return _told(error)
    return 0


def _told(error: Exception) -> int:
    """The error as a person can use it, without anybody's secrets."""
    from bus.errors import GatewayError
    from gateway.redaction import Redaction

    text = Redaction().text(str(error))
    if not isinstance(error, GatewayError | Failed):
        text = (
            f"{type(error).__name__}: {text}; run it again with --debug to see where" if text else type(error).__name__
        )
    for line in text.splitlines():
        advise(f"✖ {line}", "red")
    return error.status if isinstance(error, Failed) else 1


if __name__ == "__main__":
    sys.exit(main())
