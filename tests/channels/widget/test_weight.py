"""What the widget weighs, and that every language has every string."""

import gzip
import json
import re
from pathlib import Path

import pytest

from channels.web.assets import packed
from tests.channels.widget.standin import WIDGET

KB = 1_000
ENGLISH = json.loads((WIDGET / "strings.js").read_text("utf-8").removeprefix("export default "))


def weight(*names: str) -> int:
    return sum(len(gzip.compress(packed(name, (WIDGET / name).read_bytes()), 9)) for name in names)


def imported(name: str) -> set[str]:
    """A module and all that it imports."""
    found = re.findall(r"from '\./([\w.]+)'", (WIDGET / name).read_text("utf-8"))
    return {name}.union(*map(imported, found))


def test_the_launcher_is_small() -> None:
    assert weight("widget.js") <= 3 * KB


def test_the_panel_is_small() -> None:
    modules = imported("panel.js")
    assert modules == {path.name for path in WIDGET.glob("*.js")} - {"widget.js", "extras.js"}
    assert weight(*modules) <= 15 * KB


def test_files_and_cards_come_after_the_panel_and_are_small() -> None:
    assert imported("extras.js") - imported("panel.js") == {"extras.js"}
    assert weight("extras.js") <= 4 * KB


@pytest.mark.parametrize("path", sorted(WIDGET.glob("locales/*.json")), ids=lambda path: path.stem)
def test_every_language_has_every_string(path: Path) -> None:
    table = json.loads(path.read_text("utf-8"))
    assert table.keys() == ENGLISH.keys()
    assert all(table.values())
    assert not [text for text in table.values() if "{" in text]


def test_the_launcher_knows_the_languages_that_the_panel_has() -> None:
    launcher = re.findall(r"^    (\w\w): '", (WIDGET / "widget.js").read_text("utf-8"), re.MULTILINE)
    assert sorted(launcher) == sorted(["en", *(path.stem for path in WIDGET.glob("locales/*.json"))])


def test_nothing_can_run_text_as_code() -> None:
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setAttribute\('(style|on)|\.srcdoc"
    for path in WIDGET.glob("*.js"):
        assert not re.search(banned, path.read_text("utf-8")), path.name


def test_the_looks_name_no_physical_side() -> None:
    sides = r"(margin|padding|border|inset)-(left|right)|\b(left|right):|text-align:(left|right)|float:"
    for name in ("style.js", "widget.js"):
        assert not re.search(sides, (WIDGET / name).read_text("utf-8")), name
