"""The stream: what is shown, in which order, and that nothing is lost or shown twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.channels.web_world import NOW, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as it:
        yield it


async def test_a_message_and_its_answer_arrive_while_the_page_is_open(world: World) -> None:
    visit = await world.visit()
    async with visit.listen() as stream:
        assert await stream.event() == ("state", {"owner": "agent", "name": ""})
        await visit.send({"id": "one", "text": "hello **there**"})
        mine = await stream.next("message")
        assert await stream.event() == ("typing", {})
        answer = await stream.next("message")
    assert mine == {
        "seq": 1,
        "id": "one",
        "turn": 1,
        "from": "customer",
        "name": "",
        "text": "hello **there**",
        "tree": [],
        "buttons": [],
        "at": NOW,
        "replaces": None,
    }
    assert answer == {
        "seq": 2,
        "id": "m2",
        "turn": 1,
        "from": "agent",
        "name": "",
        "text": "You said: hello **there**",
        "tree": [{"t": "p", "c": ["You said: hello ", {"t": "strong", "c": ["there"]}]}],
        "buttons": [],
        "at": NOW,
        "replaces": None,
    }
    assert stream.ids == [1, 2]
