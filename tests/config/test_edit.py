"""Changing one value of a file that people wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.edit import edit, edited


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("web:\n  mode: live   # the shop\n  x: 'y'\n", "web:\n  mode: off   # the shop\n  x: 'y'\n"),
        ("web: {x: 1, mode: 'live'}  # flow\n", "web: {x: 1, mode: off}  # flow\n"),
        ("web: {x: 1}  # flow\n", "web: {mode: off, x: 1}  # flow\n"),
        ("web: {}\n", "web: {mode: off}\n"),
        ("web:  # nothing yet\nb: 1\n", "web: {mode: off}  # nothing yet\nb: 1\n"),
        ("web: ~\n", "web: {mode: off}\n"),
        ("web:\n  # first\n  x: 1\n", "web:\n  # first\n  mode: off\n  x: 1\n"),
        ("web:\r\n  x: 1\r\n", "web:\r\n  mode: off\r\n  x: 1\r\n"),
        ("web:\n  mode: ${MODE:-live}\n", "web:\n  mode: off\n"),
        ("web:\n  mode:\n  x: 1\n", "web:\n  mode: off\n  x: 1\n"),
        ("\ufeffweb:\n  mode: live\n", "\ufeffweb:\n  mode: off\n"),
        ("web: &shared {x: 1}\n", "web: &shared {mode: off, x: 1}\n"),
    ],
)
def test_one_value_changes_and_nothing_else(before: str, after: str) -> None:
    assert edited(before, ("web", "mode"), "off") == after


def test_a_section_that_is_not_there_is_not_made_up() -> None:
    with pytest.raises(KeyError, match=r"channels\.web\.mode"):
        edited("channels: {telegram: {}}\n", ("channels", "web", "mode"), "off")


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "gateway.yaml"
    real.write_text("web:\n  mode: live # here\n")
    real.chmod(0o640)
    link.symlink_to(real)
    edit(link, ("web", "mode"), "draft")
    assert link.is_symlink()
    assert real.read_text() == "web:\n  mode: draft # here\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [real, link] or list(tmp_path.iterdir()) == [link, real]
