"""Set Telegram's side up: where it calls us, what it tells, and the menu of commands."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bus.errors import Permanent
from channels.telegram.client import Client
from channels.telegram.incoming import ALLOWED
from channels.telegram.settings import Settings


async def connect(settings: Settings, name: str, public_url: str) -> AsyncIterator[str]:
    """Does it, and says each thing that was done. Raises what the client raises, and ValueError for what we lack ourselves."""
    client = Client(settings)
    try:
        us = await client.read("getMe")
        yield f"this is @{us.get('username', '?')} ({us.get('first_name', '')}, {us.get('id', settings.account)})"
        if settings.updates == "webhook":
            yield await _webhook(client, settings, f"{public_url.rstrip('/')}/webhooks/{name}")
        else:
            await client.read("deleteWebhook")
            yield "updates: polling; no webhook is set, and what waits is kept"
        listed = [{"command": command, "description": what} for command, what in settings.commands.items()]
        await client.read("setMyCommands" if listed else "deleteMyCommands", commands=listed or None)
        yield f"commands: {', '.join(f'/{command}' for command in settings.commands) or 'none'}"
        if settings.groups and not us.get("can_join_groups", True):
            yield "groups: the bot may not join any; allow it in @BotFather: /setjoingroups"
    finally:
        await client.close()


async def look(settings: Settings, name: str, public_url: str) -> AsyncIterator[tuple[bool, str]]:
    """(right, what is found) of each thing that `connect` would set. Raises what the client raises."""
    client = Client(settings)
    try:
        us = await client.read("getMe")
        yield True, f"signed in as @{us.get('username', '?')}"
        told = await client.read("getWebhookInfo")
        url = str(told.get("url") or "")
        wanted = f"{public_url.rstrip('/')}/webhooks/{name}" if settings.updates == "webhook" else ""
        if url != wanted:
            yield False, f"Telegram calls {url or 'nobody'} instead of {wanted or 'nobody'}"
        else:
            yield True, f"Telegram calls {url}" if url else "updates are fetched"
        if url and told.get("last_error_message"):
            waiting = int(told.get("pending_update_count", 0))
            yield waiting == 0, f"its last trouble: {told['last_error_message']}; {waiting} waiting"
    finally:
        await client.close()


async def _webhook(client: Client, settings: Settings, url: str) -> str:
    """https://core.telegram.org/bots/api#setwebhook"""
    if not url.startswith("https://") and settings.api_base.startswith("https://"):
        raise ValueError("Telegram calls https:// addresses only; set public_url, or updates: polling")
    secret = settings.webhook_secrets[0]
    await client.read("setWebhook", url=url, secret_token=secret, allowed_updates=list(ALLOWED))
    told = await client.read("getWebhookInfo")
    if told.get("url") != url:
        raise Permanent("webhook_not_set", f"Telegram calls {told.get('url') or 'nobody'} instead of {url}")
    waiting = int(told.get("pending_update_count", 0))
    return f"updates: {url}, verified by webhook_secret; {', '.join(ALLOWED)}; {waiting} waiting"
