"""``modelwright.tune``: searches for better settings, and goes on where a search was stopped.

This process trains nothing and loads no framework before the search has ended; a runner carries
out the trials. ``search`` has the loop, ``tune_report`` says what the figures mean.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.core.files import explained_refusals, write_json, write_text
from modelwright.core.types import Progress
from modelwright.data.load import load_data
from modelwright.trials.registry import make_runner
from modelwright.trials.runner import Runner
from modelwright.tuning.best_files import write_best_files
from modelwright.tuning.dimension import Values
from modelwright.tuning.latency import measure_latency
from modelwright.tuning.optuna_journal import JOURNAL, write_journal
from modelwright.tuning.outcomes import best_trials
from modelwright.tuning.own_settings import OUTSIDE, begins_with_base, own_point
from modelwright.tuning.pruners.pruner import Pruner
from modelwright.tuning.pruners.registry import make_pruner
from modelwright.tuning.samplers.registry import make_sampler
from modelwright.tuning.samplers.sampler import Sampler
from modelwright.tuning.search import Search
from modelwright.tuning.search_file import read_search_plan
from modelwright.tuning.search_folder import (
    PLAN,
    RECORD,
    SearchFolder,
    own_folder,
    refuse_other_folder,
)
from modelwright.tuning.search_plan import SearchPlan, planned_epochs, refuse_changed_search
from modelwright.tuning.search_record import (
    SearchedData,
    SearchRecord,
    SearchStatus,
    read_search_record,
)
from modelwright.tuning.search_views import draw_where_possible, with_importance, write_views
from modelwright.tuning.tune_report import TuneReport, summarize


def tune(
    search: Path | str | Mapping[str, Any] | SearchPlan,
    *,
    out: Path | str | None = None,
    runner: str | Runner = "local",
    workers: int = 1,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> TuneReport:
    """Searches for better settings of a recipe on the validation rows.

    Each trial is an ordinary training in its own run. A search that was stopped or killed goes on
    with its trials. With one worker, it ends as it would have without the interruption. Ctrl-C
    ends it with a report whose status is ``stopped``. Test rows are never used.

    Args:
        search: a TOML file, the folder of a search, a mapping with the same keys, or a plan; see
            ``tuning.search_file``.
        out: the search's folder, ``tunings/NAME`` by default.
        runner: carries out the trials: ``local``, ``ray``, the name of one of another package, or
            an object with the methods of ``trials.runner.Runner``.
        workers: the number of trials at a time, for a runner that is given by its name.
        retry_failed: whether trials that failed are tried again.
        progress: called after each epoch and trial.

    Raises:
        ConfigError: the search cannot be used, or the data has no validation rows.
        DataError: the data cannot be used.
        RunError: the folder holds another search, or another process searches in it.
        WriteError: the disk is full, or the folder cannot be written.
        MissingDependencyError: a package is missing.

    Example:
        ``tune({"base": {"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}}})``
    """
    plan = search if isinstance(search, SearchPlan) else read_search_plan(search)
    own = own_folder(search) if isinstance(search, Path | str) else None
    folder = SearchFolder(Path(out) if out else own or Path("tunings") / plan.name)
    with explained_refusals(folder.path):
        earlier = read_search_record(folder.path / RECORD)
        if earlier is None:
            refuse_other_folder(folder.path)
        folder.path.mkdir(parents=True, exist_ok=True)
        with folder.lock():
            made = make_runner(runner, workers) if isinstance(runner, str) else runner
            session = _Session(plan, folder, made, runner if isinstance(runner, str) else "own")
            return session.run(retry_failed=retry_failed, progress=progress)


def show_tuning(folder: Path | str) -> TuneReport:
    """Returns the report of a search as far as it has come, running or not.

    Raises:
        RunError: the folder holds no search.
    """
    place = SearchFolder(Path(folder))
    record = read_search_record(place.path / RECORD)
    if record is None:
        what = "is a file" if place.path.exists() else "does not exist"
        what = "has no search" if place.path.is_dir() else what
        raise RunError(f"{folder} {what}; expected a folder that 'modelwright tune' wrote.")
    update: dict[str, Any] = {"folder": place.path}
    if record.status == "running":
        update["seconds"] = max(record.seconds, place.read_seconds())
        update["status"] = "running" if place.is_locked() else "stopped"
    report = with_importance(summarize(record.model_copy(update=update), place.read_records()))
    draw_where_possible(report)
    return report


class _Session:
    """One call of ``tune`` in a locked folder."""

    def __init__(
        self, plan: SearchPlan, folder: SearchFolder, runner: Runner, runner_name: str
    ) -> None:
        self.folder = folder
        self.runner, self.runner_name = runner, runner_name
        self.earlier = read_search_record(folder.path / RECORD)
        if self.earlier is not None:
            refuse_changed_search(plan, self.earlier)
            # The order of the dimensions decides what a sampler proposes.
            plan = replace(plan, dimensions=self.earlier.dimensions)
        self.plan = plan
        self.first = own_point(plan.dimensions, plan.config) if begins_with_base(plan) else None

    def run(self, *, retry_failed: bool, progress: Progress | None) -> TuneReport:
        """Searches, and returns the report."""
        if retry_failed:
            self._retry_failed()
        search, folder = self.plan.search, self.folder
        sampler, pruner = _make_methods(self.plan, self.first)
        with self.runner as runner:
            record = self._first_record(progress)
            write_text(folder.path / PLAN, self.plan.to_toml())
            self._write(summarize(record, folder.read_records()))
            failed = self.earlier is not None and self.earlier.status == "failed"
            loop = Search(
                self.plan, folder, runner, sampler, pruner, measure_latency,
                lambda: self._write(self._report(record, loop, "running")), progress, failed,
            )  # fmt: skip
            try:
                ending = loop.run()
            except KeyboardInterrupt:
                report = self._report(record, loop, "stopped")
            else:
                report = self._report(record, loop, ending.status, ending.reason)
        write_best_files(self.plan, folder, best_trials(loop.ordered(), search))
        report = with_importance(report)
        self._write(report)
        write_views(report)
        if find_spec("optuna") is not None:
            higher = search.higher_is_better
            file, space = folder.path / JOURNAL, self.plan.dimensions
            write_journal(file, self.plan.name, space, loop.ordered(), higher_is_better=higher)
        return report

    def _retry_failed(self) -> None:
        for one in self.folder.read_records():
            if one.state == "failed":
                update = {"state": "running", "attempts": one.attempts + 1, "reason": ""}
                self.folder.write_record(one.model_copy(update=update))

    def _first_record(self, progress: Progress | None) -> SearchRecord:
        """Returns the record of the search without trials; the data is read and checked for it."""
        plan, path = self.plan, self.folder.path
        name, workers = self.runner_name, self.runner.slots
        command = ["modelwright", "tune", path.as_posix()]
        command += ["--runner", name] if name != "local" else []
        command += ["--workers", str(workers)] if workers != 1 else []
        return SearchRecord(
            name=plan.name,
            folder=path,
            status="running",
            command=shlex.join(command),
            search=plan.search,
            runner=name,
            workers=workers,
            base=plan.config.model_dump(mode="json"),
            dimensions=plan.dimensions,
            data=self._searched_data(progress),
            decisions=self._decisions(),
        )

    def _searched_data(self, progress: Progress | None) -> SearchedData:
        """Returns what the data is, or was: that of a search without a trial to make may be gone.

        Raises:
            DataError: the data cannot be used.
        """
        try:
            return self._checked_data(progress)
        except DataError:
            if (known := self._known_data()) is None:
                raise
            return known

    def _decisions(self) -> tuple[str, ...]:
        outside = begins_with_base(self.plan) and self.first is None
        return (*self.plan.notes, OUTSIDE) if outside else self.plan.notes

    def _known_data(self) -> SearchedData | None:
        """Returns what the same data was if no trial is left to make."""
        records, search = self.folder.read_records(), self.plan.search
        limit = search.trial_limit
        if self.earlier is None or any(one.state == "running" for one in records):
            return None
        source = self.plan.config.data.model_dump(mode="json")["source"]
        if source != self.earlier.base["data"]["source"]:
            return None
        return self.earlier.data if limit is not None and len(records) >= limit else None

    def _checked_data(self, progress: Progress | None) -> SearchedData:
        """Returns what the data is.

        Raises:
            ConfigError: there are no validation rows.
            RunError: the rows changed since the search began.
        """
        data = load_data(self.plan.config.data, progress=progress)
        rows = data.counts()
        if not rows.get("val"):
            raise ConfigError(
                f"the objective {self.plan.search.objective} needs validation rows, but"
                f" {data.source} has none; expected data.val above 0, or a source with such rows."
            )
        known = self.earlier.data.fingerprint if self.earlier else data.fingerprint
        if data.fingerprint != known:
            raise RunError(
                f"{data.source} changed since the search in {self.folder.path} began: its"
                f" fingerprint was {known[:12]} and is now {data.fingerprint[:12]}. Restore the"
                " data, or give the search another folder with --out."
            )
        return SearchedData(source=data.source, fingerprint=data.fingerprint, rows=rows)

    def _report(
        self, record: SearchRecord, loop: Search, status: SearchStatus, reason: str = ""
    ) -> TuneReport:
        records = loop.ordered()
        update = {
            "status": status,
            "reason": reason,
            "seconds": round(loop.seconds, 1),
            "own_first": bool(records) and records[0].values == self.first,
        }
        return summarize(record.model_copy(update=update), records)

    def _write(self, report: TuneReport) -> None:
        write_json(self.folder.path / RECORD, report.to_dict())


def _make_methods(plan: SearchPlan, first: Values | None = None) -> tuple[Sampler, Pruner]:
    search, most = plan.search, _most_epochs(plan)
    higher = search.higher_is_better
    return (
        make_sampler(
            search.sampler, plan.dimensions, seed=search.seed, higher_is_better=higher,
            max_epochs=most, first=first,
        ),
        make_pruner(
            search.pruner, seed=search.seed, higher_is_better=higher, max_epochs=most,
            factor=search.factor,
        ),
    )  # fmt: skip


def _most_epochs(plan: SearchPlan) -> int:
    """Returns the most epochs of any trial."""
    varied = [int(one.high) for one in plan.dimensions if one.key == "train.epochs"]
    varied += [
        int(value) for one in plan.dimensions if one.key == "train.epochs" for value in one.choices
    ]
    base = planned_epochs(plan.config)
    return max([base, *(base - plan.config.train.epochs + epochs for epochs in varied)])
