"""The sections `slack:` and `desk:` of gateway.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

import cel
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator


class Part(BaseModel):
    """Unknown keys are errors; secrets never print."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _several(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else (value,)


Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_several), Field(min_length=1)]

Maybe = Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)]


class SlackSettings(Part):
    """The one app's connection, for customers and desk. `app_token` set: Socket Mode, which needs no public URL."""

    bot_token: SecretStr = Field(description="xoxb-… of the app's bot.")
    signing_secret: Secrets = Field(description="Of the app; a list while it is being changed: all verify.")
    app_token: Maybe = Field(None, description="xapp-…: events come over a socket instead of webhooks.")
    api_base: str = Field("https://slack.com/api/", description="Where the Web API is.")
    timeout: float = Field(10.0, gt=0, description="Seconds to wait for an answer of Slack's.")

    @model_validator(mode="after")
    def _not_empty(self) -> SlackSettings:
        if not self.bot_token.get_secret_value().strip():
            raise ValueError("bot_token is empty")
        if not all(secret.get_secret_value().strip() for secret in self.signing_secret):
            raise ValueError("signing_secret is empty")
        return self


class Group(Part):
    """Who: a user group's id, or users' ids."""

    usergroup: str | None = Field(None, description="A user group, S….")
    users: tuple[str, ...] | None = Field(None, description="Users, U….")

    @model_validator(mode="after")
    def _one_of_them(self) -> Group:
        if (self.usergroup is None) == (self.users is None):
            raise ValueError("write either `usergroup` or `users`")
        return self


class DeskRoute(Part):
    """A channel of its own for some cases."""

    condition: str = Field(alias="if", description="CEL over the capsule: reason, category, language, customer.id …")
    channel: str = Field(description="The Slack channel's id, C….")

    @field_validator("condition")
    @classmethod
    def _parses(cls, condition: str) -> str:
        cel.compile(condition)  # raises ValueError
        return condition


class DeskSettings(Part):
    """Where people of the team work."""

    kind: Literal["slack"] = "slack"
    channel: str = Field(min_length=1, description="The Slack channel's id, C….")
    routes: tuple[DeskRoute, ...] = Field((), description="First match decides the channel.")
    members: Group | None = Field(None, description="Who may answer; left out: everybody of the workspace.")
    approvers: Group | None = Field(None, description="Who may decide on approvals; left out or empty: nobody.")

    @property
    def places(self) -> tuple[str, ...]:
        """Every channel that is the desk's."""
        return tuple(dict.fromkeys((self.channel, *(route.channel for route in self.routes))))
