"""What an update says of the step after it. Nothing is learned here."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from modelwright.updating.job import Job
from modelwright.updating.settings import UpdateSettings


def test_after_a_dry_run_the_same_options_are_named() -> None:
    settings = UpdateSettings(strategy="replay", dry_run=True)
    job = Job(Path("models/reviews"), "new.csv", settings, time.monotonic(), None)
    base = cast(Any, SimpleNamespace(home=Path("models/reviews")))
    assert job._next(base, None) == "the same command without --dry-run"
