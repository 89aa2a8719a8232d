"""``modelwright.update``: a model in use learns new rows, and goes live only if that is shown."""

from __future__ import annotations

import shlex
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from modelwright.core.errors import ConfigError, RunError
from modelwright.core.files import explained_refusals, write_json
from modelwright.core.types import Progress
from modelwright.data.splits import TRAIN
from modelwright.servable.manifest import version_folders
from modelwright.updating.attempts import try_strategies
from modelwright.updating.base_model import BaseModel, find_base
from modelwright.updating.candidates import Classroom
from modelwright.updating.gate import MAX_DROP
from modelwright.updating.judgment import Judgment, judge_candidates
from modelwright.updating.lineage import describe_lineage, identity
from modelwright.updating.lock import LOCK, lock_updates
from modelwright.updating.new_rows import NewRows, read_new_rows
from modelwright.updating.old_rows import OldRows, find_old_rows
from modelwright.updating.report import UpdateReport
from modelwright.updating.report_file import report_from_record
from modelwright.updating.settings import UpdateOptions, UpdateSettings, resolve_update
from modelwright.updating.tokens import choose_vocabulary
from modelwright.updating.work_folder import (
    UPDATES,
    close_work,
    finished_update,
    open_work,
    tidy,
)
from modelwright.updating.write_version import Passed, write_run, write_servable

_VOCABULARY = "vocabulary.txt"
_DOUBTFUL = 0.2
"""Difference in macro-F1 from which labels are doubted."""


def update(
    model: Path | str,
    data: Path | str,
    *,
    strategy: str = "auto",
    max_drop: float = MAX_DROP,
    out: Path | str | None = None,
    progress: Progress | None = None,
    **options: Unpack[UpdateOptions],
) -> UpdateReport:
    """Lets a model learn new rows, and writes the next version if the gate lets it pass.

    New rows must gain in macro-F1, old ones may lose little; both are shown by intervals on rows
    that trained nothing. Otherwise nothing is changed.

        >>> report = update("models/reviews", "new.csv")
        >>> report.written, report.version, report.reason

    Args:
        model: ``models/NAME`` for its live version, ``models/NAME/VERSION``, or a run's folder. A
            servable gets a new version; a run stays as it is and gets a new run beside it.
        data: the new labeled rows: a path or the name of a set.
        strategy: the name of a strategy, or ``auto`` for the best of all that fit.
        max_drop: points of macro-F1 that old rows may lose, the interval's end included.
        out: the folder of the new run; ``RUN-2`` by default. Not for a servable.
        progress: called with each step.
        options: ``max_class_drop``, points of F1 that a single old class may lose (3);
            ``memory``, the largest number of examples to keep (2,000; 0 keeps no rows);
            ``minutes``, the time for the strategies; ``old_data``, the rows of the training where
            they cannot be found; ``data_root``, where they are now; ``settings``, the table
            ``data`` for the new rows; ``new_classes``, whether unknown labels are new classes;
            ``seed``; ``dry_run``; ``resume``.

    Raises:
        ConfigError: an option cannot be used.
        DataError: the new rows or those of the training cannot be used.
        RunError: the run cannot be used, or ``out`` is not empty.
        ServableError: the servable cannot be used or written, or another process updates it.
        ParityError: an engine does not give the answers of the network. Nothing was written.
        WriteError: the disk is full, or the folder cannot be written.
    """
    settings = resolve_update(strategy, max_drop, **options)
    job = _Job(Path(model), str(data), settings, time.monotonic(), progress)
    base = find_base(model)
    target = _new_run(base, out)
    if settings.dry_run:
        with tempfile.TemporaryDirectory() as temporary:
            read = job.read(base)
            return job.measure(base, read, Path(temporary), target)[0]
    created = not base.memory.exists()
    try:
        with explained_refusals(base.memory), lock_updates(base.memory):
            if base.model:
                tidy(base.model, base.memory)
                base = find_base(model)  # another update may have just ended
            return job.run(base, target)
    finally:
        if created:
            _remove_unused(base.memory)


@dataclass(frozen=True)
class _Read:
    """The old rows and the new ones."""

    old: OldRows
    new: NewRows


