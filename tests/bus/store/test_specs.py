"""Versions of the spec: a changed file is live, an unchanged one respects a rollback."""

from __future__ import annotations

import pytest

from bus.store import Tenant, specs
from tests.bus.scripts import NOW


async def test_a_changed_file_becomes_live_and_a_rollback_holds_until_then(tenant: Tenant) -> None:
    assert await tenant.read(specs.live) is None
    assert (await tenant.write(specs.load, "v-a", "a", "digest-a", NOW)).id == "v-a"
    assert (await tenant.write(specs.load, "v-b", "b", "digest-b", NOW)).id == "v-b"
    await tenant.write(specs.publish, "v-a")
    assert (await tenant.write(specs.load, "v-b", "b", "digest-b", NOW)).id == "v-a", "a restart"
    assert (await tenant.write(specs.load, "v-c", "c", "digest-c", NOW)).id == "v-c"
    assert [(one.number, one.id) for one in await tenant.read(specs.every)] == [(1, "v-a"), (2, "v-b"), (3, "v-c")]


async def test_a_content_is_kept_once_under_one_number(tenant: Tenant) -> None:
    for _ in range(3):
        await tenant.write(specs.keep, "v-a", "a", NOW)
    assert len(await tenant.read(specs.every)) == 1
    by_number, by_id = await tenant.read(specs.one, "1"), await tenant.read(specs.one, "v-a")
    assert by_number == by_id
    assert await tenant.read(specs.one, "2") is None


async def test_what_is_not_there_cannot_be_published(tenant: Tenant) -> None:
    with pytest.raises(KeyError):
        await tenant.write(specs.publish, "v-x")
