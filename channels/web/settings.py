"""The section of a web channel."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bus.channel import Limits
from channels.port import Section

LIMITS = Limits(pull=True, names=True, withdraws=True, replaces=True, text=8000)
SECRET_BYTES = 24
PORTS = {"https": ":443", "http": ":80"}


def origin_of(url: str) -> str:
    """The origin of an address as browsers write it. Raises ValueError when it has none."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("should be an origin such as https://shop.example.com")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower().removesuffix(PORTS[parts.scheme])}"


def _origin(text: str) -> str:
    origin, parts = origin_of(text), urlsplit(text)
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc or "*" in parts.netloc:
        raise ValueError("should be an exact origin such as https://shop.example.com, without path or pattern")
    return origin


def _listed(value: Any) -> Any:
    """One secret as a list of one; none, or an empty one, as no secrets."""
    if isinstance(value, str | SecretStr):
        value = [value]
    return [item for item in value if item not in ("", None)] if isinstance(value, list | tuple) else value or []


def _long(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(secret.get_secret_value().encode()) < SECRET_BYTES for secret in secrets):
        raise ValueError(f"is shorter than {SECRET_BYTES} bytes; make one with: openssl rand -hex 32")
    return secrets


Origin = Annotated[str, AfterValidator(_origin)]
Secrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
    AfterValidator(_long),
]


class Settings(Section):
    """What `channels.web` may say."""

    allowed_origins: tuple[Origin, ...] = Field((), description="sites whose pages may hold the widget")
    identity_secret: Secrets = Field(
        (), description="HS256 key of the site's signed identities; of several, all verify"
    )
    session_hours: int = Field(24, ge=1, le=720, description="how long a signed-in session lives without being renewed")
    visitor_hours: int = Field(720, ge=1, le=8760, description="the same for a visitor nobody knows")
    messages_per_10s: int = Field(1000, ge=1, description="of one session")
    uploads: Literal["everybody", "identified", "nobody"] = Field("everybody", description="who may send files")
    uploads_per_minute: int = Field(20, ge=1, description="files of one session; ten times that of one network address")
    sessions_per_minute: int = Field(3000, ge=1, description="of one network address")
    streams_per_address: int = Field(6000, ge=1, description="open at once from one network address")

    @property
    def identity_secrets(self) -> list[str]:
        """The keys that verify an identity."""
        return [secret.get_secret_value() for secret in self.identity_secret]
