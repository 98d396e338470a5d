"""A line of the log in words, for whoever reads it at a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.commands.lines import words


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"text": "Here it is", "attachments": [{"name": "label.pdf"}]}, "Here it is [label.pdf]"),
        ({"text": "", "attachments": [{"name": "label.pdf"}]}, "[label.pdf]"),
        ({"text": "", "attachments": []}, "(deleted)"),
        ({"text": "Hi"}, "Hi"),
    ],
)
def test_files_are_named_and_what_was_taken_back_is_said_to_be(line: dict[str, Any], told: str) -> None:
    assert words({"kind": "staff_said", "name": "Sara", **line})[:2] == ("Sara", told)
