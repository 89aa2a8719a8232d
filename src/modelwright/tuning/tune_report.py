"""What ``modelwright.tune`` returns: the record of a search, its tables and what they mean."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.config import setting
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.tuning.objective import objective_error, pareto_front, ranked_trials
from modelwright.tuning.search_folder import BEST, CHECK
from modelwright.tuning.search_notes import points, search_notes
from modelwright.tuning.search_plots import FOLDER
from modelwright.tuning.search_record import BestTrial, SearchRecord
from modelwright.tuning.trial_record import State, TrialRecord

_STATES: tuple[State, ...] = ("finished", "pruned", "failed", "running")
_SHOWN = 10


class TuneReport(SearchRecord, Report):
    """A search: how far it came, its best trial, and how much of the gain to believe."""

    def blocks(self) -> Sequence[Block]:
        """Returns the outcome, the best trials, the failures and the notes."""
        found: list[Block] = [Facts("tuned", self._facts())]
        ranked = ranked_trials(self.records, self.search)
        if ranked:
            more = f", the best {_SHOWN} of {len(ranked)}" if len(ranked) > _SHOWN else ""
            found.append(self._table(f"finished trials{more}", ranked[:_SHOWN]))
        if self.pareto:
            front = [self.records_by_number[number] for number in self.pareto]
            found.append(self._table("Pareto front: no trial beats these in everything", front))
        failed = [(one.number, one.reason) for one in self.records if one.state == "failed"]
        if failed:
            found.append(Table(("trial", "failed because"), failed[:_SHOWN]))
        found += self._importance()
        if self.notes:
            found.append(Note("\n".join(f"note: {note}" for note in self.notes)))
        return found

    @property
    def records_by_number(self) -> dict[int, TrialRecord]:
        """The trials by their numbers."""
        return {one.number: one for one in self.records}

    def _importance(self) -> list[Block]:
        measured = self.importance
        if not measured.dimensions:
            reason = f"importance of the settings: {measured.reason}"
            return [Note(reason)] if self.finished and self.status != "running" else []
        rows = [
            (one.key, f"{one.value:.2f}", f"{one.low:.2f} to {one.high:.2f}",
             "yes" if one.sure else "may be chance")
            for one in measured.dimensions
        ]  # fmt: skip
        title = (
            "share of the order of trials that a setting decides, alone or with others"
            f" ({measured.finished} finished, {measured.pruned} pruned)"
        )
        return [Table(("setting", "share", "95 % interval", "effect"), rows, title)]

    def _facts(self) -> list[tuple[str, object]]:
        reason = f" ({self.reason})" if self.reason else ""
        states = ", ".join(f"{count} {state}" for state, count in self.trials.items() if count)
        rows: list[tuple[str, object]] = [
            ("folder", str(self.folder)),
            ("status", f"{self.status}{reason}"),
            ("trials", f"{len(self.records)}: {states}" if states else "none"),
            ("seconds", f"{self.seconds:.1f}"),
            ("method", f"{self.search.sampler}, pruner {self.search.pruning}"),
        ]
        if self.best is None:
            return [*rows, ("best", "none")]
        best = self.best
        error = "" if best.error is None else f" ± {points(best.error)} (standard error)"
        rows.append(
            ("best", f"trial {best.number}: {self.search.objective} {self._figure(best.objective)}"
                     f"{error}")
        )  # fmt: skip
        rows += [(key, setting(value)) for key, value in best.settings.items()]
        rows.append(("run", str(best.run)))
        if (self.folder / FOLDER).is_dir():
            rows.append(("plots", str(self.folder / FOLDER)))
        best_file, check = (shlex.quote((self.folder / name).as_posix()) for name in (BEST, CHECK))
        rows.append(("train with it", f"modelwright train --recipe {best_file}"))
        if (self.folder / CHECK).is_file():
            rows.append(("next", f"modelwright compare {check}"))
        return rows

    def _table(self, title: str, trials: Sequence[TrialRecord]) -> Table:
        keys = [one.key for one in self.dimensions]
        figures = {"size_mib": "MiB", "latency_ms": "ms a row"}
        shown = [
            (figure, header)
            for figure, header in figures.items()
            if any(figure in one.figures for one in trials)
        ]
        headers = ["trial", self.search.objective, *(header for _, header in shown)]
        rows = [
            [
                one.number,
                "" if one.objective is None else self._figure(one.objective),
                *(_short(one.figures.get(figure, "")) for figure, _ in shown),
                *(_short(one.values[key]) if key in one.values else "" for key in keys),
            ]
            for one in trials
        ]
        return Table([*headers, *(key.partition(".")[2] for key in keys)], rows, title)

    def _figure(self, value: float) -> str:
        return f"{value:.4f}" if self.search.objective == "val_loss" else percent(value)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else setting(value)


def summarize(record: SearchRecord, records: Sequence[TrialRecord]) -> TuneReport:
    """Returns the report of a search with these trials.

    Args:
        record: the search, with the trials of an earlier moment or none.
        records: the trials, in the order of their numbers.
    """
    counted = Counter(one.state for one in records)
    fields = {name: getattr(record, name) for name in SearchRecord.model_fields}
    report = TuneReport(**{
        **fields,
        "records": tuple(records),
        "trials": {state: counted[state] for state in _STATES},
        "best": _best(record, records),
        "pareto": pareto_front(records, record.search),
    })  # fmt: skip
    return report.model_copy(update={"notes": (*record.decisions, *search_notes(report))})


def _best(record: SearchRecord, records: Sequence[TrialRecord]) -> BestTrial | None:
    ranked = ranked_trials(records, record.search)
    if not ranked or ranked[0].objective is None:
        return None
    first = ranked[0]
    return BestTrial(
        number=first.number,
        objective=first.objective,
        error=objective_error(record.search.objective, first),
        settings=first.values,
        run=Path(record.folder) / "runs" / f"{first.number:04}",
    )
