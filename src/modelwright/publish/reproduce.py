"""``modelwright.reproduce``: every published claim beside its own code's figure and Modelwright's.

Studies that were measured before, with the settings of today, are taken from their kept JSON; the
others are trained. A target that is missed is a finding, not an error.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelwright.core.backend import load_keras
from modelwright.core.errors import MissingDependencyError, ModelwrightError
from modelwright.core.files import write_json
from modelwright.core.terminal import shorten, table
from modelwright.core.types import Progress
from modelwright.publish import kept_studies, pages, published_comparison, shipped_studies
from modelwright.studies.plan import Plan

QUICK = "QUICK: few rows, one epoch, one seed. It shows the shape of the table and nothing else."
_WIDTH = 120
_NAME = 32
Status = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class Reproduced:
    """One study: its JSON with today's claims, and where that is from.

    ``study`` is None where it could not be run, and ``error`` says why. ``notes`` say from which
    file it was taken, or why it was not.
    """

    plan: Plan
    origin: Literal["kept", "trained"]
    study: dict[str, Any] | None
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def failures(self) -> list[str]:
        """What failed, a line each."""
        if self.error is not None:
            return [f"{self.plan.name}: {self.error}"]
        return [
            f"{self.plan.name}, {one['variant']}, seed {one['seed']}: {one['error']}"
            for one in (self.study or {}).get("failures", ())
        ]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "name": self.plan.name,
            "origin": self.origin,
            "notes": list(self.notes),
            "error": self.error,
            "study": self.study,
        }


@dataclass(frozen=True)
class ReproduceReport:
    """Every claim that was asked for, beside what was measured."""

    studies: tuple[Reproduced, ...]
    quick: bool
    status: Status
    written: tuple[Path, ...] = ()

    @property
    def failures(self) -> list[str]:
        """The trainings that failed, a line each."""
        return [line for one in self.studies for line in one.failures]

    @property
    def short(self) -> list[str]:
        """The published figures that were not reached, a line each; of a quick try none is said."""
        if self.quick:
            return []
        return [
            line
            for one in self.studies
            if one.study
            for line in published_comparison.short(one.study)
        ]

    def to_dict(self) -> dict[str, Any]:
        """For a machine; shares from 0 to 1."""
        return {
            "kind": "reproduction",
            "quick": self.quick,
            "status": self.status,
            "studies": [one.to_dict() for one in self.studies],
            "short": self.short,
            "written": [str(path) for path in self.written],
        }

    def render(self) -> str:
        """For a person: one table a study, then what falls short."""
        parts = [self._render(one) for one in self.studies]
        if self.quick:
            parts.append(QUICK)
        elif any(one.study for one in self.studies):
            lines = self.short or ["nothing of what was measured"]
            parts.append("\n".join(["what falls short:", *(f"  {line}" for line in lines)]))
        if self.written:
            parts.append("\n".join(f"written: {path}" for path in self.written))
        return "\n\n".join(parts)

    def _render(self, one: Reproduced) -> str:
        title = one.plan.title.get("en", one.plan.name)
        head = f"{one.plan.name}: {title}"
        lines = [f"QUICK  {head}" if self.quick else head]
        notes = list(one.notes)
        if one.error is not None:
            return "\n".join([*lines, f"failed: {one.error}", *notes])
        if one.study is not None:
            headers, rows = published_comparison.rows(one.study)
            short = [(shorten(row[0], _NAME), *row[1:]) for row in rows]
            lines += [table(headers, short, width=_WIDTH), ""]
            notes = published_comparison.notes(one.study) + notes
        return "\n".join([*lines, *notes])


def reproduce(
    names: Sequence[str] = (),
    *,
    again: bool = False,
    quick: bool = False,
    out: Path | str = "studies",
    results: Path | str = "benchmarks/results",
    progress: Progress | None = None,
) -> ReproduceReport:
    """Put what was published beside what is measured, study by study.

    Args:
        names: the studies; all that ``studies.shipped`` has when not given.
        again: train also what is kept or finished in ``out``; what was stopped there goes on.
        quick: a try with few rows in ``out/quick``, kept nowhere else.
        out: the folder of the studies' folders.
        results: where finished studies are kept, if there is such a folder, as in a checkout,
            whose pages are then written anew.
        progress: told of each step.

    Raises:
        ConfigError: there is no study of a name.
        MissingDependencyError: something is to be trained, and what it takes is not installed.
    """
    plans = [shipped_studies.read(name) for name in shipped_studies.choose(names)]
    folder, keeping = Path(out), Path(results)
    done: list[Reproduced] = []
    for plan in plans:
        found = _look(plan, keeping) if not (again or quick) else None
        if found is None or found.study is None:
            why = found.notes if found else ()
            tell = _named(progress, plan.name)
            if again and not quick:
                _forget_finished(folder / plan.name)
            found = _train(plan, why, folder, None if quick else keeping, tell)
        done.append(found)
        if found.study is not None and found.study["status"] == "stopped":
            break
    stopped = len(done) < len(plans) or bool(
        done[-1].study and done[-1].study["status"] == "stopped"
    )
    failed = any(one.failures for one in done)
    trained = any(one.origin == "trained" and one.study for one in done)
    return ReproduceReport(
        studies=tuple(done),
        quick=quick,
        status="stopped" if stopped else "failed" if failed else "finished",
        written=pages.write(keeping).written if trained and not quick else (),
    )


def _look(plan: Plan, results: Path) -> Reproduced | None:
    """What was kept of it; without its figures where they are of other settings."""
    path = results / f"{plan.name}.json"
    study = kept_studies.read(path) if path.is_file() else None
    if study is None:
        return None
    if reasons := kept_studies.outdated(study, plan):
        notes = (f"{path} is of other settings, so it was trained: {'; '.join(reasons)}",)
        return Reproduced(plan, "kept", None, notes)
    where = ", ".join(machine["name"] for machine in study["machines"])
    return Reproduced(
        plan,
        "kept",
        published_comparison.claiming(study, plan),
        (f"taken from {path}, measured on {study['date']} ({where}); --again trains it anew",),
    )


def _forget_finished(folder: Path) -> None:
    """Delete a study that finished; one that was stopped is to go on."""
    path = folder / "study.json"
    study = kept_studies.read(path) if path.is_file() else None
    if study is not None and study["status"] == "finished":
        shutil.rmtree(folder)


def _train(
    plan: Plan,
    notes: tuple[str, ...],
    folder: Path,
    results: Path | None,
    progress: Progress | None,
) -> Reproduced:
    """Train what is left of it; ``results`` is None for a quick try."""
    load_keras()
    # It loads Keras, which a table from kept files has no need of.
    from modelwright.studies.compare import compare

    small, where = plan, folder / plan.name
    if results is None:
        small, where = shipped_studies.quick(plan), folder / "quick" / plan.name
        if (where / "study.json").is_file():
            shutil.rmtree(where)  # so that an old try of other settings is not in the way
    try:
        report = compare(small, out=where, progress=progress)
    except MissingDependencyError:
        raise  # the same for every study
    except ModelwrightError as error:
        return Reproduced(plan, "trained", None, notes, str(error))
    study = kept_studies.portable(report.to_dict(), small)
    lines = [*notes, f"trained in {where}"]
    if results is not None and report.status == "finished" and results.is_dir():
        write_json(results / f"{plan.name}.json", study)
        lines[-1] += f", kept as {results / plan.name}.json"
    if report.status == "stopped":
        lines.append(f"still to come: {len(report.missing)}; the same command goes on with them")
    if results is None:
        study["quick"] = True
    return Reproduced(plan, "trained", study, tuple(lines))


def _named(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{what}  ({name})", done, total)
