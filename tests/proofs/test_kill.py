"""Customers write and people decide while the process dies, at any moment and at named points. `make prove` does it at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import kill
from bench.books import Report
from bench.prove import POINTS

pytestmark = pytest.mark.timeout(180)


def nothing_is_wrong(report: Report) -> None:
    """Every count that must be 0 is, against what it is counted."""
    assert report.clean, f"{report}"
    assert report.acked == report.stored > 0
    assert report.effects > 0


@pytest.mark.slow
async def test_dying_at_any_moment_loses_and_repeats_nothing(tmp_path: Path) -> None:
    report = await kill.at_random(tmp_path, seed=7, messages=120, people=12, kills=4, pause=(0.3, 1.5))
    nothing_is_wrong(report)
    assert report.kills >= 4


@pytest.mark.slow
@pytest.mark.parametrize("point", ["K15", "K19"])
async def test_dying_where_it_hurts_loses_and_repeats_nothing(tmp_path: Path, point: str) -> None:
    chance = POINTS[point] * 3
    report = await kill.at_point(tmp_path, point, seed=7, messages=32, people=8, chance=chance, deaths=1)
    nothing_is_wrong(report)
    assert report.kills >= 1


@pytest.mark.slow
async def test_asked_to_stop_it_ends_in_time_and_loses_nothing(tmp_path: Path) -> None:
    report = await kill.by_request(tmp_path, seed=7, messages=40, people=8, stops=2, pause=(0.2, 1.0))
    nothing_is_wrong(report)
    assert report.kills >= 2


@pytest.mark.slow
async def test_the_harness_sees_the_damage_when_a_mechanism_is_missing(tmp_path: Path) -> None:
    small = {"seed": 7, "messages": 30, "people": 6, "deaths": 1}
    report = await kill.at_point(tmp_path, "K5", chance=0.02, mutant="deaf_ids", **small)
    assert report.duplicated > 0, f"{report}"
