"""One update, step by step: read the rows, try the strategies, judge them, write what passed."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path

from modelwright.core.errors import ServableError
from modelwright.core.types import Progress
from modelwright.data.splits import TRAIN
from modelwright.runs.exports import find_exports, shown
from modelwright.runs.run import Run
from modelwright.servable.manifest import version_folders
from modelwright.servable.withdrawn import read_withdrawn
from modelwright.updating.attempts import try_strategies
from modelwright.updating.base_model import BaseModel
from modelwright.updating.classroom import Classroom
from modelwright.updating.judgment import Judgment, judge_candidates
from modelwright.updating.lineage import describe_lineage, identity
from modelwright.updating.new_rows import NewRows, read_new_rows
from modelwright.updating.old_rows import OldRows, find_old_rows
from modelwright.updating.report import UpdateReport
from modelwright.updating.report_file import report_from_record
from modelwright.updating.settings import UpdateSettings
from modelwright.updating.states import rebuilt_note
from modelwright.updating.tokens import choose_vocabulary
from modelwright.updating.work_folder import (
    close_work,
    finished_update,
    keep_refusal,
    open_work,
)
from modelwright.updating.write_version import Passed, write_run, write_servable

_VOCABULARY = "vocabulary.txt"
_DOUBTFUL = 0.2
"""Difference in macro-F1 from which labels are doubted."""


@dataclass(frozen=True)
class ReadRows:
    """The old rows and the new ones."""

    old: OldRows
    new: NewRows


@dataclass(frozen=True)
class Job:
    """One update: what the user asked for, and its steps."""

    model: Path
    data: str
    settings: UpdateSettings
    started: float
    progress: Progress | None

    def run(self, base: BaseModel, target: Path | None) -> UpdateReport:
        """Measures, writes what passed, and keeps the report."""
        settings, memory = self.settings, base.memory
        if settings.resume and base.model and (known := finished_update(base.model, memory)):
            close_work(memory)
            return report_from_record(known)
        withdrawn = read_withdrawn(base.model) if base.model else frozenset()
        read = self.read(base)
        made = identity(base, read.old, read.new, settings)
        work, note = open_work(memory, made, resume=settings.resume)
        report, passed = self.measure(base, read, work, target)
        if note:
            report = replace(report, notes=(*report.notes, note))
        if passed is None:
            keep_refusal(memory, report.to_dict())
        else:
            _check_not_withdrawn(base, withdrawn)
            passed = replace(passed, report=replace(report, written=True))
            if target is None:
                report = write_servable(passed, report.version or 0, settings, self.progress)
            else:
                report = write_run(passed, target, settings, self.progress)
            report = replace(report, seconds=time.monotonic() - self.started)
        close_work(memory)
        return report

    def read(self, base: BaseModel) -> ReadRows:
        """Returns the rows."""
        old = find_old_rows(base, self.settings, self.progress)
        version = next_version(base)
        new = read_new_rows(base, self.data, old, self.settings, version, self.progress)
        return ReadRows(old.without_examples(new.stored.of_side(TRAIN)), new)

    def measure(
        self, base: BaseModel, read: ReadRows, work: Path, target: Path | None
    ) -> tuple[UpdateReport, Passed | None]:
        """Returns the report of all candidates, and the one that may be written."""
        settings, new = self.settings, read.new
        report = self._unmeasured(base, read)
        if new.refusal:
            return report, None
        file = work / _VOCABULARY
        texts = new.stored.of_side(TRAIN).rows(base.shape)
        tokens = choose_vocabulary(base, texts, file)
        room = Classroom(base, read.old, new, tokens, file, settings, self.progress)
        attempts = try_strategies(room, settings, work)
        judgment = judge_candidates(room, attempts, settings.limits, settings.strategy)
        report = _judged(report, judgment)
        learned = (one.notes for one in attempts.candidates if one.name == report.strategy)
        rebuilt = rebuilt_note(read.old, len(room.kept), base.config.model, settings.strategy)
        more = (tokens.note, rebuilt, *next(learned, ()), _level_note(judgment))
        report = replace(report, notes=(*report.notes, *filter(None, more)))
        if judgment.best is None:
            doubt = self._doubt(report) if len(new.names) == len(base.labels) else ""
            notes = tuple(filter(None, (*report.notes, doubt)))
            seconds = time.monotonic() - self.started
            return replace(report, notes=notes, seconds=seconds), None
        made = identity(base, read.old, new, settings)
        lineage = describe_lineage(room, judgment.best, judgment, settings, made)
        report = replace(
            report,
            passed=True,
            version=next_version(base),
            next=self._next(base, target),
            seconds=time.monotonic() - self.started,
        )
        vocabulary = file if base.task == "text" else None
        return report, Passed(room, judgment.best, work, vocabulary, report, lineage)

    def _unmeasured(self, base: BaseModel, read: ReadRows) -> UpdateReport:
        """Returns what is known before any strategy has learned."""
        new = read.new
        notes = (*read.old.notes, *new.notes)
        if new.rejected:
            notes = (*notes, f"rejected new rows, which cannot be read: {new.rejected:,}")
        return UpdateReport(
            model=self.model,
            data=new.source,
            parent=base.version,
            passed=False,
            written=False,
            version=None,
            path=None,
            strategy=None,
            reason=new.refusal,
            labels=new.names,
            seconds=time.monotonic() - self.started,
            notes=notes,
        )

    def _doubt(self, report: UpdateReport) -> str:
        """Returns a note if the model disagrees with the new labels far more than with the old."""
        old, new = report.old, report.new
        if old is None or new is None or new.before > old.before - _DOUBTFUL:
            return ""
        return (
            f"the model before has a macro-F1 of {new.before:.2f} on the new rows and"
            f" {old.before:.2f} on the old ones: they are of another kind, or their labels are"
            f" wrong; modelwright audit {shlex.quote(self.data)} lists labels that are probably"
            " wrong"
        )

    def _next(self, base: BaseModel, target: Path | None) -> str:
        """Returns what usually follows."""
        if self.settings.dry_run:
            return "the same command without --dry-run"
        if isinstance(base.source, Run):
            return shlex.join(["modelwright", "export", str(target), _model_of(base.source)])
        return f"modelwright rollback {shlex.quote(str(base.home))}, should it not do well in use"


def _model_of(run: Run) -> str:
    """Returns the folder of the model that a run was exported as, or its usual one."""
    exports = find_exports(run.path, run.metrics, "", ())
    there = [one.path.parent for one in exports if one.state in ("there", "moved")]
    return shown(there[-1]) if there else f"models/{run.model_name}"


def _check_not_withdrawn(base: BaseModel, before: frozenset[int]) -> None:
    """Refuses to write what a model taught whose version was withdrawn since: it would go live.

    Raises:
        ServableError: a rollback withdrew it during the update.
    """
    if base.model and base.version in read_withdrawn(base.model) - before:
        raise ServableError(
            f"{base.path} was withdrawn while it was being updated, so nothing was written; start"
            " the update again without --resume: it learns from the version that is live now."
        )


def _judged(report: UpdateReport, judgment: Judgment) -> UpdateReport:
    """Returns the report with the figures of the best candidate, or of the nearest one."""
    name = judgment.best or judgment.nearest
    verdict = judgment.verdict(name) if name else None
    if verdict is None:
        tried = "; ".join(f"{one.name}: {one.reason}" for one in judgment.tried)
        reason = f"no strategy could learn the new rows ({tried})"
    elif judgment.best is None:
        reason = f"{name}, which came closest: {'; '.join(verdict.reasons)}"
        if judgment.judged == 1:
            reason = "; ".join(verdict.reasons)
    else:
        reason = (
            f"new rows gain {100 * verdict.new.difference:.2f} points of macro-F1, at least"
            f" {100 * verdict.new.interval[0]:.2f}; old rows lose at most"
            f" {max(0.0, -100 * verdict.old.interval[0]):.2f}"
        )
    return replace(
        report,
        strategy=name,
        reason=reason,
        old=verdict.old if verdict else None,
        new=verdict.new if verdict else None,
        candidates=judgment.tried,
    )


def _level_note(judgment: Judgment) -> str:
    if judgment.judged < 2:
        return ""
    return (
        f"{judgment.judged} candidates are judged on the same test rows, so each interval has the"
        f" level {100 * judgment.level:.4g} % (Bonferroni); --strategy NAME judges one at 95 %"
    )


def next_version(base: BaseModel) -> int:
    return max(version_folders(base.model)) + 1 if base.model else base.version + 1
