"""The app asks Slack for what our code calls, and for no more than that needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels.slack import manifest as ours
from demo.slack.methods import METHODS

FOLDER = Path(ours.__file__).parent
CALLED = re.compile(r'"((?:auth|chat|conversations|files|reactions|usergroups|users|views)\.[A-Za-z.]+)"')


def called(*files: Path) -> set[str]:
    """The Web API's methods that these files name."""
    return {name for file in files for name in CALLED.findall(file.read_text("utf-8")) if name in METHODS}


@pytest.mark.parametrize(("customers", "files"), [(False, "*.py"), (True, "**/*.py")], ids=["desk", "customers too"])
def test_every_method_that_is_called_is_allowed(customers: bool, files: str) -> None:
    found = called(*FOLDER.glob(files))
    assert {"chat.postMessage", "files.completeUploadExternal", "files.info"} <= found
    scopes = set(ours.manifest("x", "https://x.example", customers=customers)["oauth_config"]["scopes"]["bot"])
    assert {METHODS[name].scope for name in found if METHODS[name].scope} - scopes == set()
