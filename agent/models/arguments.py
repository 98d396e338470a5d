"""Arguments for a declared tool, from what the customer wrote and what was looked up. Nothing is invented: what is unknown is missing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from agent import clauses, dates
from agent.entities import called, find
from agent.models.port import Prompt, Request, ToolOffer
from agent.terms import terms
from agent.words import words
from agent.words.calendar import NUMBERS

FREE_TEXT = frozenset({
    "reason", "description", "message", "note", "notes", "summary", "details", "detail", "comment", "comments", "question", "query",
    "text", "subject", "issue", "problem", "complaint", "feedback", "body", "content", "title", "request", "topic", "explanation",
})  # fmt: skip
"""Arguments of these names are the customer's own words."""
MONEY = frozenset(["amount", "price", "sum", "total", "value", "cost", "fee", "budget"])
CURRENCY = re.compile(r"[$€£¥]|\b(?:usd|eur|euros?|gbp|pounds?|dollars?|dolares|reais|chf)\b")
NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)?(?![\w-])")
FORMATS = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "uri": re.compile(r"https?://[^\s<>]+"),
    "phone": re.compile(r"\+?\d[\d ()/.-]{6,20}\d"),
}
LONGEST = 400
TAGS = re.compile(r"</?(?:customer|data|knowledge)>")


class Filled(NamedTuple):
    """Arguments of one call, and the required ones that nobody knows."""

    args: dict[str, Any]
    missing: tuple[str, ...] = ()


class Story(NamedTuple):
    """What the customer said about one request: the words now and, newest first, the answers to our questions before.

    `answers` are words that answered the question for an argument; `named` are values that our questions named as the one we mean.
    `additive`: it is about another one than before.
    """

    texts: tuple[str, ...]
    answers: dict[str, str]
    named: dict[str, str]
    additive: bool


def fill(prompt: Prompt, offer: ToolOffer, request: Request) -> Iterator[Filled]:
    """One call for each value where a request names several ("A-11111 and A-22222")."""
    properties: dict[str, Any] = offer.parameters.get("properties", {})
    required = tuple(offer.parameters.get("required", ()))
    story = told(prompt, request)
    filler = _Filler(prompt, offer, request, story)
    options = {name: filler.options(name, schema, needed=name in required) for name, schema in properties.items()}
    missing = tuple(name for name in required if not options.get(name))
    known = {name: values for name, values in options.items() if values}
    for values in itertools.product(*known.values()):
        yield Filled(dict(zip(known, values, strict=True)), missing)


def told(prompt: Prompt, request: Request) -> Story:
    """The request's words with what the customer had said before we asked for what was missing."""
    texts: list[str] = [request.text]
    answers: dict[str, str] = {}
    named: dict[str, str] = {}
    patterns = prompt.facts.patterns
    said = [message for message in prompt.messages if message.role in ("user", "assistant") and not message.calls]
    talk = [
        (message.role, TAGS.sub("", message.text).strip())
        for message in said
        if not message.text.startswith(("<data", "<knowledge"))
    ]
    for at in range(len(talk) - 1, 1, -2):
        (_, before), (speaker, asked), (role, text) = talk[at - 2 : at + 1]
        names = [name for name, question in prompt.facts.ask.items() if question and question in asked]
        if (role, speaker) != ("user", "assistant") or not names:
            break
        answers = {**dict.fromkeys(names, text), **answers}
        for name in names:
            asked = asked.replace(prompt.facts.ask[name], " ")
        named = {**{name: values[0] for name, values in find(patterns, asked).items() if len(values) == 1}, **named}
        texts.append(before)
    return Story(tuple(texts), answers, named, clauses.is_additive(request.text, prompt.facts.language))


