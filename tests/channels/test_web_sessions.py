"""Sessions: visitors, signed identities, renewal, and whose conversation it is."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from bus.action import Action
from bus.message import Address, Customer, Move, Sender
from bus.store import actions, conversations, sessions
from bus.store.engine import Transaction
from channels.web.arrivals import digest
from tests.channels.web_world import SECRET, World, settings
from tests.support.clock import NOW


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as it:
        yield it


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def load(world: World, conversation: str) -> Any:
    return await world.tenant.read(conversations.load, conversation)


async def test_a_visitor_gets_a_session_and_a_conversation_of_their_own(world: World) -> None:
    first, second = await world.visit(), await world.visit()
    assert len(first.token) >= 43
    assert first.expires_at == NOW + 720 * 3_600_000
    assert first.conversation != second.conversation
    conversation = await load(world, first.conversation)
    assert conversation.address.channel == "web"
    assert conversation.address.peer.startswith("visitor:")
    assert conversation.customer is None


async def test_only_the_digest_of_a_token_is_stored(world: World, tmp_path: Path) -> None:
    visit = await world.visit()
    await visit.say("hello")
    await world.store.backup(str(tmp_path / "copy.db"))
    stored = (tmp_path / "copy.db").read_bytes()
    assert visit.token.encode() not in stored
    assert digest(visit.token).encode() in stored


async def test_a_session_without_a_body_is_a_visitors(world: World) -> None:
    async with world.http.post("/web/sessions") as answer:
        assert answer.status == 201
        assert set(await answer.json()) == {"session", "conversation", "expires_at"}


async def test_an_identified_customer_has_one_conversation_on_all_devices(world: World) -> None:
    phone = await world.visit(world.identity("ana", name=" Ana\u202e  Ruiz ", email="ana@mail.example", locale="es-ES"))
    laptop = await world.visit(world.identity("ana"))
    assert phone.conversation == laptop.conversation
    assert phone.token != laptop.token
    assert phone.expires_at == NOW + 24 * 3_600_000
    conversation = await load(world, phone.conversation)
    assert conversation.address == Address("default", "web", "", "sub:ana")
    assert conversation.customer == Customer("web", "ana", "Ana Ruiz", "ana@mail.example", "es-ES")


async def test_a_customer_who_is_called_like_a_visitor_is_not_that_visitor(world: World) -> None:
    visitor = await world.visit()
    peer = (await load(world, visitor.conversation)).address.peer
    assert (await world.visit(world.identity(peer))).conversation != visitor.conversation


async def test_first_sessions_at_once_open_one_conversation(world: World) -> None:
    visits = await asyncio.gather(*(world.visit(world.identity("ana")) for _ in range(12)))
    assert len({visit.conversation for visit in visits}) == 1
    assert len({visit.token for visit in visits}) == 12


async def test_the_same_customer_of_another_instance_is_somebody_else(world: World) -> None:
    here = await world.visit(world.identity("ana"))
    other = world.identity("ana", secret="another site with a secret of its own")
    status, there = await world.post("/second/sessions", {"identity": other})
    assert status == 201
    assert there["conversation"] != here.conversation
    assert (await world.post("/second/messages", {"id": "1", "text": "hi"}, here.token))[0] == 401
    assert (await world.post("/second/sessions", {}, here.token))[0] == 401


async def test_the_customers_token_is_kept_sealed_until_the_earlier_end(world: World, tmp_path: Path) -> None:
    soon = NOW // 1000 + 60
    token = f"{segment({'alg': 'none'})}.{segment({'exp': soon})}.x"
    visit = await world.visit(world.identity("ana", token=token))
    customer = (await load(world, visit.conversation)).customer
    assert customer.token_expires_at == soon * 1000
    assert world.seal.open(customer.token) == token
    await world.store.backup(str(tmp_path / "copy.db"))
    assert token.encode() not in (tmp_path / "copy.db").read_bytes()
    opaque = await world.visit(world.identity("ben", token="an opaque token " + "x" * 8000))
    assert (await load(world, opaque.conversation)).customer.token_expires_at == NOW + 3_600_000
    assert (await load(world, (await world.visit(world.identity("eve"))).conversation)).customer.token == ""


async def test_the_newest_word_counts_and_silence_changes_nothing(world: World) -> None:
    await world.visit(world.identity("ana", name="Ana", email="ana@mail.example", token="first"))
    await world.visit(world.identity("ana", name="Ana Ruiz", token="second"))
    visit = await world.visit(world.identity("ana", exp=NOW // 1000 + 60))
    customer = (await load(world, visit.conversation)).customer
    assert (customer.name, customer.email) == ("Ana Ruiz", "ana@mail.example")
    assert (world.seal.open(customer.token), customer.token_expires_at) == ("second", NOW + 3_600_000)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "  "}, "sub"),
        ({"sub": ["ana"]}, "sub"),
        ({"sub": 0}, "sub"),
        ({"sub": {"id": "ana"}}, "sub"),
        ({"sub": "a" * 257}, "sub"),
        ({"sub": "ana\u202e"}, "sub"),
        ({"sub": "ana\x00"}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": NOW // 1000}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": -1}, "expired"),
        ({"exp": True}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": [NOW]}, "exp"),
        ({"nbf": NOW // 1000 + 3600}, "nbf"),
        ({"name": ["Ana"]}, "name"),
        ({"email": {"x": 1}}, "email"),
        ({"token": 7}, "token"),
        ({"token": "line\r\nX-Admin: 1"}, "token"),
        ({"token": "x" * 9000}, "token"),
        ({"secret": SECRET + "?"}, "signed"),
        ({"alg": "HS384"}, "signed"),
        ({"alg": "HS512"}, "signed"),
    ],
)
async def test_an_identity_that_proves_nothing_is_refused(world: World, claims: dict[str, Any], why: str) -> None:
    status, body = await world.sessions({"identity": world.identity(**claims)})
    assert status == 401
    assert why in body["error"]


def forged() -> list[str]:
    exp = NOW // 1000 + 3600
    body = segment({"sub": "ana", "exp": exp})
    good = jwt.encode({"alg": "HS256"}, {"sub": "ana", "exp": exp}, OctKey.import_key(SECRET))
    head, payload, signature = good.split(".")
    other = "A" if signature[10] != "A" else "B"
    return [
        f"{segment({'alg': 'none'})}.{body}.",
        f"{segment({'alg': 'None'})}.{body}.{signature}",
        f"{segment({'typ': 'JWT'})}.{body}.{signature}",
        f"{head}.{segment({'sub': 'eve', 'exp': exp})}.{signature}",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}.{payload}.{signature[:10]}{other}{signature[11:]}",
        f"{segment({'alg': 'HS256', 'crit': ['x'], 'x': 1})}.{payload}.{signature}",
        f"{segment({'alg': 'HS256', 'jwk': {'kty': 'oct', 'k': 'YQ'}})}.{payload}.{signature}",
        f"{segment({'alg': ['HS256']})}.{payload}.{signature}",
        f"{segment(['HS256'])}.{payload}.{signature}",
        f"{'[' * 5000}.{payload}.{signature}",
        f"{head}.{payload}.{signature}.x.y",
        "....",
        "garbage",
        "\u00e9.\u00e9.\u00e9",
        "a" * 20_000,
    ]


@pytest.mark.parametrize("identity", forged(), ids=range(len(forged())))
async def test_a_forged_identity_is_refused(world: World, identity: str) -> None:
    status, body = await world.sessions({"identity": identity})
    assert status == 401
    assert "identity" in body["error"]
    assert identity[:30] not in json.dumps(body)


@pytest.mark.parametrize("identity", ["", [], ["x"], 0, False, {"sub": "ana"}])
async def test_an_identity_that_is_no_text_is_malformed(world: World, identity: object) -> None:
    status, body = await world.sessions({"identity": identity})
    assert status == 400
    assert "identity" in body["error"]


async def test_a_typed_email_identifies_nobody(world: World) -> None:
    known = await world.visit(world.identity("ana", email="ana@mail.example"))
    status, body = await world.sessions({"email": "ana@mail.example", "sub": "ana", "identity": None})
    assert status == 201
    assert body["conversation"] != known.conversation


async def test_all_secrets_of_a_list_verify(world: World) -> None:
    new = "the new secret that the shop has begun to use"
    world.web.reconfigure(settings(identity_secret=[new, SECRET]))
    old, fresh = world.identity("ana"), world.identity("ana", secret=new)
    assert (await world.visit(old)).conversation == (await world.visit(fresh)).conversation


async def test_without_a_secret_identities_are_not_accepted(world: World) -> None:
    world.web.reconfigure(settings(identity_secret=""))
    status, body = await world.sessions({"identity": world.identity()})
    assert status == 400
    assert "identity_secret" in body["error"]
    assert (await world.sessions({}))[0] == 201


async def test_a_renewal_keeps_the_conversation_and_changes_the_token(world: World) -> None:
    visit = await world.visit()
    world.clock.advance(3600)
    renewed = await world.visit(token=visit.token)
    assert renewed.conversation == visit.conversation
    assert renewed.token != visit.token
    assert renewed.expires_at == visit.expires_at + 3_600_000


async def test_the_old_token_lives_on_for_a_minute_in_case_the_answer_was_lost(world: World) -> None:
    visit = await world.visit()
    await world.visit(token=visit.token)
    assert (await visit.send({"id": "1", "text": "hi"}))[0] == 202
    assert (await world.visit(token=visit.token)).conversation == visit.conversation
    world.clock.advance(61)
    assert (await visit.send({"id": "2", "text": "hi"}))[0] == 401


async def test_a_signed_in_session_that_is_renewed_stays_as_short_as_signed_in_ones_are(world: World) -> None:
    visit = await world.visit(world.identity("ana"))
    renewed = await world.visit(token=visit.token)
    assert renewed.conversation == visit.conversation
    assert renewed.expires_at == NOW + 24 * 3_600_000


@pytest.mark.parametrize("token", ["x" * 43, "short", "with space " * 4, "é" * 43])
async def test_a_token_nobody_gave_renews_nothing(world: World, token: str) -> None:
    async with world.http.post(
        "/web/sessions", json={}, headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    ) as answer:
        assert answer.status == 401
        assert await answer.text() == ""


async def test_an_expired_session_renews_nothing(world: World) -> None:
    visit = await world.visit()
    world.clock.advance(721 * 3600)
    assert await world.sessions({}, visit.token) == (401, {})


async def test_a_visitor_who_signs_in_keeps_the_conversation(world: World) -> None:
    visit = await world.visit()
    await visit.say("where is my order?")
    signed_in = await world.visit(world.identity("ana", name="Ana"), visit.token)
    assert signed_in.conversation == visit.conversation
    conversation = await load(world, visit.conversation)
    assert conversation.customer == Customer("web", "ana", "Ana")
    assert conversation.address.peer == "sub:ana"
    assert (await world.visit(world.identity("ana"))).conversation == visit.conversation
    await signed_in.say("it is me")
    assert world.consumer.works[-1].rows[0].inbound.sender == Sender("sub:ana", "Ana", "site")


async def test_nobody_holds_a_visitors_token_to_a_conversation_that_became_a_customers(world: World) -> None:
    """Who planted a session in a browser does not read on once its owner has signed in."""
    planted = await world.visit()
    shared = await world.visit(token=planted.token)
    await world.visit(world.identity("ana"), shared.token)
    for visit in (planted, shared):
        assert (await visit.send({"id": "1", "text": "hi"}))[0] == 401
        assert (await world.sessions({}, visit.token))[0] == 401


async def test_a_message_resent_after_signing_in_is_still_the_same_message(world: World) -> None:
    visit = await world.visit()
    assert (await visit.send({"id": "a", "text": "hi"}))[0] == 202
    signed_in = await world.visit(world.identity("ana"), visit.token)
    assert (await signed_in.send({"id": "a", "text": "hi"}))[0] == 200


async def test_a_visitor_who_signs_in_finds_the_conversation_that_was_there_before(world: World) -> None:
    home = await world.visit(world.identity("ana"))
    await home.say("from the laptop")
    visitor = await world.visit()
    await visitor.say("from the phone")
    signed_in = await world.visit(world.identity("ana"), visitor.token)
    assert signed_in.conversation == home.conversation != visitor.conversation
    assert [line["text"] for line in await signed_in.history()] == ["from the laptop", "You said: from the laptop"]
    assert (await load(world, visitor.conversation)).customer is None
    assert (await visitor.send({"id": "9", "text": "hi"}))[0] == 401


async def test_another_customer_in_the_same_browser_gets_another_conversation(world: World) -> None:
    ana = await world.visit(world.identity("ana"))
    await ana.say("my secret")
    ben = await world.visit(world.identity("ben"), ana.token)
    assert ben.conversation != ana.conversation
    assert await ben.history() == []
    assert (await ana.send({"id": "9", "text": "hi"}))[0] == 401
    assert (await load(world, ana.conversation)).customer.id == "ana"


def blocked(conversation: str) -> Action:
    return Action(
        id="act_1",
        conversation=conversation,
        what="tool",
        asks="staff",
        state="pending",
        tool="refund",
        args={},
        digest="d",
        spec="s",
        idempotency_key="k",
        created_at=NOW,
        expires_at=NOW + 10**9,
    )


def block(tx: Transaction, conversation: str) -> None:
    actions.insert(tx, blocked(conversation))
    actions.move(tx, conversation, Move("act_1", "pending", "approved"), NOW)
    actions.move(tx, conversation, Move("act_1", "approved", "blocked"), NOW)


async def test_signing_in_again_wakes_a_blocked_action_once(world: World) -> None:
    visit = await world.visit(world.identity("ana", token="old"))
    await world.settle()
    assert world.consumer.works == []
    await world.tenant.write(block, visit.conversation)
    await world.visit(token=visit.token)
    await world.visit(world.identity("ben", token="x"))
    await world.settle()
    assert world.consumer.works == []
    await world.visit(world.identity("ana", token="new"))
    await world.settle()
    (work,) = world.consumer.works
    assert work.conversation.id == visit.conversation
    assert (work.consumer, work.rows[0].inbound.kind, work.rows[0].inbound.memo) == ("agent", "memo", "signed_in")


async def test_too_many_new_sessions_from_one_address_wait(world: World) -> None:
    world.web.reconfigure(settings(sessions_per_minute=3))
    statuses = [(await world.sessions({}))[0] for _ in range(4)]
    assert statuses == [201, 201, 201, 429]
    async with world.http.post("/web/sessions", json={}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "21")
    assert (await world.sessions({}, **{"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}))[0] == 201
    world.clock.advance(21)
    assert (await world.sessions({}))[0] == 201


async def test_expired_sessions_are_forgotten(world: World) -> None:
    visit = await world.visit()
    world.clock.advance(721 * 3600)
    await world.web.tick()
    await world.store.healthy()
    assert await world.tenant.read(sessions.find, digest(visit.token), NOW) is None
