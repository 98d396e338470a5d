"""`gateway whatsapp`: set up the Twilio side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.voice import HERE, Config, Failed, Json, emit, say

if TYPE_CHECKING:
    from channels.whatsapp.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Set up the WhatsApp side, at Twilio.")
OVERRIDES = "#rc=5&rp=all&ct=2000&rt=5000&tt=15000"
"""As often and as long as Twilio can be told to try: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides"""


def mount(above: typer.Typer) -> None:
    """Add the commands of this module."""
    above.add_typer(app, name="whatsapp")


@app.callback()
def whatsapp() -> None:
    """Set up the WhatsApp side, at Twilio."""


@app.command()
def connect(
    config: Config = HERE,
    name: Annotated[str, typer.Option(help="The section below `channels:`.")] = "whatsapp",
    as_json: Json = False,
) -> None:
    """Tell Twilio where to bring this number's messages, and how patiently."""
    from gateway.commands.opened import configured

    loaded = configured(config)
    settings, public = _section(loaded, name), loaded.checked().public_url
    if not public.startswith("https://"):
        raise Failed(
            "Twilio needs a public https:// address to bring messages to", "set public_url in gateway.yaml to yours"
        )
    webhook = f"{public.rstrip('/')}/webhooks/{name}"
    done = asyncio.run(_connected(settings, webhook))
    if as_json:
        return emit(done)
    if not done["sender"]:
        return say(BY_HAND.format(number=settings.number, webhook=done["webhook"], status=done["status_callback"]))
    say(f"✔ Twilio brings messages to {settings.number} to {done['webhook']}", "green")
    say(f"✔ and reports on ours to {done['status_callback']}", "green")
    return say(f"  before: {done['before'] or 'nowhere'}")


BY_HAND = """\
{number} is not among the account's WhatsApp senders: it is the sandbox's, or not registered yet. In Twilio's console, Messaging →
Try it out → Send a WhatsApp message → Sandbox settings, copy these two (both POST):
  When a message comes in  {webhook}
  Status callback URL      {status}"""


def _section(loaded: Any, name: str) -> Settings:
    """The settings of the section. Raises Failed when it is not WhatsApp's."""
    from channels.whatsapp.settings import Settings
    from gateway import sections

    found, _ = sections.read(loaded.document)
    settings = found.get(("channels", name))
    if not isinstance(settings, Settings):
        raise Failed(f"no WhatsApp channel `{name}` in gateway.yaml", "add a section channels.whatsapp")
    return settings


async def _connected(settings: Settings, webhook: str) -> dict[str, Any]:
    """Set both addresses; what they are now, and what was there before."""
    from bus.errors import GatewayError
    from channels.whatsapp.client import Twilio

    client = Twilio(settings)
    done: dict[str, Any] = {
        "number": settings.number, "sender": "", "webhook": webhook + OVERRIDES, "status_callback": f"{webhook}/status", "before": "",
    }  # fmt: skip
    try:
        sender = await client.sender()
        if sender is not None:
            before = sender.webhook if isinstance(sender.webhook, dict) else {}
            await client.connect(sender.sid, done["webhook"], done["status_callback"])
            done |= {"sender": sender.sid, "before": before.get("callback_url") or ""}
    except GatewayError as error:
        raise Failed(
            f"Twilio says no: {error}", REMEDIES.get(str(error), "see https://www.twilio.com/docs/api/errors")
        ) from error
    finally:
        await client.close()
    return done


REMEDIES = {
    "not_authorised": "copy the Account SID and the Auth Token from Twilio's console into .env again",
    "Twilio cannot be reached": "is this machine allowed to call out?",
}