@dataclass(frozen=True)
class _Job:
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
        read = self.read(base)
        made = identity(base, read.new.stored, read.new.names, settings)
        work, note = open_work(memory, made, resume=settings.resume)
        report, passed = self.measure(base, read, work, target)
        if note:
            report = replace(report, notes=(*report.notes, note))
        if passed is None:
            name = f"refused-{time.strftime('%Y%m%d-%H%M%S')}.json"
            write_json(memory / UPDATES / name, report.to_dict())
        else:
            passed = replace(passed, report=replace(report, written=True))
            if target is None:
                report = write_servable(passed, report.version or 0, settings, self.progress)
            else:
                report = write_run(passed, target, settings, self.progress)
            report = replace(report, seconds=time.monotonic() - self.started)
        close_work(memory)
        return report

    def read(self, base: BaseModel) -> _Read:
        """Returns the rows."""
        old = find_old_rows(base, self.settings, self.progress)
        version = _next_version(base)
        return _Read(
            old, read_new_rows(base, self.data, old, self.settings, version, self.progress)
        )

    def measure(
        self, base: BaseModel, read: _Read, work: Path, target: Path | None
    ) -> tuple[UpdateReport, Passed | None]:
        """Returns the report of all candidates, and the one that may be written."""
        settings, new = self.settings, read.new
        notes = (*read.old.notes, *new.notes)
        if new.rejected:
            notes = (*notes, f"rejected new rows, which cannot be read: {new.rejected:,}")
        report = UpdateReport(
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
        if new.refusal:
            return report, None
        file = work / _VOCABULARY
        texts = new.stored.of_side(TRAIN).rows(base.shape)
        tokens = choose_vocabulary(base, texts, file)
        room = Classroom(base, read.old, new, tokens, file, settings, self.progress)
        attempts = try_strategies(room, settings, work)
        judgment = judge_candidates(room, attempts, settings.limits, settings.strategy)
        learned = {note: None for one in attempts.candidates for note in one.notes}
        more = (tokens.note, *learned, _level_note(judgment))
        report = _judged(report, judgment)
        report = replace(report, notes=(*notes, *filter(None, more)))
        if judgment.best is None:
            notes = tuple(filter(None, (*report.notes, self._doubt(report))))
            seconds = time.monotonic() - self.started
            return replace(report, notes=notes, seconds=seconds), None
        made = identity(base, new.stored, new.names, settings)
        lineage = describe_lineage(room, judgment.best, judgment, settings, made)
        report = replace(
            report,
            passed=True,
            version=_next_version(base),
            next=self._next(base, target),
            seconds=time.monotonic() - self.started,
        )
        vocabulary = file if base.task == "text" else None
        return report, Passed(room, judgment.best, work, vocabulary, report, lineage)

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
        """Returns the command that usually follows."""
        model = shlex.quote(str(self.model))
        if self.settings.dry_run:
            return f"modelwright update {model} --data {shlex.quote(self.data)}"
        if target is not None:
            name = shlex.quote(base.config.name)
            return f"modelwright export {shlex.quote(str(target))} models/{name}"
        return f"modelwright rollback {shlex.quote(str(base.home))}, should it not do well in use"


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


def _next_version(base: BaseModel) -> int:
    return max(version_folders(base.model)) + 1 if base.model else base.version + 1


def _new_run(base: BaseModel, out: Path | str | None) -> Path | None:
    """Returns the folder of the new run; None for a servable.

    Raises:
        ConfigError: ``out`` was given for a servable.
        RunError: it is not empty.
    """
    if base.model:
        if out is not None:
            raise ConfigError(
                f"--out was given {out}, and {base.home} is a servable, which gets its next version"
                " in its own folder; leave --out out."
            )
        return None
    if out is None:
        number = 2
        while base.path.with_name(f"{base.path.name}-{number}").exists():
            number += 1
        return base.path.with_name(f"{base.path.name}-{number}")
    path = Path(out)
    if path.exists():
        raise RunError(f"the run folder {path} exists; choose another with --out.")
    return path


def _remove_unused(memory: Path) -> None:
    """Removes the folder of the memory if this update left nothing in it but the lock."""
    if memory.is_dir() and {one.name for one in memory.iterdir()} <= {LOCK}:
        (memory / LOCK).unlink(missing_ok=True)
        memory.rmdir()
