"""A draft can be changed in a window; only sending it off is recorded, with the words that were typed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.channel import Sending
from bus.errors import Rejected
from bus.message import Address, ApprovalCard, CaseCard, Inbound, Outbound, Sender
from channels.slack.desk import Desk
from channels.slack.modals import edit_view, parse_edit
from channels.slack.payloads import read_press
from demo.slack.people import DESK, LENA
from demo.world import World
from tests.channels.slack_app.conftest import Recorder
from tests.channels.slack_app.samples import action, capsule
from tests.channels.slack_app.test_incoming import press

CASE = Address("default", "desk", "slack", DESK, "case:c1")
DRAFT = action(what="reply", tool="", args={}, text="Dear Ana,\n\n**all** is <well>.")


async def drafted(desk: Desk, text: str = DRAFT.text) -> tuple[str, str]:
    """(thread, message) of a draft that waits."""
    root = await desk.send(Sending(Outbound("card:c1", "say", CASE, CaseCard(capsule())), "att_1"))
    card = ApprovalCard(msgspec.structs.replace(DRAFT, text=text), "Ana Ruiz")
    return root, await desk.send(Sending(Outbound("approval:act_1", "say", CASE, card), "att_2", root))


async def test_a_draft_is_changed_and_sent_off(desk: Desk, world: World, intake: Recorder) -> None:
    root, message = await drafted(desk)
    assert (await world.slack.press(LENA, message, "edit")).answers == [200]
    (view,) = world.slack.views.values()
    assert view["blocks"][0]["element"]["initial_value"] == DRAFT.text
    assert intake.inbounds == []
    delivery = await world.slack.submit(
        LENA, view["id"], {"reply": {"text": {"type": "plain_text_input", "value": "Hi!"}}}
    )
    assert (delivery.answers, delivery.body) == ([200], "")
    (inbound,) = intake.inbounds
    assert inbound == Inbound(
        key=f"press:{DESK}:{message}:edit:{LENA}:{view['id']}",
        address=Address("default", "desk", "slack", DESK, root),
        sender=Sender(LENA, "", "channel"),
        kind="press",
        at=inbound.at,
        text="act_1",
        button="edit",
        target=message,
        data={"text": "Hi!"},
    )


async def test_a_draft_too_long_for_the_window_cannot_be_edited(desk: Desk, world: World) -> None:
    _, message = await drafted(desk, "x" * 3_001)
    blocks = world.slack.message(DESK, message).blocks
    buttons = [one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]]
    assert buttons == ["approve", "reject"]


async def test_slack_refusing_the_window_is_no_error_for_who_pressed(
    desk: Desk, world: World, intake: Recorder
) -> None:
    _, message = await drafted(desk)
    world.slack.faults.status_next = [500]
    assert (await world.slack.press(LENA, message, "edit")).answers == [200]
    assert intake.inbounds == []
    assert desk.status()["counts"]["window_failed"] == 1


def submitted(**changes: Any) -> dict[str, Any]:
    place = {"action": "act_1", "channel": "C1", "thread": "1.1", "message": "1.2"}
    view = {
        "id": "V1", "callback_id": "edit", "private_metadata": msgspec.json.encode(place).decode(),
        "state": {"values": {"reply": {"text": {"type": "plain_text_input", "value": None}}}},
    }  # fmt: skip
    return press(type="view_submission", view=view | changes, actions=[], channel=None, container=None)


def parse(told: dict[str, Any]) -> Inbound | None:
    return parse_edit(read_press(told), tenant="default", name="desk", places=("C1",))


def test_an_emptied_window_says_nothing() -> None:
    found = parse(submitted())
    assert found is not None
    assert found.data == {"text": ""}


def test_other_windows_are_nobodys() -> None:
    assert parse(submitted(callback_id="other")) is None
    assert parse(press()) is None
    assert edit_view(read_press(press())) is None


@pytest.mark.parametrize("metadata", ["", "x", "{}", '{"action": 1}'])
def test_a_window_that_is_not_ours_is_malformed(metadata: str) -> None:
    with pytest.raises(Rejected):
        parse(submitted(private_metadata=metadata))


def test_a_window_of_a_channel_that_is_not_the_desks_is_nobodys() -> None:
    place = {"action": "act_1", "channel": "C9", "thread": "1.1", "message": "1.2"}
    assert parse(submitted(private_metadata=msgspec.json.encode(place).decode())) is None
