"""The section of a WhatsApp channel: one sender of one Twilio account."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bus.channel import Limits, Rate
from bus.message import Address
from channels.port import Section

WINDOW = 24 * 3_600_000  # https://www.twilio.com/docs/whatsapp/key-concepts#customer-service-windows
ROOM = 1600  # https://www.twilio.com/docs/api/errors/21617
SENDER = {"": Rate(80, 1_000)}  # https://www.twilio.com/docs/whatsapp/api#rate-limiting; what is more waits at Twilio


def rates(_: Address) -> dict[str, Rate]:
    """One sender is one account."""
    return SENDER


LIMITS = Limits(names=False, withdraws=False, replaces=False, files=True, text=ROOM, window=WINDOW, rates=rates)
OFFICIAL_MEDIA = ("https://api.twilio.com", "https://mcs.us1.twilio.com")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
ACCOUNT = re.compile(r"AC[0-9a-zA-Z]{1,64}")
TEMPLATE = re.compile(r"HX[0-9a-zA-Z]{1,64}")
TEMPLATES = frozenset({"reopen", "choices_2", "choices_3"})


def _account(value: str) -> str:
    if not ACCOUNT.fullmatch(value):
        raise ValueError("should be an Account SID, AC…")
    return value


def _number(value: Any) -> Any:
    number = value.removeprefix("whatsapp:").replace(" ", "") if isinstance(value, str) else value
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise ValueError('should be a number such as "+14155238886", in quotes')
    return number


def _base(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("should be an address such as https://api.twilio.com")
    return value.rstrip("/")


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _filled(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not all(secret.get_secret_value().strip() for secret in secrets):
        raise ValueError("is empty")
    return secrets


def _templates(value: dict[str, str]) -> dict[str, str]:
    unknown = sorted(value.keys() - TEMPLATES)
    if unknown:
        raise ValueError(f"{unknown[0]} is no template that the gateway uses; it knows {', '.join(sorted(TEMPLATES))}")
    if not all(TEMPLATE.fullmatch(sid) for sid in value.values()):
        raise ValueError("should be Content SIDs, HX…")
    return value


Secrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_several, json_schema_input_type=str | list[str]),
    AfterValidator(_filled),
    Field(min_length=1),
]


class Settings(Section):
    """What `channels.whatsapp` may say."""

    account_sid: Annotated[str, AfterValidator(_account)] = Field(description="Of the Twilio account, AC….")
    auth_token: Secrets = Field(description="Of the account; of several, the first signs and all verify.")
    number: Annotated[str, BeforeValidator(_number)] = Field(description="The WhatsApp sender, +14155238886.")
    api_base: Annotated[str, AfterValidator(_base)] = Field("https://api.twilio.com", description="Where the API is.")
    media_storage: tuple[str, ...] = Field((), description="origins that media lead to, beside Twilio's own")
    templates: Annotated[dict[str, str], AfterValidator(_templates)] = Field(
        {},
        description="Content SIDs: `reopen` opens a closed 24 h window; `choices_2`, `choices_3` show buttons natively "
        "(variables: 1 the words, 2 and on the labels).",
    )
    timeout: float = Field(10.0, gt=0, description="Seconds to wait for an answer of Twilio's.")
    certain_after: float = Field(
        60.0, ge=0, description="Seconds after which a message that Twilio does not list was not taken."
    )

    @property
    def tokens(self) -> list[str]:
        """The auth tokens, the one that signs first."""
        return [token.get_secret_value() for token in self.auth_token]
