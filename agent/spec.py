"""The agent's behaviour as one document: every key of `agent.yaml`, checked when it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import cel
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from agent.replies import Localised, Replies, pick
from bus.canonical import digest

Category = Literal["billing", "technical", "onboarding", "general"]
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
PLACEHOLDER = re.compile(r"\{(\w+)\}")
NAME = r"^[A-Za-z_]\w*$"


def _milliseconds(value: object) -> object:
    found = re.fullmatch(r"(\d+)\s*(ms|s|m|h|d)", value.strip()) if isinstance(value, str) else None
    if found:
        return int(found[1]) * UNITS[found[2]]
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    raise ValueError("a duration is a number with its unit: 30s, 15m, 24h, 7d")


def _condition(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _compiles(source: str) -> str:
    try:
        cel.compile(source)
    except ValueError as error:
        raise ValueError(f"not a CEL condition: {source!r} ({str(error).splitlines()[0][:120]})") from None
    return source


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no time zone is called {value!r}; names look like Europe/Madrid") from None
    return value


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        raise ValueError(f"not a JSON schema: {error.message}") from None
    if value.get("type", "object") != "object":
        raise ValueError("a tool's args are an object: {type: object, properties: …}")
    return value


def _absolute(value: str) -> str:
    parts = urlsplit(PLACEHOLDER.sub("x", value))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a tool's url is absolute: https://host/path")
    if parts.username or parts.password or PLACEHOLDER.search(urlsplit(value).netloc):
        raise ValueError("a tool's url names its host as it is, without credentials or arguments")
    return value


DURATION_SCHEMA = {"anyOf": [{"type": "string", "pattern": r"^\d+\s*(ms|s|m|h|d)$"}, {"type": "integer"}]}
Duration = Annotated[int, BeforeValidator(_milliseconds), WithJsonSchema(DURATION_SCHEMA)]
Condition = Annotated[
    str,
    BeforeValidator(_condition),
    AfterValidator(_compiles),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "boolean"}]}),
]
Pattern = Annotated[str, AfterValidator(_pattern)]
Path = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.\w+)+$")]
Score = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A section of the spec: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Intent(Part):
    """Something customers want."""

    category: Category = "general"
    examples: list[str] = []
    human: bool = Field(False, description="Always a person.")


class Entity(Part):
    """A value that messages carry, or that rows of a read tool are searched for."""

    pattern: Pattern | None = None
    ask: Localised | None = Field(None, description="The question when it is missing.")
    rows: Path | None = Field(None, alias="from", description="TOOL.field: rows to find it in when it was not written.")
    match: list[str] = Field([], description="Fields of a row that must agree with the message's dates and words.")


class Bearer(Part):
    """A service's own key. It is sent and never shown."""

    bearer: SecretStr


class HttpCall(Part):
    """A tool as one HTTP request. Arguments named in the URL go there; the rest is a query (GET, DELETE) or JSON."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Annotated[str, AfterValidator(_absolute)]
    auth: Literal["none", "customer"] | Bearer = "none"
    idempotent: bool = Field(False, description="The far end honours Idempotency-Key.")
    timeout: Duration = 10_000

    @property
    def in_url(self) -> frozenset[str]:
        """Arguments that the URL names."""
        return frozenset(PLACEHOLDER.findall(self.url))


class Mcp(Part):
    """Tools of an MCP server; only the named ones exist, called `<key>_<tool>`."""

    url: str | None = None
    command: list[str] | None = None
    tools: Annotated[list[Annotated[str, Field(pattern=r"^[\w.-]+$")]], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_way(self) -> Mcp:
        if (self.url is None) == (self.command is None):
            raise ValueError("an MCP server has either a url or a command")
        if self.command == []:
            raise ValueError("the command is empty")
        return self


class Rule(Part):
    """Where the condition holds, a person takes over for this reason."""

    condition: Condition = Field(alias="if")
    reason: str


class Limit(Part):
    """What one tool may do in total: the `sum` of an argument, or else the number of calls, per scope and window."""

    per: str = Field("customer", description="customer, conversation, global, or the name of an argument.")
    window: Duration
    sum: str | None = None
    max: Annotated[Decimal, Field(ge=0)] | None = None
    count: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Limit:
        if self.max is None and self.count is None:
            raise ValueError("a limit needs max (of a sum, or of calls) or count (of calls)")
        return self


class LinkCard(Part):
    """A link that is shown below words that tell a tool's result. Where a value is missing or the link is not https, there is none."""

    title: Localised = Field(description="jinja2 over the result, literal text.")
    url: str = Field(description="jinja2 over the result: an https:// address.")
    text: Localised | None = Field(None, description="jinja2 over the result: a line below the title.")


