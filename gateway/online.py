"""What `gateway check --online` asks the world outside: Slack, Telegram, the model, the hosts of tools, and our own address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

from gateway.checking import Finding, Looked

PATIENCE = 15.0


async def look(looked: Looked, name: str = "") -> list[Finding]:
    """Every finding; what does not answer in time is one too."""
    asked = [_collected(matter, ask, looked) for matter, ask in QUESTIONS.items() if name in {"", matter}]
    return [finding for findings in await asyncio.gather(*asked) for finding in findings]


async def _collected(name: str, ask: Question, looked: Looked) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(PATIENCE):
            found.extend([finding async for finding in ask(looked)])
    except TimeoutError:
        found.append(Finding(name, False, f"no answer within {PATIENCE:.0f} s", "is this machine allowed to call out?"))
    return found


async def _slack(looked: Looked) -> AsyncIterator[Finding]:
    from bus.errors import GatewayError
    from channels.slack.connection import Connection
    from channels.slack.settings import DeskSettings, SlackSettings

    settings, desk = looked.sections.get(("slack",)), looked.sections.get(("desk",))
    if not isinstance(settings, SlackSettings):
        return
    connection = Connection(settings)
    try:
        us = await connection.read("auth.test")
        yield Finding("slack", True, f"signed in to {us.get('team', 'Slack')} as {us.get('user', 'the app')}")
        for place in desk.places if isinstance(desk, DeskSettings) else ():
            yield await _place(connection, place)
    except GatewayError as error:
        yield Finding(
            "slack", False, f"Slack says no: {error}", SLACK_REMEDIES.get(str(error), "gateway slack manifest")
        )
    finally:
        await connection.close()


SLACK_REMEDIES = {
    "invalid_auth": "copy the Bot User OAuth Token (xoxb-…) into .env again",
    "not_authed": "copy the Bot User OAuth Token (xoxb-…) into .env",
    "token_revoked": "install the app to the workspace again",
    "account_inactive": "install the app to the workspace again",
    "missing_scope": "update the app from `gateway slack manifest` and install it again",
    "channel_not_found": "take the channel's id (C…) from its details, and invite the app",
}


async def _place(connection: Any, channel: str) -> Finding:
    """Is the app in a channel of the desk?"""
    from bus.errors import GatewayError

    try:
        told = (await connection.read("conversations.info", channel=channel)).get("channel") or {}
    except GatewayError as error:
        return Finding("slack", False, f"{channel}: {error}", SLACK_REMEDIES.get(str(error), "gateway slack manifest"))
    name = f"#{told.get('name', channel)}"
    if told.get("is_member"):
        return Finding("slack", True, f"the app is in {name}")
    return Finding("slack", False, f"the app is not in {name}", f"in Slack: /invite it to {name}")


async def _whatsapp(looked: Looked) -> AsyncIterator[Finding]:
    from bus.errors import GatewayError
    from channels.whatsapp.client import Twilio
    from channels.whatsapp.settings import Settings

    for loc, settings in looked.sections.items():
        if not isinstance(settings, Settings):
            continue
        client, wanted = Twilio(settings), f"{looked.settings.public_url}/webhooks/{loc[1]}"
        try:
            sender = await client.sender()
            there = str(((sender.webhook if sender else None) or {}).get("callback_url") or "")
            if there.partition("#")[0] == wanted:
                yield Finding("whatsapp", True, f"Twilio brings messages to {settings.number} here")
            else:
                what = f"Twilio brings messages to {settings.number} to {there or 'nowhere'}" if sender else NO_SENDER
                yield Finding("whatsapp", False, what, "gateway whatsapp connect")
        except GatewayError as error:
            yield Finding(
                "whatsapp",
                False,
                f"Twilio says no: {error}",
                "are account_sid and auth_token those of Twilio's console?",
            )
        finally:
            await client.close()


NO_SENDER = "the number is none of the account's WhatsApp senders"


async def _telegram(looked: Looked) -> AsyncIterator[Finding]:
    from bus.errors import GatewayError
    from channels.telegram.settings import Settings
    from channels.telegram.setup import look as asked

    for loc, settings in looked.sections.items():
        if not isinstance(settings, Settings):
            continue
        name = str(loc[-1])
        remedy = f"gateway telegram connect {name}" if name != "telegram" else "gateway telegram connect"
        try:
            async for ok, text in asked(settings, name, looked.settings.url):
                yield Finding(name, ok, text, "" if ok else remedy)
        except GatewayError as error:
            yield Finding(name, False, f"Telegram says no: {error}", "copy the token of @BotFather into .env again")


async def _model(looked: Looked) -> AsyncIterator[Finding]:
    agent = looked.settings.agent
    for name in (agent.model, agent.fast_model, *agent.fallbacks):
        if name and name != "offline":
            yield await _answers(looked, name)


async def _answers(looked: Looked, name: str) -> Finding:
    """One token of a model."""
    import os
    import time

    from agent.models.llm import Llm
    from agent.models.port import Facts, Message, ModelFailed, Prompt

    looked.loaded.environment.export(os.environ)
    model = Llm(name, api_base=looked.settings.agent.api_base, retries=0, timeout=PATIENCE - 5)
    prompt = Prompt("Answer with one word.", (Message("user", "Say yes."),), (), Facts("en", ()), max_tokens=16)
    began = time.monotonic()
    try:
        async for _ in model.reply(prompt):
            pass
    except ModelFailed as error:
        return Finding("model", False, f"{name}: {error}", "check its name, its key in .env and agent.api_base")
    return Finding("model", True, f"{name} answers in {time.monotonic() - began:.1f} s")


async def _tools(looked: Looked) -> AsyncIterator[Finding]:
    """The hosts of tools: any HTTP answer will do."""
    urls = [tool.http.url for tool in looked.spec.tools.values() if tool.http] if looked.spec else []
    for origin in sorted({f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in urls}):
        error = await _unreachable(origin)
        if error:
            yield Finding(
                "tools", False, f"{origin} cannot be reached: {error}", "check the tools' url and the network"
            )
        else:
            yield Finding("tools", True, f"{origin} can be reached")


async def _public_url(looked: Looked) -> AsyncIterator[Finding]:
    """Does our public address lead to a gateway?"""
    url = looked.settings.public_url
    if not url:
        return
    error = await _unreachable(f"{url}/healthz", expect=200)
    if error:
        yield Finding("public_url", False, f"{url} does not lead here: {error}", "is `gateway run` up, and the proxy?")
    else:
        yield Finding("public_url", True, f"{url} leads to a gateway")


async def _unreachable(url: str, expect: int = 0) -> str:
    """Why not, "" when it answers."""
    from aiohttp import ClientError, ClientSession, ClientTimeout

    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=8), trust_env=True) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return f"it answers {answer.status}" if expect and answer.status != expect else ""
    except TimeoutError:
        return "no answer within 8 s"
    except (ClientError, OSError) as error:
        return str(error) or type(error).__name__


Question = Callable[[Looked], AsyncIterator[Finding]]


async def _store(looked: Looked) -> AsyncIterator[Finding]:
    """A server that keeps the store: does it answer, and has it the shape that this release knows?"""
    from bus.errors import Unavailable
    from bus.store import open_store

    if looked.settings.store_path is not None:
        return
    try:
        store = await asyncio.to_thread(open_store, looked.settings.store, readonly=True)
        await store.close()
    except Unavailable as error:
        yield Finding(
            "store",
            False,
            str(error),
            "`gateway run` makes the tables; is the database there, and is it the right user?",
        )
    else:
        yield Finding("store", True, "PostgreSQL answers, and its tables are those of this release")


async def _redis(looked: Looked) -> AsyncIterator[Finding]:
    """Hints between processes: does Redis answer?"""
    from bus.hints import answers

    url = looked.settings.redis
    if url is None:
        return
    problem = await answers(url.get_secret_value())
    if problem:
        yield Finding("redis", False, problem, "without it processes hear of each other's news a second or two later")
    else:
        yield Finding("redis", True, "answers")


QUESTIONS: dict[str, Question] = {
    "store": _store,
    "redis": _redis,
    "slack": _slack,
    "telegram": _telegram,
    "whatsapp": _whatsapp,
    "model": _model,
    "tools": _tools,
    "public_url": _public_url,
}
