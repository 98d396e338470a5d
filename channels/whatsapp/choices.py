"""A customer's «1» is the choice it stands for.

It is decided here and not by the agent, since only this channel shows buttons as a numbered list; and from the log, where the buttons
that were offered are kept anyway, so that an answer counts after a restart as before it, and nothing else has to be remembered.
"""

from __future__ import annotations

import re

import msgspec

from bus.entries import AgentSaid, CustomerEdited, Recorded
from bus.message import Inbound
from bus.store import Tenant, conversations, log
from bus.store.engine import Transaction

NUMBER = re.compile(r"\W{0,2}(\d{1,2})\W{0,2}")
KEYCAP = "\ufe0f\u20e3"
LONGEST_LABEL = 80
LOOKED_AT = 8


async def chosen(tenant: Tenant, inbound: Inbound) -> Inbound:
    """The Inbound as a press, if its words answer the newest question that is still open; else as it is."""
    text = inbound.text.strip()
    if not text or len(text) > LONGEST_LABEL or inbound.attachments:
        return _spoken(inbound)
    question = await tenant.read(_open_question, inbound)
    if question is None:
        return _spoken(inbound)
    button = _named(question, text, inbound.button)
    if button is None:
        return _spoken(inbound)
    return msgspec.structs.replace(
        inbound, kind="press", button=button["id"], text=button["label"], target=f"m{question.seq}"
    )


def _spoken(inbound: Inbound) -> Inbound:
    """Words: a button that nobody offers any more is what its label says."""
    return msgspec.structs.replace(inbound, kind="message", button="") if inbound.kind == "press" else inbound


def _open_question(tx: Transaction, inbound: Inbound) -> Recorded | None:
    found = conversations.route(tx, inbound.address)
    lines = log.newest_said(tx, found[0], LOOKED_AT) if found else []
    said = [line for line in lines if not isinstance(line.entry, CustomerEdited)]
    newest = said[-1] if said else None
    while said and said[-1].kind == "system_said":
        newest = (said := said[:-1])[-1] if len(said) > 1 else None
    return newest if newest is not None and isinstance(newest.entry, AgentSaid) and newest.entry.buttons else None


def _named(question: Recorded, text: str, pressed: str) -> dict[str, str] | None:
    buttons = question.entry.buttons if isinstance(question.entry, AgentSaid) else ()
    number = NUMBER.fullmatch(text.replace(KEYCAP, ""))
    if number and 1 <= int(number[1]) <= len(buttons):
        return buttons[int(number[1]) - 1]
    folded = text.casefold()
    return next((one for one in buttons if one["id"] == pressed or one["label"].strip().casefold() == folded), None)
