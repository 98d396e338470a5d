"""What fails before the platform is called has happened nowhere, and can be tried again; what fails in the call is the call's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bus import retry
from bus.errors import Permanent, Retryable, Unavailable, Uncertain
from bus.message import Attachment
from channels import bringing
from channels.bringing import address_of, at_hand
from channels.files.shelf import Shelf
from tests.support.files import courier

FILE = Attachment("label.pdf", "application/pdf", 10, "F1", "desk")


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def bring(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Shelf, "bring", bring)
    monkeypatch.setattr("channels.files.courier.Courier.bring", bring)


@pytest.mark.parametrize(
    "error", [Unavailable("no room"), OSError(28, "No space left"), TimeoutError(), Retryable("x", after=3)]
)
async def test_what_fails_until_the_file_is_here_is_tried_again(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, error)
    with pytest.raises(Retryable) as brought:
        async with at_hand(courier(tmp_path), FILE):
            raise AssertionError("nothing is at hand")
    with pytest.raises(Retryable):
        await address_of(courier(tmp_path), FILE)
    assert retry.decide(brought.value, 1).what == "again"


@pytest.mark.parametrize("error", [Permanent("file_too_large"), KeyError("gone")])
async def test_what_will_never_be_here_is_given_up(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, error)
    with pytest.raises(Permanent):
        async with at_hand(courier(tmp_path), FILE):
            raise AssertionError("nothing is at hand")


async def test_a_file_that_does_not_come_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bring(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("channels.files.courier.Courier.bring", bring)
    monkeypatch.setattr(bringing, "PATIENCE", 0.01)
    with pytest.raises(Retryable):
        async with at_hand(courier(tmp_path), FILE):
            raise AssertionError("nothing is at hand")


@pytest.mark.parametrize("error", [Uncertain("lost"), OSError("lost"), Unavailable("full")])
async def test_what_fails_during_the_call_stays_what_it_is(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import asynccontextmanager

    async def bring(*_: Any) -> None:
        return None

    @asynccontextmanager
    async def local(*_: Any) -> Any:
        yield tmp_path

    monkeypatch.setattr("channels.files.courier.Courier.bring", bring)
    monkeypatch.setattr("channels.files.courier.Courier.local", local)
    with pytest.raises(type(error)) as raised:
        async with at_hand(courier(tmp_path), FILE):
            raise error
    assert raised.value is error
    assert retry.decide(error, 1).what == "look"