class Tool(Part):
    """Something the agent can do. The list is closed."""

    description: str = ""
    http: HttpCall | None = None
    mcp: Mcp | None = None
    args: Annotated[dict[str, Any], AfterValidator(_schema)] = {"type": "object", "properties": {}}
    effect: Literal["read", "write"] | None = Field(None, description="Default: read for GET, else write.")
    intents: list[str] = []
    say: Localised | None = Field(None, description="jinja2 over the result: how it is worded.")
    card: LinkCard | None = Field(None, description="A link below the words: a parcel's tracking page, an invoice.")
    question: Localised | None = Field(None, description="jinja2 over the arguments: the confirmation.")
    escalate: list[Rule] = []
    bind: dict[str, Path] = Field({}, description="Arguments taken from recorded results, not from the model.")
    require: Condition | None = None
    once: list[str] = Field([], description="One effect per tenant, tool and these values.")
    limits: list[Limit] = []
    confirm: Condition | None = Field(None, description="Where it holds, the customer is asked first.")
    approve: Condition | None = Field(None, description="Where it holds, staff is asked first.")
    run: Literal["always"] | None = Field(None, description="A writing tool that runs without confirm and approve.")
    max_age: Duration | None = Field(None, description="How long a result of this tool counts (default 15m).")

    @model_validator(mode="after")
    def _one_way(self) -> Tool:
        if (self.http is None) == (self.mcp is None):
            raise ValueError("a tool has either http or mcp")
        return self

    @property
    def writes(self) -> bool:
        """True when calling it changes something."""
        if self.effect is None:
            return self.http is None or self.http.method != "GET"
        return self.effect == "write"

    @property
    def arguments(self) -> dict[str, Any]:
        """Argument name → its schema."""
        properties: dict[str, Any] = self.args.get("properties", {})
        return properties

    @property
    def required(self) -> tuple[str, ...]:
        """Arguments without which there is no call."""
        return tuple(self.args.get("required", ()))


class Escalate(Part):
    """When a person takes over, whatever the intent."""

    phrases: list[str] = Field([], description="Words that ask for a person, beside the built-in ones.")
    sentiment_below: Annotated[float, Field(ge=-1, le=1)] | None = None
    turns: Annotated[int, Field(ge=1)] | None = Field(None, description="Turns of one episode.")
    missing_after: Annotated[int, Field(ge=1)] | None = Field(2, description="Asks for the same missing value.")
    rules: list[Rule] = []


class Thresholds(Part):
    """Bounds that differ from the general ones; where channel and category both say something, the stricter counts."""

    send: Score | None = None
    flag: Score | None = None


class Confidence(Part):
    """At or above `send` a reply goes out, at or above `flag` it goes out flagged, below it is held."""

    send: Score = 0.85
    flag: Score = 0.60
    channels: dict[str, Thresholds] = {}
    categories: dict[str, Thresholds] = {}


class Specialist(Part):
    """A restricted profile: for these intents only these tools, with its own instructions and model."""

    intents: list[str]
    tools: list[str]
    instructions: str = ""
    model: str | None = None


class Budget(Part):
    """What one turn may use before a person takes over."""

    steps: Annotated[int, Field(ge=1)] = Field(8, description="Model answers.")
    calls: Annotated[int, Field(ge=1)] = Field(12, description="Tool calls.")
    tokens: Annotated[int, Field(ge=1)] = 100_000
    cost: Annotated[Decimal, Field(ge=0)] = Field(Decimal(1), description="USD.")
    time: Duration = 90_000


class Spec(Part):
    """The whole of `agent.yaml`."""

    name: str
    voice: str = ""
    intents: dict[Annotated[str, Field(pattern=NAME)], Intent] = {}
    entities: dict[Annotated[str, Field(pattern=NAME)], Entity] = {}
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    knowledge: list[str] = []
    tools: dict[Annotated[str, Field(pattern=NAME)], Tool] = {}
    escalate: Escalate = Escalate()
    confidence: Confidence = Confidence()
    approve_replies: list[str] = []
    specialists: dict[str, Specialist] = {}
    context: list[str] = []
    languages: Annotated[list[str], Field(min_length=1)] = ["en", "es", "de", "fr", "pt"]
    replies: Replies = Replies()
    budget: Budget = Budget()
    quiet: Duration = Field(86_400_000, description="An answered matter that hears nothing for this long is closed.")

    @classmethod
    def parse(cls, mapping: dict[str, Any]) -> Spec:
        """The spec of a loaded document. Raises pydantic.ValidationError, located by paths into the document."""
        spec = cls.model_validate(mapping)
        return spec.model_copy(update={"tools": dict(_each(spec.tools))})

    @cached_property
    def digest(self) -> str:
        """The version id: SHA-256 of the canonical content, secrets left out."""
        return digest(self.model_dump(mode="json", by_alias=True))

    @property
    def language(self) -> str:
        """The default language."""
        return self.languages[0]

    def text(self, localised: Localised, language: str) -> str:
        """One text of the spec in a language."""
        return pick(localised, language, self.language)

    def category(self, intent: str) -> str:
        """The category of an intent; `general` for one that nobody declared."""
        return self.intents[intent].category if intent in self.intents else "general"

    def specialist(self, intent: str) -> str:
        """The profile that serves an intent, "" for the general one."""
        return next((name for name, profile in self.specialists.items() if intent in profile.intents), "")


def _each(tools: dict[str, Tool]) -> Iterator[tuple[str, Tool]]:
    """The tools by the names they are called by: each named one of an MCP server is a tool, `<key>_<tool>`."""
    for key, tool in tools.items():
        if tool.mcp is None:
            yield key, tool
            continue
        for name in tool.mcp.tools:
            one = tool.mcp.model_copy(update={"tools": [name]})
            yield f"{key}_{name}", tool.model_copy(update={"mcp": one})
