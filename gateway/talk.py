"""One customer's talk over the web channel: POST what is said, read the stream of what comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from bus.errors import GatewayError

PATIENCE = 60.0
SPEAKERS = {"agent": "green", "staff": "magenta", "system": "bold"}
Json = dict[str, Any]


class Refusal(GatewayError):
    """The web channel does not take it."""


class Talk:
    """A session that is open. What others say is printed as it comes."""

    def __init__(self, http: ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._buttons: list[tuple[str, Json]] = []
        self._last = "0"
        self._came = asyncio.Event()
        self._said = ""
        self._heard_us = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str, identity: str = "") -> AsyncIterator[Talk]:
        """`url` is the channel's, e.g. http://127.0.0.1:8080/web."""
        async with ClientSession(timeout=ClientTimeout(total=30)) as http:
            talk = cls(http, url)
            opened = await talk._post("sessions", {"identity": identity} if identity else {})
            http.headers["Authorization"] = f"Bearer {opened['session']}"
            listening = asyncio.create_task(talk._listen())
            try:
                yield talk
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def say(self, text: str) -> None:
        """Words; the number of a button presses it. Raises Refusal."""
        self._came.clear()
        self._said, self._heard_us = secrets.token_hex(8), False
        body: Json = {"id": self._said, "text": text}
        if text.isdecimal() and 0 < int(text) <= len(self._buttons):
            message, button = self._buttons[int(text) - 1]
            body = {"id": self._said, "press": {"message": message, "button": button["id"]}}
        await self._post("messages", body)

    async def answered(self, patience: float = PATIENCE) -> bool:
        """True once somebody else has spoken after what we said last."""
        try:
            async with asyncio.timeout(patience):
                await self._came.wait()
        except TimeoutError:
            return False
        return True

    async def _post(self, path: str, body: Json) -> Json:
        try:
            async with self._http.post(f"{self._url}/{path}", json=body) as answer:
                said = await answer.json() if answer.content_type == "application/json" else {}
                if answer.status >= 400:
                    raise Refusal(str(said.get("error", f"the gateway answered {answer.status}")))
                return dict(said)
        except (ClientError, TimeoutError) as error:
            raise Refusal(f"the gateway does not answer: {error}") from error

    async def _listen(self) -> None:
        """Read the stream, and take it up again where it broke off."""
        while True:
            with contextlib.suppress(ClientError, TimeoutError):
                headers = {"Last-Event-ID": self._last}
                async with self._http.get(f"{self._url}/events", headers=headers, timeout=ClientTimeout()) as stream:
                    await self._read(stream.content)
            await asyncio.sleep(0.5)

    async def _read(self, lines: AsyncIterable[bytes]) -> None:
        event: dict[str, str] = {}
        async for raw in lines:
            line = raw.decode().rstrip("\r\n")
            if line:
                name, _, value = line.partition(":")
                event[name] = value.removeprefix(" ")
                continue
            self._last = event.get("id", self._last)
            if event.get("event") == "message":
                self._heard(json.loads(event["data"]))
            event = {}

    def _heard(self, message: Json) -> None:
        if message["from"] == "customer":
            self._heard_us = self._heard_us or message["id"] == self._said
            return
        self._buttons = [(message["id"], button) for button in message["buttons"]]
        show(message)
        if self._heard_us:
            self._came.set()


def show(message: Json) -> None:
    """Print what somebody said: Markdown as it is meant, a person's words as they are."""
    from rich.markdown import Markdown
    from rich.text import Text

    from gateway.commands.lines import shown
    from gateway.commands.voice import out

    console, who = out(), message["from"]
    console.print(Text(f"{message['name'] or who} ▸", style=SPEAKERS.get(who, "")), end=" ")
    literal = who == "staff" or not console.is_terminal
    console.print(Text(shown(message["text"], indent=2)) if literal else Markdown(message["text"]))
    for number, button in enumerate(message["buttons"], 1):
        label = " – ".join(filter(None, (button["label"], button.get("detail"))))
        console.print(Text(f"  [{number}] {label}", style="cyan"))
    for card in message.get("cards", ()):
        console.print(Text(f"  {shown(card['title'])}  {card['url']}", style="cyan"))


def signed(customer: str, secret: str) -> str:
    """An identity as the site makes it: HS256, for an hour."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    return jwt.encode({"alg": "HS256"}, {"sub": customer, "exp": int(time.time()) + 3600}, OctKey.import_key(secret))
