"""The log's lines: every kind is read as it was written, old versions are raised, newer ones refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from bus import entries
from bus.entries import KINDS, By, Entry, Erased, Recorded, Spoken, Step, ToolAnswered, Understood, from_body, to_body


def kinds(of: type[Entry] = Entry) -> Iterator[type[Entry]]:
    for each in of.__subclasses__():
        yield each
        yield from kinds(each)


def test_every_kind_can_be_read() -> None:
    assert set(kinds()) - {Spoken, Step, By, Erased} == set(KINDS.values())
    assert all(name == name.lower() for name in KINDS)


@pytest.mark.parametrize(
    "entry",
    [
        ToolAnswered(tool="t", status="ok", result={"amount": Decimal("189.40"), "items": [1, None, "x"]}, step=3),
        Understood(
            intent="refund", sentiment={"label": "calm", "score": Decimal("0.5")}, language="en", urgency="low",
            entities={"order": ["A-1"]}, category="billing", confidence=0.91, cost=Decimal("0.00012"),
        ),
        entries.AgentSaid(text="hi\u2028", buttons=({"id": "yes", "label": "Yes"},), sources=("a.md",)),
        entries.Decided(decision="send", reason="", confidence=1.0, band="send", cost=Decimal(0), spec="v1"),
    ],
)  # fmt: skip
def test_a_line_is_read_as_it_was_written(entry: Entry) -> None:
    assert from_body(entry.kind(), entry.v, to_body(entry)) == entry


def test_an_older_body_is_raised_and_a_newer_one_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_name(fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "name": "Ada"}

    monkeypatch.setattr(entries.StaffSaid, "v", 2)
    monkeypatch.setitem(entries.UPCASTERS, ("staff_said", 1), add_name)
    assert from_body("staff_said", 1, b'{"text": "hi"}') == entries.StaffSaid(text="hi", name="Ada")
    with pytest.raises(ValueError, match="version 3 is newer"):
        from_body("staff_said", 3, b"{}")
    with pytest.raises(KeyError):
        from_body("nobody_wrote_this", 1, b"{}")


def test_a_line_names_its_kind() -> None:
    assert Recorded(1, 0, 1, 0, entries.AgentSaid(text="x")).kind == "agent_said"
    assert Recorded(1, 0, 1, 0, Erased(was="agent_said")).kind == "erased"
