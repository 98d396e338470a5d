"""Each guard of the contract is taken out once, to see that its test then fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bus.errors import Permanent, Unavailable
from bus.store.engine import statements
from channels import webhook
from channels.slack import connection as slack_connection
from channels.slack import endpoint as slack
from channels.slack.customers import channel as slack_customers
from channels.slack.customers import reading as slack_reading
from channels.slack.customers.people import Member, People
from channels.telegram import client as telegram_client
from channels.telegram import endpoint as telegram
from channels.telegram import incoming as telegram_incoming
from channels.telegram.channel import TelegramChannel
from channels.web import wire
from channels.whatsapp import channel as whatsapp_channel
from channels.whatsapp import client as whatsapp_client
from channels.whatsapp import endpoint as whatsapp
from channels.whatsapp import incoming as whatsapp_incoming
from tests.bus.test_mutations import without
from tests.channels import test_contract as contract
from tests.channels.contract.kinds import adapter
from tests.channels.contract.rig import Rig
from tests.third_party import letterbox

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]
Check = Callable[..., Awaitable[None]]


def swap(place: Any, name: str, other: Any) -> Break:
    """Another thing in the place of this one."""
    return lambda patch: patch.setattr(place, name, other)


def always(answer: Any) -> Callable[..., Any]:
    """Gives the same answer to everything."""
    return lambda *_, **__: answer


def acknowledging(patch: Patch) -> None:
    """A store that is down is nobody's business."""
    whole = webhook.answered

    def answered(handler: Any, *more: Any) -> Any:
        async def calm(request: Any) -> Any:
            try:
                return await handler(request)
            except Unavailable:
                return web.Response()

        return whole(calm, *more)

    patch.setattr(webhook, "answered", answered)


def forgetful(patch: Patch) -> None:
    """Every telling has a key of its own."""
    insert = statements()["inbox_insert"]
    key = ":key || '-' || hex(randomblob(8))"
    patch.setitem(statements(), "inbox_insert", insert.replace(":account, :key", f":account, {key}"))


def loud(patch: Patch) -> None:
    """What is sent is told to the log as well."""
    send = TelegramChannel.send

    async def telling(self: TelegramChannel, sending: Any) -> str:
        telegram.logger.info("sent", content=str(sending.outbound.content))
        return await send(self, sending)

    patch.setattr(TelegramChannel, "send", telling)


async def nobody_knows(self: Any, sending: Any) -> None:
    """What `find` says where nothing can be found."""


async def certainly_not(self: Any, sending: Any) -> str:
    """What `find` says of what was not taken."""
    return ""


async def one_of_us(self: Any, user: str) -> Member:
    """Whoever it is."""
    return Member("Somebody", ours=True, human=True)


def mangled(error: Exception) -> Permanent:
    """Every refusal is the same."""
    return Permanent("refused", str(error))


REFUSED = contract.test_who_does_not_know_the_secret_is_refused
FOREIGN = contract.test_what_is_somebody_elses_is_refused_or_left_alone
ONCE = contract.test_however_often_and_in_whatever_order_it_comes_each_is_there_once
REPLAYED = contract.test_a_replay_adds_nothing_however_late
STORED = contract.test_while_nothing_can_be_recorded_nothing_is_acknowledged
TOO_MUCH = contract.test_too_much_is_refused
IN_ORDER = contract.test_a_long_text_arrives_whole_and_in_order_and_before_what_comes_next
WAITING = contract.test_too_many_waits_as_told_and_keeps_the_order
LOST = contract.test_an_answer_that_is_lost_doubles_nothing
IN_PARTS = contract.test_parts_that_must_wait_are_not_overtaken_and_not_said_twice
NAMED = contract.test_every_error_that_the_platform_tells_of_has_an_outcome
HIDDEN = contract.test_no_text_of_ours_is_refused_or_hides_anything
LOGGED = contract.test_no_secret_and_no_words_are_in_the_logs
GUARDS: dict[str, tuple[Check, str, Break]] = {
    "telegram: the secret": (REFUSED, "telegram", swap(telegram, "verified", always(True))),
    "whatsapp: the signature": (REFUSED, "whatsapp", swap(whatsapp, "signed", always(True))),
    "slack: the signature": (REFUSED, "slack", swap(slack, "signed", always(True))),
    "web: whose pages may call": (FOREIGN, "web", swap(wire.Origins, "check", always(None))),
    "whatsapp: whose account": (FOREIGN, "whatsapp", swap(whatsapp_incoming, "_check_ours", always(None))),
    "whatsapp: one id and one sender": (FOREIGN, "whatsapp", swap(whatsapp_incoming, "_check_consistent", always(None))),
    "whatsapp: unknown fields are confirmed": (FOREIGN, "whatsapp", swap(whatsapp, "is_familiar", always(True))),
    "slack: no bot is a customer": (FOREIGN, "slack", swap(slack_reading, "by_person", always(True))),
    "slack: of this workspace": (FOREIGN, "slack", swap(People, "member", one_of_us)),
    "telegram: groups only where allowed": (FOREIGN, "telegram", swap(telegram_incoming, "PRIVATE", "supergroup")),
    "recorded once": (ONCE, "telegram", forgetful),
    "a replay": (REPLAYED, "whatsapp", forgetful),
    "nothing is acknowledged that is not stored": (STORED, "letterbox", acknowledging),
    "at most so much": (TOO_MUCH, "slack", swap(webhook.body, "__defaults__", (1 << 30,))),
    "first in, first out": (IN_ORDER, "whatsapp", without("outbox_first", "ORDER BY id", by="ORDER BY id DESC")),
    "waits as told": (WAITING, "slack", swap(slack_connection, "_after", always(None))),
    "too many is no refusal": (WAITING, "telegram", swap(telegram_client, "translated", mangled)),
    "looks before it says it again": (LOST, "telegram", swap(TelegramChannel, "find", certainly_not)),
    "finds what was taken": (LOST, "slack", swap(slack_customers.Customers, "find", nobody_knows)),
    "whatsapp goes on where it was stopped": (IN_PARTS, "whatsapp", swap(whatsapp_channel, "_matched", always([]))),
    "telegram: every refusal has its name": (NAMED, "telegram", swap(telegram_client, "reason", always("refused"))),
    "whatsapp: every refusal has its name": (NAMED, "whatsapp", swap(whatsapp_client, "translated", mangled)),
    "slack: every refusal has its name": (NAMED, "slack", swap(slack_customers, "named", lambda error: error)),
    "nothing that people cannot see": (HIDDEN, "letterbox", swap(letterbox, "cleaned", lambda text: text)),
    "no words in the log": (LOGGED, "telegram", loud),
}  # fmt: skip
MORE: dict[Check, tuple[Any, ...]] = {
    IN_PARTS: (1,),
    HIDDEN: ("right to left",),
}


@pytest.mark.parametrize("guard", GUARDS)
async def test_without_its_guard_the_contract_is_broken(
    guard: str, tmp_path: Path, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    check, kind, mutate = GUARDS[guard]
    more = (caplog,) if guard == "no words in the log" else MORE.get(check, ())
    mutate(monkeypatch)
    async with Rig(tmp_path, adapter(kind)).living(contract.KINDS[kind]) as rig:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await check(rig, *more)
