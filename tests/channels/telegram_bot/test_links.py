"""A customer of the site's goes on in Telegram: a link that works once, for ten minutes, for one account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from bus.message import Conversation
from bus.store import conversations
from demo.telegram import ANA, JONAS
from tests.channels.telegram_bot.world import World, opened

SITE = "the-site-signs-with-this-very-long-secret"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, identity_secret=SITE) as made:
        yield made


def identity(world: World, sub: str = "cus_1001", secret: str = SITE, lasts: int = 3600) -> str:
    claims = {"sub": sub, "name": "Ana Ruiz", "exp": world.clock.now // 1000 + lasts, "token": "token-of-ana"}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))


async def asked(world: World, signed: object) -> tuple[int, str]:
    """(status, the link's token)."""
    async with world.http.post(f"{world.url}/webhooks/telegram/links", json={"identity": signed}) as answer:
        link = (await answer.json())["url"] if answer.status == 201 else ""
    return answer.status, parse_qs(urlsplit(link).query).get("start", [""])[0]


async def met(world: World, person: int) -> Conversation:
    await world.worker.idle()
    found = await world.tenant.read(conversations.load, await world.conversation(person))
    assert found is not None
    return found


def who(conversation: Conversation) -> tuple[str, str] | None:
    return (conversation.customer.source, conversation.customer.id) if conversation.customer else None


async def test_a_link_tells_who_comes(site: World) -> None:
    status, token = await asked(site, identity(site))
    assert (status, len(token) <= 64) == (201, True)
    await site.telegram.say(ANA, f"/start {token}")
    found = await met(site, ANA)
    assert who(found) == ("web", "cus_1001")
    assert found.customer is not None
    assert site.seal.open(found.customer.token) == "token-of-ana"
    assert [one.text for one in site.agent.took] == ["Hello!"]


async def test_b9_a_link_is_the_first_accounts_alone(site: World) -> None:
    _, token = await asked(site, identity(site))
    await site.telegram.say(ANA, f"/start {token}")
    await site.telegram.say(JONAS, f"/start {token}")
    assert who(await met(site, ANA)) == ("web", "cus_1001")
    assert who(await met(site, JONAS)) is None
    assert site.channel.status()["counts"]["link_refused"] == 1
    assert [one.text for one in site.agent.took if one.address.peer == str(JONAS)] == ["Hallo!"]


async def test_b9_a_link_ends_after_ten_minutes(site: World) -> None:
    _, token = await asked(site, identity(site))
    site.clock.advance(601)
    await site.telegram.say(ANA, f"/start {token}")
    assert who(await met(site, ANA)) is None


async def test_a_conversation_that_is_there_becomes_the_customers_and_stays_theirs(site: World) -> None:
    await site.telegram.say(ANA, "hi")
    assert who(await met(site, ANA)) is None
    for sub in ("cus_1001", "cus_1002"):
        await site.telegram.say(ANA, f"/start {(await asked(site, identity(site, sub)))[1]}")
        assert who(await met(site, ANA)) == ("web", "cus_1001")


async def test_in_a_group_a_link_introduces_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path, identity_secret=SITE, groups=True) as world:
        world.telegram.group(-1001)
        _, token = await asked(world, identity(world))
        await world.telegram.say(ANA, f"/start {token}", chat=-1001)
        found = await world.tenant.read(conversations.route, world.chat(f"-1001:{ANA}"))
        assert found is not None
        conversation = await world.tenant.read(conversations.load, found[0])
        assert conversation is not None
        assert who(conversation) is None


async def test_only_the_site_makes_links(site: World, tmp_path: Path) -> None:
    assert (await asked(site, identity(site, secret="another-secret-of-another-site-01")))[0] == 401
    assert (await asked(site, identity(site, lasts=-1)))[0] == 401
    assert (await asked(site, "x.y.z"))[0] == 401
    assert (await asked(site, 7))[0] == 400
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as world:
        assert (await asked(world, identity(world)))[0] == 404


@pytest.mark.parametrize("token", ["x", "ж", "a b", "'; DROP TABLE note; --", "x" * 5000])
async def test_a_made_up_token_is_a_greeting(site: World, token: str) -> None:
    await site.telegram.say(ANA, f"/start {token}")
    assert who(await met(site, ANA)) is None
    assert [one.text for one in site.agent.took] == ["Hello!"]
