"""What studies come with the package, what they claim, and which of them are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.terminal import table
from modelwright.publish import kept_studies, shipped_studies
from modelwright.studies import tables
from modelwright.studies.plan import Plan

_NONE = "—"


@dataclass(frozen=True)
class StudiesReport:
    """The studies, and of each the day when what is kept of it was measured."""

    plans: tuple[Plan, ...]
    dates: tuple[str | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine; shares from 0 to 1."""
        return {
            "studies": [
                {
                    "name": plan.name,
                    "title": dict(plan.title),
                    "seeds": list(plan.seeds),
                    "kept": date,
                    "variants": [
                        {"name": one.name, "claimed": one.claimed, "rerun": one.rerun}
                        for one in plan.variants
                    ],
                }
                for plan, date in zip(self.plans, self.dates, strict=True)
            ]
        }

    def render(self) -> str:
        """For a person."""
        rows = []
        for plan, date in zip(self.plans, self.dates, strict=True):
            for place, one in enumerate(plan.variants):
                first = not place
                rows.append(
                    (
                        plan.name if first else "",
                        one.name,
                        tables.share(one.claimed),
                        tables.share(one.rerun),
                        tables.seeds(plan.seeds) if first else "",
                        (date or _NONE) if first else "",
                    )
                )
        return table(("study", "variant", "published", "its own code", "seeds", "kept"), rows)


def list_studies(names: Sequence[str] = (), results: Path | None = None) -> StudiesReport:
    """The studies of those names, all where none is given.

    Raises:
        ConfigError: there is none of a name.
        RunError: a kept file cannot be read.
    """
    plans = tuple(shipped_studies.read(name) for name in shipped_studies.choose(names))
    dates = tuple(_date(plan.name, results) for plan in plans)
    return StudiesReport(plans, dates)


def _date(name: str, results: Path | None) -> str | None:
    path = results / f"{name}.json" if results else None
    study = kept_studies.read(path) if path and path.is_file() else None
    return None if study is None else str(study["date"])
