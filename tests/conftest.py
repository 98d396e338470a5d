"""Property tests try the same texts each time, so that a change is judged by itself; HYPOTHESIS_PROFILE=searching looks for new ones."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("settled", derandomize=True, deadline=None, database=None)
settings.register_profile("searching", deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "settled"))
