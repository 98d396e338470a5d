"""Property tests try the same texts each time, so that a change is judged by itself; HYPOTHESIS_PROFILE=searching looks for new ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from bench.postgres import Cluster

settings.register_profile("settled", derandomize=True, deadline=None, database=None)
settings.register_profile("searching", deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "settled"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests of this worker; nothing it holds would survive the machine."""
    from bench.postgres import cluster, program

    if program("postgres") is None:
        pytest.skip("no PostgreSQL here")
    with cluster() as found:
        yield found
