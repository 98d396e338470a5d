"""The section of a Telegram channel."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from bus.channel import Limits, Rate
from bus.message import Address
from channels.port import Section

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: about 30 messages a second for a bot, one a second
# in a chat with bursts allowed, 20 a minute in a group. The true limits are elastic, so that a 429 is obeyed all the same.
BOT, CHAT, GROUP = Rate(30, 1_000), Rate(20, 20_000), Rate(20, 60_000)


def rates(to: Address) -> dict[str, Rate]:
    """The bot's, and the chat's: members of a group share it."""
    chat = to.peer.partition(":")[0]
    return {"": BOT, chat: GROUP if chat.startswith("-") else CHAT}


# https://core.telegram.org/bots/api#sendmessage: 4096 after entities parsing, which is counted in UTF-16 units here.
LIMITS = Limits(names=False, withdraws=True, replaces=True, files=True, text=4096, rates=rates)
TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}")
WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # https://core.telegram.org/bots/api#setwebhook
COMMAND = re.compile(r"[a-z0-9_]{1,32}")  # https://core.telegram.org/bots/api#botcommand


def _listed(value: Any) -> Any:
    """One secret as a list of one; none, or an empty one, as no secrets."""
    if isinstance(value, str | SecretStr):
        value = [value]
    return [item for item in value if item not in ("", None)] if isinstance(value, list | tuple) else value or []


def _token(token: SecretStr) -> SecretStr:
    if not TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("is not a bot's token, such as 123456:ABC-DEF…; @BotFather gives it")
    return token


def _webhook_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not all(WEBHOOK_SECRET.fullmatch(secret.get_secret_value()) for secret in secrets):
        raise ValueError("may hold 1 to 256 of A-Z a-z 0-9 _ -; make one with: openssl rand -hex 32")
    return secrets


def _base(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("should be an address such as https://api.telegram.org")
    return url.rstrip("/")


def _commands(commands: dict[str, str]) -> dict[str, str]:
    for name, what in commands.items():
        if not COMMAND.fullmatch(name) or not 1 <= len(what) <= 256:
            raise ValueError(f'"{name}" should be 1 to 32 of a-z 0-9 _, described in 1 to 256 characters')
    return commands


Secrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
    AfterValidator(_webhook_secrets),
]
Keys = Annotated[tuple[SecretStr, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str] | None)]


class Settings(Section):
    """What `channels.telegram` may say."""

    token: Annotated[SecretStr, AfterValidator(_token)] = Field(description="the bot's token, from @BotFather")
    updates: Literal["webhook", "polling"] = Field("webhook", description="polling needs no public URL")
    webhook_secret: Secrets = Field(
        (), description="what Telegram shows with each call; `gateway telegram connect` tells it the first; all verify"
    )
    api_base: Annotated[str, AfterValidator(_base)] = Field(
        "https://api.telegram.org", description="the Bot API, or a Bot API server of your own"
    )
    groups: bool = Field(False, description="also answer members of groups, each of them a customer of their own")
    forwarded: bool = Field(False, description="also read what was forwarded, that is, somebody else's words")
    streaming: bool = Field(True, description="show words in private chats as they come")
    commands: Annotated[dict[str, str], AfterValidator(_commands)] = Field(
        {"start": "Start"}, description="the menu of commands, with what each does"
    )
    identity_secret: Keys = Field(
        (), description="HS256 key of the site's signed identities: a signed-in customer can go on in Telegram"
    )
    timeout: float = Field(20.0, gt=0, description="seconds to wait for an answer of Telegram's")

    @model_validator(mode="after")
    def _verified(self) -> Settings:
        """Without a secret anybody could write in anybody's name."""
        if self.updates == "webhook" and not self.webhook_secret:
            raise ValueError("webhook_secret is empty; make one with: openssl rand -hex 32, or set updates: polling")
        return self

    @property
    def account(self) -> str:
        """The bot's own id at Telegram: what stands before the colon, which stays when the token is changed."""
        return self.token.get_secret_value().partition(":")[0]

    @property
    def webhook_secrets(self) -> list[str]:
        """The secrets that verify a webhook; none while polling."""
        return [secret.get_secret_value() for secret in self.webhook_secret] if self.updates == "webhook" else []

    @property
    def identity_secrets(self) -> list[str]:
        """The keys that verify an identity."""
        return [secret.get_secret_value() for secret in self.identity_secret]
