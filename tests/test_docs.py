"""The pages tell the truth: what they name is there, and what they show works when it is copied."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from agent.problems import problems
from agent.spec import Spec
from channels.slack.customers.settings import Settings as SlackCustomerSettings
from channels.slack.settings import DeskSettings, SlackSettings
from channels.web.identity import verify
from channels.web.settings import Settings as WebSettings
from config import document
from config.environment import environment
from config.settings import Settings, load
from gateway import sections
from gateway.__main__ import app
from gateway.ids import clock
from gateway.specs import parse_spec
from handoff import commands

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
SECRET = "a-secret-of-the-tests-0123456789abcdefghij"
PICTURE_BYTES = 250_000
MADE_LATER = re.compile(r"knowledge/|[.]venv/.*")
NO_FILE = re.compile(r"(text|application|anthropic|openai)/[\w.-]+")  # media types, models

by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


class Block(NamedTuple):
    """A fenced block: its language and what stands in it."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    return [Block(token.info, token.content) for token in tokens if token.type == "fence"]


def spans(page: Path) -> list[str]:
    """Inline code."""
    return [child.content for child in _inline(page) if child.type == "code_inline"]


def _inline(page: Path) -> Iterator[Any]:
    for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        yield from token.children or ()


def links(page: Path) -> list[str]:
    """Where links and pictures lead."""
    found = [child.attrGet("href") or child.attrGet("src") for child in _inline(page)]
    return [str(target) for target in found if target]


def anchors(page: Path) -> set[str]:
    """The headings as a link names them."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    headings = [text.content for token, text in itertools.pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def file_of(page: Path, name: str) -> str:
    """The page's blocks that begin with `# name`, put together to one file."""
    return "\n".join(block.text for block in blocks(page) if block.text.startswith(f"# {name}\n"))


def variables(text: str) -> dict[str, str]:
    """Something for every `${NAME}`."""
    names = re.findall(r"\$\{(\w+)", text)
    shaped = {"TELEGRAM_TOKEN": f"123456:{SECRET}"}
    return {name: "https://api.example.com" if name.endswith("_API") else SECRET for name in names} | shaped


# What is shown


@by_name
def test_data_parses(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
        if block.language in {"yaml", "yml"}:
            assert isinstance(YAML(typ="safe").load(block.text), dict)


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "operators.md"], ids=lambda page: page.name)
def test_gateway_yaml_is_right(page: Path, tmp_path: Path) -> None:
    text = file_of(page, "gateway.yaml")
    if "secret_key:" not in text:
        text += "secret_key: ${SECRET_KEY}\n"
    (tmp_path / "gateway.yaml").write_text(text)
    loaded = load(tmp_path / "gateway.yaml", None, variables(text))
    assert loaded.checked().agent.model
    assert sections.read(loaded.document)[1] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "operators.md"], ids=lambda page: page.name)
def test_agent_yaml_is_right(page: Path, tmp_path: Path) -> None:
    text = file_of(page, "agent.yaml")
    if not re.search("^name:", text, re.MULTILINE):
        text += "name: support\n"
    (tmp_path / "agent.yaml").write_text(text)
    found = document.read(tmp_path / "agent.yaml", environment(tmp_path, variables(text)))
    assert problems(parse_spec(found)) == []


def test_operators_find_every_key() -> None:
    page = ROOT / "docs" / "operators.md"
    shown = re.findall(r"[\w.]+", " ".join([*(block.text for block in blocks(page)), *spans(page)]))
    known = {name for word in shown for name in word.split(".")}
    wanted: set[str] = set()
    for model in (Settings, WebSettings, SlackCustomerSettings, SlackSettings, DeskSettings, Spec):
        schema = model.model_json_schema()
        for part in (schema, *schema.get("$defs", {}).values()):
            wanted |= set(part.get("properties", {}))
    assert wanted - known == set()


def test_the_teams_page_says_what_help_says() -> None:
    said = "".join(f"* {line}\n" for line in commands.HELP.splitlines())
    assert f"\n\n{said}\n" in (ROOT / "docs" / "cx-team.md").read_text("utf-8")


def test_an_identity_signed_as_in_the_readme_is_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = {block.language: block.text for block in blocks(ROOT / "README.md")}
    monkeypatch.setenv("WEB_IDENTITY_SECRET", SECRET)
    user = type("User", (), {"id": 7, "name": "Zoë", "email": "zoe@example.com"})()
    names: dict[str, Any] = {}
    exec(code["python"], names)  # noqa: S102 - what the page tells people to copy
    signed = [names["identity"](user)]
    if node := shutil.which("node"):
        call = "process.stdout.write(identity({id: 7, name: 'Zoë', email: 'zoe@example.com'}))"
        (tmp_path / "identity.mjs").write_text(code["js"] + call, "utf-8")
        done = subprocess.run([node, tmp_path / "identity.mjs"], capture_output=True, text=True, check=True)
        signed.append(done.stdout)
    for identity in signed:
        customer = verify(identity, [SECRET], clock(), "web")
        assert (customer.id, customer.name, customer.email) == ("7", "Zoë", "zoe@example.com")


# What is named


def command_line() -> dict[str, set[str]]:
    """What one can type, and the options of each."""

    def walk(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield name, {"--help", *(option for parameter in command.params for option in parameter.opts)}
        for child, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{name} {child}")

    return dict(walk(typer.main.get_command(app), "gateway"))


def typed(page: Path) -> list[str]:
    """Every `gateway …` on the page."""
    consoles = [block.text for block in blocks(page) if block.language == "console"]
    lines = [line.removeprefix("$ ") for text in consoles for line in text.splitlines()]
    return [line.partition("#")[0] for line in (*lines, *spans(page)) if line.startswith("gateway ")]


@by_name
def test_commands_and_their_options_exist(page: Path) -> None:
    known = command_line()
    for line in typed(page):
        words = line.split()
        names = [" ".join(words[:count]) for count in (3, 2) if " ".join(words[:count]) in known]
        assert names or words[1] == "--help", line
        options = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert options <= (known[names[0]] if names else {"--help"}), line


def test_the_readme_names_every_command() -> None:
    assert set(command_line()) - {line.strip() for line in typed(ROOT / "README.md")} == set()


@by_name
def test_tests_exist(page: Path) -> None:
    for span in spans(page):
        if found := re.fullmatch(r"(tests/[\w/]+\.py)::(\w+)", span):
            assert re.search(rf"^(async )?def {found[2]}\(", (ROOT / found[1]).read_text("utf-8"), re.MULTILINE), span


@by_name
def test_files_exist(page: Path) -> None:
    for span in spans(page):
        path = span.partition("::")[0]
        if re.fullmatch(r"[\w.-]+/[\w./-]*", path) and not (MADE_LATER.fullmatch(path) or NO_FILE.fullmatch(path)):
            assert (ROOT / path).exists(), span


@by_name
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pictures_are_used_and_small() -> None:
    used = {(page.parent / link).resolve() for page in PAGES for link in links(page) if link.endswith(".png")}
    there = set((ROOT / "docs" / "screenshots").glob("*.png"))
    assert used == there
    assert [path.name for path in there if path.stat().st_size > PICTURE_BYTES] == []


def test_figures_have_their_places() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in ("bench", "prove"):
        assert readme.count(f"<!-- figures:{name} -->") == readme.count(f"<!-- /figures:{name} -->") == 1


@by_name
def test_no_page_names_the_machine_it_was_written_on(page: Path) -> None:
    text = page.read_text("utf-8")
    for place in (ROOT.parent, Path.home(), Path(tempfile.gettempdir())):
        assert len(place.parts) < 2 or f"{place}/" not in text
