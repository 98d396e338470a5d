"""The gateway's own keys of `gateway.yaml`. What channels, Slack and desk say stays mappings: the parts know it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from config.document import Document, read
from config.environment import Environment, environment
from config.problems import Loc, Problem, Refused, explain

OPERATOR_TOKEN_BYTES = 24
SECRET_KEY_BYTES = 32
SQLITE = "sqlite:///"
GUESSABLE = 8  # a secret of fewer different characters than this is probably a stand-in
SECRET_NAME = re.compile(r"(token|secret|password|secret_key|api_key)$")
Section = dict[str, Any]


def _listed(value: Any) -> Any:
    """One secret as a list of one; none, or an empty one, as no secrets."""
    if isinstance(value, str | SecretStr):
        value = [value]
    return [item for item in value if item not in ("", None)] if isinstance(value, list | tuple) else value or []


def _given(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not secrets:
        raise ValueError("is empty; make one with: openssl rand -hex 32")
    return secrets


def _at_least(length: int) -> AfterValidator:
    def check(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            if len(secret.get_secret_value().encode()) < length:
                raise ValueError(f"is shorter than {length} bytes; make one with: openssl rand -hex 32")
        return secrets

    return AfterValidator(check)


def _origin(url: str) -> str:
    """An address that paths can be put behind."""
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("should be an address such as https://support.example.com")
    return url.rstrip("/")


def _sections(value: Any) -> Any:
    """A section without keys (`web:`) is an empty one, not a missing one."""
    if not isinstance(value, dict):
        return value or {}
    for name in value:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise ValueError(f'"{name}" cannot be a route; use small letters, digits, - and _')
    return {name: section if section is not None else {} for name, section in value.items()}


Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str] | None)]
Sections = Annotated[dict[str, Section], BeforeValidator(_sections)]
Nothing = BeforeValidator(lambda value: None if value == "" else value)
Origin = Annotated[str, AfterValidator(_origin)]


class Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Listen(Keys):
    """Where the gateway's own port is."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535, description="0: any free port")


class Agent(Keys):
    """Which behaviour runs on which model."""

    spec: Path = Path("agent.yaml")
    model: str = Field("offline", description="offline, or any litellm name, e.g. anthropic/claude-sonnet-5")
    fast_model: Annotated[str | None, Nothing] = Field(None, description="for understanding; default: model")
    fallbacks: tuple[str, ...] = Field((), description="tried in order when the model fails")
    api_base: Annotated[str | None, Nothing] = Field(None, description="an OpenAI-compatible server of your own")


class Log(Keys):
    """What the process writes to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, else JSON lines")


class Settings(Keys):
    """`gateway.yaml`, checked; paths are absolute."""

    public_url: Origin = Field("", description="how the world reaches us; signatures are checked against this")
    listen: Listen = Listen()
    store: str = "sqlite:///data/gateway.db"
    files: str = Field("data/files", description="where attachments are kept: a folder, or s3://bucket/prefix")
    redis: Annotated[SecretStr | None, Nothing] = Field(None, description="needed when more than one process serves")
    operator_token: Annotated[Secrets, _at_least(OPERATOR_TOKEN_BYTES)] = Field((), description="bearer for /api/v1")
    secret_key: Annotated[Secrets, AfterValidator(_given), _at_least(SECRET_KEY_BYTES)] = Field(
        description="seals what is stored"
    )
    assertion_secret: Annotated[Secrets, _at_least(SECRET_KEY_BYTES)] = Field(
        (), description="signs the gateway's own word for a customer who has no token"
    )
    slack: Section | None = None
    channels: Sections = {}
    desk: Section | None = None
    agent: Agent = Agent()
    log: Log = Log()

    @property
    def url(self) -> str:
        """The public address; without one, the port on this machine."""
        return self.public_url or self.local_url

    @property
    def local_url(self) -> str:
        """How programs on this machine reach the port."""
        host = self.listen.host if self.listen.host not in {"0.0.0.0", "::", ""} else "127.0.0.1"  # noqa: S104 - compared
        return f"http://{f'[{host}]' if ':' in host else host}:{self.listen.port}"

    @property
    def store_path(self) -> Path | None:
        """The store's file, None where a server keeps it."""
        return Path(self.store.removeprefix(SQLITE)) if self.store.startswith(SQLITE) else None


