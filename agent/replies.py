"""The gateway's own words, in five languages (replies.toml); `replies` of the spec overrides any of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

Localised = str | dict[str, str]
"""One text, or one per language."""

Lists = list[str] | dict[str, list[str]]
"""One list, or one per language."""

_built_in: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
YES: dict[str, list[str]] = _built_in.pop("yes")
NO: dict[str, list[str]] = _built_in.pop("no")
TEXTS: dict[str, dict[str, str]] = _built_in


class Replies(BaseModel):
    """Overrides of the gateway's own words; what is not named keeps its default. {{ values }} are filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    _all_texts: dict[tuple[str, str], Mapping[str, str]] = PrivateAttr(default_factory=dict)

    yes: Lists | None = Field(None, description="What counts as a yes to a confirmation.")
    no: Lists | None = Field(None, description="What counts as a no to a confirmation.")
    handover: Localised | None = Field(None, description="Said whenever a person is brought in.")
    confirm: Localised | None = Field(None, description="Asked before a call; {{ action }}, {{ details }}, arguments.")
    repeat: Localised | None = Field(None, description="Repeats an open {{ question }} after serving the rest.")
    approval_wait: Localised | None = Field(None, description="A call waits for staff.")
    reply_wait: Localised | None = Field(None, description="A reply waits for staff.")
    declined: Localised | None = Field(None, description="The customer said no.")
    denied: Localised | None = Field(None, description="Staff said no; {{ action }}.")
    talking_with: Localised | None = Field(None, description="A person took over; {{ name }}.")
    returned: Localised | None = Field(
        None, description="A person gave the conversation back, and something is unanswered."
    )
    resolved: Localised | None = Field(None, description="A person closed the matter; {{ name }}.")
    done: Localised | None = Field(None, description="A call without `say` succeeded; {{ action }}.")
    failed: Localised | None = Field(None, description="A call did not work; {{ action }}.")
    unknown: Localised | None = Field(None, description="Nobody knows whether a call worked; {{ action }}.")
    refused: Localised | None = Field(None, description="Policy does not allow a call; {{ action }}.")
    expired: Localised | None = Field(None, description="Nobody of the staff decided in time; {{ action }}.")
    question_expired: Localised | None = Field(
        None, description="The customer did not answer a question in time; {{ action }}."
    )
    blocked: Localised | None = Field(None, description="Approved, but the customer must sign in again; {{ action }}.")
    identity_required: Localised | None = Field(None, description="It needs a proven identity.")
    error: Localised | None = Field(None, description="Something failed on our side.")
    ask: Localised | None = Field(None, description="Asks for a value that has no `ask` of its own; {{ name }}.")
    choose: Localised | None = Field(None, description="Several rows agree with what was said.")
    unclear: Localised | None = Field(None, description="The message was not understood.")
    greeting: Localised | None = Field(None, description="The answer to a mere greeting.")
    thanks: Localised | None = Field(None, description="The answer to thanks.")
    welcome_back: Localised | None = Field(None, description="A person gave the conversation back.")
    yes_button: Localised | None = Field(None, description="Label of the button `yes`.")
    no_button: Localised | None = Field(None, description="Label of the button `no`.")

    def text(self, key: str, language: str, default: str = "en") -> str:
        """The template of one reply: the spec's in this language, else our own in it, else the default language's."""
        own: Localised | None = getattr(self, key)
        return pick(own if isinstance(own, str) else {**TEXTS[key], **(own or {})}, language, default)

    def affirmations(self, language: str, default: str = "en") -> frozenset[str]:
        """What counts as yes: the reply language's list, the default language's and English."""
        return _words(self.yes, YES, (language, default, "en"))

    def refusals(self, language: str, default: str = "en") -> frozenset[str]:
        """What counts as no, likewise."""
        return _words(self.no, NO, (language, default, "en"))

    def all_texts(self, language: str, default: str = "en") -> Mapping[str, str]:
        """Every reply's template in one language; made once, since each turn asks for them."""
        found = self._all_texts.get((language, default))
        if found is None:
            found = MappingProxyType({key: self.text(key, language, default) for key in TEXTS})
            self._all_texts[language, default] = found
        return found


def pick(text: Localised, language: str, default: str = "en") -> str:
    """The text for a language: its own, the default's, English, else whichever is there."""
    if isinstance(text, str):
        return text
    found = (text[name] for name in (language, language.partition("-")[0], default, "en") if name in text)
    return next(found, next(iter(text.values()), ""))


def _words(own: Lists | None, built_in: dict[str, list[str]], languages: tuple[str, ...]) -> frozenset[str]:
    if isinstance(own, list):
        return frozenset(own)
    merged: dict[str, Any] = {**built_in, **(own or {})}
    return frozenset(word for language in languages for word in merged.get(language, ()))
