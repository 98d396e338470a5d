"""Which part reads which section of `gateway.yaml`, and what it says about it. Loads no SDK."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from channels.port import Kind
from config.document import Document
from config.problems import Loc, Problem, explain, nearest
from handoff import routing

KINDS = {
    "slack": "channels.slack.customers", "telegram": "channels.telegram", "web": "channels.web", "whatsapp": "channels.whatsapp",
}  # fmt: skip
ENTRY_POINT = "gateway.channels"
SLACK = "channels.slack.settings:SlackSettings"
DESK = "channels.slack.settings:DeskSettings"
Sections = dict[Loc, BaseModel]


def read(document: Document) -> tuple[Sections, list[Problem]]:
    """Every section as its part's settings, by its place, and all that is wrong with them."""
    found: Sections = {}
    problems: list[Problem] = []
    for loc, model, content in _models(document, problems):
        try:
            found[loc] = model.model_validate(content)
        except ValidationError as error:
            problems += explain(error, document, at=loc, model=model)
    if ("desk",) in found:
        problems += _never_matching(document, found["desk",])
        problems += _of_the_desk(document, found)
    return found, problems


def schemas() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The JSON schemas of the channels by kind, of `slack` and of `desk`."""
    channels = {name: kind(name).Settings.model_json_schema() for name in KINDS}
    return channels, _model(SLACK).model_json_schema(), _model(DESK).model_json_schema()


def _models(document: Document, problems: list[Problem]) -> Iterator[tuple[Loc, type[BaseModel], Any]]:
    for name, place in (("slack", SLACK), ("desk", DESK)):
        if document.mapping.get(name) is not None:
            yield (name,), _model(place), document.mapping[name]
    channels = document.mapping.get("channels")
    for name, section in channels.items() if isinstance(channels, dict) else ():
        content = {} if section is None else section
        wanted = str((content.get("kind") if isinstance(content, dict) else "") or name)
        loc: Loc = ("channels", name)
        if wanted in kinds():
            problems += _missing(document, loc, kind(wanted))
            yield loc, kind(wanted).Settings, content
        else:
            problems.append(
                document.problem(loc, f'there is no channel of the kind "{wanted}"', nearest(wanted, kinds()))
            )


@cache
def kinds() -> frozenset[str]:
    """Every kind of channel there is: ours, and those of installed packages."""
    return frozenset(KINDS) | {point.name for point in entry_points(group=ENTRY_POINT)}


@cache
def kind(name: str) -> Kind:
    """A kind by its name. Raises KeyError when there is none. Ours cannot be replaced by a package's."""
    if name in KINDS:
        return cast(Kind, import_module(KINDS[name]))
    return cast(Kind, entry_points(group=ENTRY_POINT)[name].load())


def _never_matching(document: Document, desk: BaseModel) -> Iterator[Problem]:
    """Routes whose condition speaks of what no case has."""
    for number, route in enumerate(getattr(desk, "routes", ())):
        for name in routing.unknown_names(route.condition):
            yield document.problem(
                ("desk", "routes", number, "if"), f'no case has "{name}"', nearest(name, routing.names())
            )


def _missing(document: Document, loc: Loc, wanted: Kind) -> Iterator[Problem]:
    """A channel that cannot be without a section which is not there."""
    needs = getattr(wanted, "NEEDS", "")
    if needs and document.mapping.get(needs) is None:
        yield document.problem(
            loc, f"needs the section `{needs}:`, which is not in the file", "write it, or take this out"
        )


def _of_the_desk(document: Document, found: Sections) -> Iterator[Problem]:
    """Channels of customers that are the desk's: what is said there never reaches the customers' side."""
    places = getattr(found["desk",], "places", ())
    for loc, settings in found.items():
        for number, place in enumerate(getattr(settings, "channels", ()) if loc[0] == "channels" else ()):
            if place in places:
                yield document.problem((*loc, "channels", number), f"{place} is the desk's", "customers need another")


def _model(place: str) -> type[BaseModel]:
    module, _, name = place.partition(":")
    model: type[BaseModel] = getattr(import_module(module), name)
    return model