class Loaded(NamedTuple):
    """A file that was read: with any `problems` there are no settings, and with none there are.

    `overrides` and `process` are what it was read with, `read_at` is when (UNIX seconds).
    """

    settings: Settings | None
    document: Document
    problems: list[Problem]
    warnings: list[Problem]
    environment: Environment
    overrides: Mapping[tuple[str, ...], Any]
    process: Mapping[str, str]
    read_at: float

    def again(self) -> Loaded:
        """The same file as it is now, under the same overrides. Raises Refused when it cannot be read at all."""
        return load(self.document.path, self.overrides, self.process)

    def secrets(self) -> list[str]:
        """Every secret of the file, so that the log can take them out word for word."""
        return [value for loc, value in _texts((), self.document.mapping) if _is_secret(loc)]

    def checked(self) -> Settings:
        """The settings. Raises Refused with all that is wrong."""
        if self.settings is None:
            raise Refused(self.problems)
        return self.settings


def load(
    path: Path, overrides: Mapping[tuple[str, ...], Any] | None = None, process: Mapping[str, str] | None = None
) -> Loaded:
    """The configuration: `overrides` (command line) > environment > secret files > file > default.

    Raises Refused when the file cannot be read at all. `process` stands for the process's environment.
    """
    read_at = time.time()
    overrides, process = overrides or {}, dict(os.environ) if process is None else process
    outside = environment(path.parent, process)
    document = read(path, outside)
    for variable, loc, value in outside.overrides():
        document.put(loc, value, f"{variable} (environment)")
    for loc, value in overrides.items():
        document.put(loc, value, "command line")
    problems = document.problems
    settings = None
    try:
        settings = _absolute(Settings.model_validate(document.mapping), path.absolute().parent)
    except ValidationError as error:
        problems += explain(error, document, model=Settings)
    problems += _store_problems(document)
    warnings = list(_warnings(document))
    return Loaded(None if problems else settings, document, problems, warnings, outside, overrides, process, read_at)


def _absolute(settings: Settings, folder: Path) -> Settings:
    agent = settings.agent.model_copy(update={"spec": folder / settings.agent.spec})
    files = settings.files if settings.files.startswith("s3://") else str(folder / settings.files)
    store = f"{SQLITE}{folder / settings.store_path}" if settings.store_path else settings.store
    return settings.model_copy(update={"agent": agent, "store": store, "files": files})


def _store_problems(document: Document) -> list[Problem]:
    url = document.mapping.get("store") or Settings.model_fields["store"].default
    if not isinstance(url, str) or document.is_unresolved(("store",)):
        return []
    if re.match(r"sqlite:///[^:]|postgres(ql)?://.", url):
        return []
    return [
        document.problem(("store",), "is not a store", "use sqlite:///data/gateway.db or postgresql://user@host/name")
    ]


def _warnings(document: Document) -> Iterator[Problem]:
    """What works and is still worth a word."""
    if document.mapping.get("redis") and str(document.mapping.get("store") or SQLITE).startswith(SQLITE):
        yield document.problem(
            ("redis",), "helps nobody: one process serves a SQLite store", "remove the key, or set `store`"
        )
    if not document.mapping.get("operator_token"):
        yield document.problem(("operator_token",), "is missing, so /api/v1 and the console are closed", "set one")
    for loc, value in _texts((), document.mapping):
        if not value or not _is_secret(loc) or document.is_unresolved(loc):
            continue
        if document.is_written(loc):
            yield document.problem(loc, "a secret stands in the file", "put it into .env and write ${NAME} here")
        if len(set(value)) < GUESSABLE:
            yield document.problem(loc, "can be guessed", "make one with: openssl rand -hex 32")


def _is_secret(loc: Loc) -> bool:
    """By the name of the key that holds it, also for one of a list."""
    return bool(SECRET_NAME.search(next((part for part in reversed(loc) if isinstance(part, str)), "")))


def _texts(loc: Loc, value: Any) -> Iterator[tuple[Loc, str]]:
    if isinstance(value, str):
        yield loc, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, child in children:
        yield from _texts((*loc, part), child)
