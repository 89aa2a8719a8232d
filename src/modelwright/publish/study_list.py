"""The list of the package's studies: what was published, and when each was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Table
from modelwright.core.report import Report
from modelwright.publish.finished_studies import find_finished_study
from modelwright.publish.shipped_studies import read_shipped_study, select_study_names
from modelwright.studies.plan import StudyPlan
from modelwright.studies.tables import EMPTY, format_seeds, format_share

_HEADERS = ("study", "variant", "published", "its own code", "seeds", "kept")


@dataclass(frozen=True)
class StudiesReport(Report):
    """The studies, and the date of the finished measurement of each; None if there is none."""

    plans: tuple[StudyPlan, ...]
    dates: tuple[str | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the studies as JSON can hold them; shares are from 0 to 1."""
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

    def blocks(self) -> Sequence[Block]:
        """Returns a table with a row for each variant."""
        rows = []
        for plan, date in zip(self.plans, self.dates, strict=True):
            start, end = (plan.name,), (format_seeds(plan.seeds), date or EMPTY)
            for one in plan.variants:
                claims = (format_share(one.claimed), format_share(one.rerun))
                rows.append((*start, one.name, *claims, *end))
                start, end = ("",), ("", "")
        return [Table(_HEADERS, rows)]


def list_studies(names: Sequence[str] = (), results: Path | None = None) -> StudiesReport:
    """Returns the studies of these names, or all studies.

    Raises:
        ConfigError: there is no study of a name.
        RunError: the record of a finished study cannot be read.
    """
    plans = tuple(read_shipped_study(name) for name in select_study_names(names))
    dates = tuple(_date(plan.name, results) for plan in plans)
    return StudiesReport(plans, dates)


def _date(name: str, results: Path | None) -> str | None:
    study = find_finished_study(results, name) if results else None
    return None if study is None else study.date