class _Filler:
    def __init__(self, prompt: Prompt, offer: ToolOffer, request: Request, story: Story) -> None:
        self.facts, self.offer, self.request, self.story = prompt.facts, offer, request, story
        self.properties: dict[str, Any] = offer.parameters.get("properties", {})

    def options(self, name: str, schema: dict[str, Any], *, needed: bool) -> list[Any]:
        """The values that an argument may have, surest source first; none when nobody knows."""
        sources = [self._entity, self._choice, self._format, self._number]
        sources += [self._answer, self._result, self._free_text] if needed else []
        for source in sources:
            values = [value for found in source(name, schema) if (value := fitting(schema, found)) is not None]
            if values:
                return list(dict.fromkeys(values))
        given = schema.get("const", schema.get("default"))
        return [given] if given is not None else []

    def _entity(self, name: str, schema: dict[str, Any]) -> list[Any]:  # noqa: ARG002 - all sources are called alike
        """Values of the entity that the argument holds."""
        before: tuple[dict[str, Any], ...] = () if self.story.additive else (self.story.named, self.facts.known)
        for values in (self.request.entities, *before):
            entity = called(name, values)
            if entity and (entity == name or entity not in self.properties):
                return _listed(values[entity]) if values is self.request.entities else _listed(values[entity])[-1:]
        return []

    def _choice(self, name: str, schema: dict[str, Any]) -> list[Any]:  # noqa: ARG002
        """The one of the schema's options that the customer named."""
        options = schema.get("enum", ())
        for text in self.story.texts:
            named = named_options([option for option in options if isinstance(option, str)], text, self.facts.language)
            if len(named) == 1:
                return named
        return []

    def _format(self, name: str, schema: dict[str, Any]) -> list[Any]:
        """Dates in words, e-mail addresses, telephone numbers."""
        wanted = str(schema.get("format", ""))
        if wanted in ("date", "date-time"):
            return self._date(name, wanted)
        wanted = wanted or next((key for key in ("email", "phone") if key in name.split("_")), "")
        pattern = FORMATS.get(wanted)
        texts = self.story.texts if pattern else ()
        return next((found[-1:] for text in texts if pattern and (found := pattern.findall(text))), [])

    def _date(self, name: str, wanted: str) -> list[Any]:
        if wanted != "date" or not self.facts.today:
            return []
        today = date.fromisoformat(self.facts.today)
        places = [key for key, schema in self.properties.items() if schema.get("format") == "date"]
        for text in self.story.texts:
            days = [
                day for period in dates.find(text, self.facts.language, today) if (day := period.day(today, ahead=True))
            ]
            if days and len(places) == 1:
                return [days[-1].isoformat()]
            if len(days) == len(places):
                return [days[places.index(name)].isoformat()]
        return []

    def _number(self, name: str, schema: dict[str, Any]) -> list[Any]:
        if schema.get("type") not in ("integer", "number"):
            return []
        alone = words(self.story.answers.get(name, ""))
        spoken = [str(_number_words(self.facts.language).get(word, word)) for word in alone]
        numbers = [word for word in spoken if word.isdigit()]
        if len(numbers) == 1:
            return numbers
        return next((near for text in self.story.texts if (near := self._near(name, schema, text))), [])

    def _near(self, name: str, schema: dict[str, Any], text: str) -> list[Any]:
        """A number that stands beside the argument's name: "3 guests", "quantity 2", "€30" for an amount."""
        plain = dates.without(text, self.facts.language)
        if set(name.split("_")) & MONEY:
            return NUMBER.findall(plain) if CURRENCY.search(plain) and len(NUMBER.findall(plain)) == 1 else []
        called = f"{name.replace('_', ' ')} {schema.get('title', '')}"
        keys = {key for term in terms(called, "en") for key in term.matter}
        spoken = words(plain)
        numbers = _number_words(self.facts.language)
        for at, word in enumerate(spoken):
            beside = " ".join(spoken[max(0, at - 2) : at + 4])
            if (word.isdigit() or word in numbers) and keys & {
                k for t in terms(beside, self.facts.language) for k in t.matter
            }:
                return [word if word.isdigit() else numbers[word]]
        return []

    def _answer(self, name: str, schema: dict[str, Any]) -> list[Any]:
        """What was said when we asked for it; an entity's value has been found in it or is not there."""
        answer = self.story.answers.get(name, "")
        free = (
            schema.get("type", "string") == "string"
            and "format" not in schema
            and not called(name, self.facts.patterns)
        )
        return [answer] if answer and free else []

    def _result(self, name: str, schema: dict[str, Any]) -> list[Any]:  # noqa: ARG002
        """A field of this name in what a tool of the same plan has just answered."""
        plan = self.facts.plans.get(self.request.intent, ())
        answered = [r.result for r in self.facts.results if r.status == "ok" and r.fresh and r.tool in plan]
        held = [
            result[name] for result in answered if isinstance(result, dict) and isinstance(result.get(name), (str, int))
        ]
        return held[-1:]

    def _free_text(self, name: str, schema: dict[str, Any]) -> list[Any]:
        plain = schema.get("type", "string") == "string" and not schema.keys() & {"enum", "pattern", "format"}
        return [self.story.texts[-1][:LONGEST]] if plain and set(name.split("_")) & FREE_TEXT else []


def fitting(schema: dict[str, Any], value: Any) -> Any:
    """The value as the schema wants it; None when it cannot be that."""
    kind = schema.get("type")
    if kind in ("integer", "number") and isinstance(value, str):
        try:
            number = float(value.replace(",", "."))
        except ValueError:
            return None
        value = int(number) if number.is_integer() else number
    if kind == "string" and not isinstance(value, str):
        value = str(value)
    return value if Draft202012Validator(schema).is_valid(value) else None


def named_options(options: list[str], text: str, language: str) -> list[str]:
    """The options that a text names: by their own words, else by what they mean."""
    said = f" {' '.join(words(text))} "
    named = [option for option in options if f" {' '.join(words(option.replace('_', ' ')))} " in said]
    longest = [one for one in named if not any(one != other and one in other for other in named)]
    if longest:
        return longest
    meant = {key for term in terms(text, language) for key in term.matter}
    return [
        option
        for option in options
        if meant & {key for term in terms(option.replace("_", " "), "en") for key in term.matter}
    ]


def _number_words(language: str) -> dict[str, int]:
    columns = enumerate(NUMBERS.get(language.partition("-")[0], "").split(), 1)
    names = ((name, number) for number, column in columns for name in column.split("|"))
    return {name: number for name, number in names if "_" not in name and len(name) > 2}


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
