"""What `gateway check` looks at, each finding with what to do about it. Nothing here changes anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.knowledge import SUFFIXES
from agent.spec import Spec
from config import document
from config.problems import Problem, Refused, shown
from config.settings import Loaded, Settings, load
from gateway import sections
from gateway.sections import Sections
from gateway.specs import parse_spec, problems_of


class Finding(msgspec.Struct, frozen=True):
    """One line. `ok` None: it works, and is still worth a word."""

    name: str
    ok: bool | None
    text: str
    remedy: str = ""


class Looked(NamedTuple):
    """What could be read; None where it could not."""

    loaded: Loaded
    settings: Settings
    sections: Sections
    spec: Spec | None


def look(path: Path, name: str = "") -> tuple[list[Finding], Looked | None]:
    """Every finding that needs no network. `name` limits them to one matter. Looked is None when the configuration is refused."""
    try:
        loaded = load(path)
    except Refused as refused:
        return [_wrong("configuration", problem) for problem in refused.problems], None
    read, problems = sections.read(loaded.document)
    findings = [_wrong(_matter(problem), problem) for problem in (*loaded.problems, *problems)]
    findings += [_worth_a_word(_matter(problem), problem) for problem in loaded.warnings]
    if loaded.settings is None:
        return _limited(findings, name), None
    if not any(finding.ok is False for finding in findings):
        findings.insert(0, Finding("configuration", True, f"{path} is right"))
    spec, about_spec = _spec(loaded, loaded.settings)
    looked = Looked(loaded, loaded.settings, read, spec)
    findings += about_spec + [finding for matter in MATTERS for finding in matter(looked)]
    return _limited(findings, name), looked


def names(looked: Looked | None) -> list[str]:
    """What `gateway check NAME` may name."""
    channels = list(looked.settings.channels) if looked else []
    return [
        "configuration",
        "agent",
        "knowledge",
        "store",
        "redis",
        "model",
        "tools",
        "desk",
        "slack",
        "public_url",
        *channels,
    ]


def _limited(findings: list[Finding], name: str) -> list[Finding]:
    found = [finding for finding in findings if name in {"", finding.name}]
    return found or [Finding(name, None, "nothing is configured")]


def _wrong(name: str, problem: Problem) -> Finding:
    bare = msgspec.structs.replace(problem, remedy="")
    return Finding(name, False, str(bare), problem.remedy)


def _worth_a_word(name: str, problem: Problem) -> Finding:
    return msgspec.structs.replace(_wrong(name, problem), ok=None)


def _matter(problem: Problem) -> str:
    """The channel or section that a problem belongs to, else the configuration as a whole."""
    first, *rest = problem.key.split(".")
    if first == "channels" and rest:
        return rest[0]
    return first if first in {"slack", "desk", "redis", "store", "public_url"} else "configuration"


def _spec(loaded: Loaded, settings: Settings) -> tuple[Spec | None, list[Finding]]:
    path = settings.agent.spec
    try:
        found = document.read(path, loaded.environment)
        spec = parse_spec(found)
    except Refused as refused:
        return None, [_wrong("agent", problem) for problem in refused.problems]
    if problems := problems_of(found, spec):
        return spec, [
            _wrong("knowledge" if problem.key.startswith("knowledge") else "agent", problem) for problem in problems
        ]
    content = f"{len(spec.intents)} intents, {len(spec.tools)} tools"
    return spec, [Finding("agent", True, f"{path.name} is right: {content}")]


def _knowledge(looked: Looked) -> Iterator[Finding]:
    for folder in looked.spec.knowledge if looked.spec else ():
        path = looked.settings.agent.spec.parent / folder
        found = [file for file in path.rglob("*") if file.suffix in SUFFIXES]
        if not path.is_dir():
            continue  # said with its line, beside what else is wrong in the file
        if found:
            yield Finding("knowledge", True, f"{folder}: {len(found)} {'article' if len(found) == 1 else 'articles'}")
        else:
            yield Finding("knowledge", False, f"{folder} holds no articles", f"write Markdown files into {shown(path)}")


def _store(looked: Looked) -> Iterator[Finding]:
    path = looked.settings.store_path
    if path is None:
        yield Finding("store", True, "PostgreSQL (asked with --online)")
        return
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if there == path and not _is_database(path):
        yield Finding("store", False, f"{shown(path)} is a file of another kind", "set `store` to a file of its own")
    elif os.access(there, os.W_OK):
        yield Finding("store", True, f"{shown(path)} {'is writable' if there == path else 'can be made'}")
    else:
        yield Finding(
            "store", False, f"{shown(there)} is not writable for this user", "chown it, or set `store` elsewhere"
        )


def _is_database(path: Path) -> bool:
    """True for an empty file, and for what begins as https://sqlite.org/fileformat.html says."""
    try:
        with path.open("rb") as file:
            return file.read(16) in (b"", b"SQLite format 3\0")
    except OSError:
        return True  # whether it can be read is another line


def _model(looked: Looked) -> Iterator[Finding]:
    agent = looked.settings.agent
    if agent.model == "offline":
        yield Finding("model", True, "offline: built in, needs no key")
    else:
        yield Finding("model", True, f"{', '.join((agent.model, *agent.fallbacks))} (asked with --online)")


def _channels(looked: Looked) -> Iterator[Finding]:
    for name, section in looked.settings.channels.items():
        found = looked.sections.get(("channels", name))
        if found is not None:
            yield Finding(name, True, f"{section.get('kind', name)} channel, {getattr(found, 'mode', 'live')}")
    if not looked.settings.channels:
        yield Finding("configuration", None, "no channel is configured", "add one under `channels`")


def _desk(looked: Looked) -> Iterator[Finding]:
    if looked.settings.desk is None:
        yield Finding(
            "desk", None, "no desk: nobody hears of a handover", "set `slack` and `desk`; see gateway slack manifest"
        )
    elif looked.settings.slack is None:
        yield Finding("desk", False, "the desk is in Slack, and `slack` is missing", "gateway slack manifest")
    elif ("desk",) in looked.sections:
        yield Finding("desk", True, f"Slack channel {getattr(looked.sections['desk',], 'channel', '')}")


def _public_url(looked: Looked) -> Iterator[Finding]:
    url = looked.settings.public_url
    if url.startswith("http://") and not url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]")):
        yield Finding("public_url", None, f"{url} is not encrypted", "use https:// (your reverse proxy's)")


MATTERS: Sequence[Callable[[Looked], Iterator[Finding]]] = (_knowledge, _store, _model, _channels, _desk, _public_url)
