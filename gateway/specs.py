"""The agent's spec as versions: which one is live, and any other by its id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
from pydantic import ValidationError

from agent import problems as spec_problems
from agent.spec import Spec
from bus.store import Tenant, specs
from bus.store.specs import Version
from config import document
from config.environment import Environment
from config.problems import Loc, Problem, Refused, explain
from config.watch import log_warnings


class Live(msgspec.Struct, frozen=True):
    """A spec with its version's id."""

    spec: Spec
    version: str


class Specs:
    """Versions in the store, parsed. `environment` fills `${NAME}`s, which are never stored."""

    def __init__(self, tenant: Tenant, clock: Callable[[], int]) -> None:
        self._tenant = tenant
        self._clock = clock
        self._environment: Environment | None = None
        self._parsed: dict[str, Spec] = {}
        self._live: Live | None = None
        self._path = Path("agent.yaml")

    @property
    def live(self) -> Live:
        """What new turns use."""
        if self._live is None:
            raise RuntimeError("no spec was loaded")
        return self._live

    async def load(self, path: Path, environment: Environment, *, strictly: bool) -> Live:
        """Read the file, keep its content as a version, and take up whichever version is live. Raises Refused.

        What the file says of things that are not there is refused `strictly`, else it is only logged: who starts must serve.
        """
        found = document.read(path, environment)
        spec, version = self._spec(found), version_of(found.text)
        if problems := problems_of(found, spec):
            if strictly:
                raise Refused(problems)
            log_warnings(problems)
        self._path, self._environment = path, environment
        self._parsed.clear()
        self._parsed[version] = spec
        live = await self._tenant.write(specs.load, version, found.text, version, self._clock())
        return self._take(live)

    async def publish(self, version: str) -> Live:
        """Make a stored version live. Raises KeyError when there is none, Refused when it cannot be read any more."""
        found = await self._tenant.read(specs.one, version)
        if found is None:
            raise KeyError(version)
        self._parse(found)
        return self._take(await self._tenant.write(specs.publish, found.id))

    async def refresh(self) -> Live | None:
        """Take up what another process has made live; None when that is what is live here. Raises Refused when it cannot be read."""
        found = await self._tenant.read(specs.live)
        return self._take(found) if found is not None and found.id != self.live.version else None

    async def at(self, version: str) -> Spec | None:
        """The spec of a version; None when it is not stored."""
        if version not in self._parsed:
            found = await self._tenant.read(specs.one, version)
            if found is None:
                return None
            self._parse(found)
        return self._parsed[version]

    async def every(self) -> list[Version]:
        """All versions, oldest first."""
        return await self._tenant.read(specs.every)

    def _take(self, version: Version) -> Live:
        self._live = Live(self._parse(version), version.id)
        return self._live

    def _parse(self, version: Version) -> Spec:
        if version.id not in self._parsed:
            environment = self._environment or Environment({})
            self._parsed[version.id] = self._spec(document.parse(version.body, self._path, environment))
        return self._parsed[version.id]

    @staticmethod
    def _spec(found: document.Document) -> Spec:
        return parse_spec(found)


def problems_of(found: document.Document, spec: Spec) -> list[Problem]:
    """What a well-formed spec says and does not mean, with the line: names of nothing, folders that are not there."""
    folders = [
        found.problem(("knowledge", number), f"there is no folder {folder}", "make it, or write its right name")
        for number, folder in enumerate(spec.knowledge)
        if not (found.path.parent / folder).is_dir()
    ]
    return [*(_placed(found, line) for line in spec_problems.problems(spec)), *folders]


def _placed(found: document.Document, line: str) -> Problem:
    """A spec's problem (`tools.get_order.require: …`) with the line it stands on."""
    key, _, what = line.partition(": ")
    loc: Loc = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
    what, _, remedy = what.partition("; ")
    return found.problem(loc, what, remedy)


def version_of(text: str) -> str:
    """A content's id: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_spec(found: document.Document) -> Spec:
    """The spec of a document. Raises Refused with file, line, key and remedy of everything that is wrong."""
    problems = found.problems
    try:
        spec = Spec.parse(found.mapping)
    except ValidationError as error:
        raise Refused([*problems, *explain(error, found, model=Spec)]) from error
    if problems:
        raise Refused(problems)
    return spec
