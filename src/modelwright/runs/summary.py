"""What a run folder shows of itself: status, scores, and where it was exported. Trains nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelwright.core.errors import RunError
from modelwright.core.statistics import wilson_interval
from modelwright.runs.exports import ExportState, find_exports, shown
from modelwright.runs.lock import is_locked
from modelwright.runs.run import WEIGHTS, Run, load_run

Status = Literal["finished", "stopped", "training", "interrupted", "damaged"]


@dataclass(frozen=True)
class Score:
    """An accuracy with its 95 % interval over the rows.

    Attributes:
        name: the evaluation: ``val``, ``test``, ``test-tta`` or ``data-NAME``.
        source: what was measured, in words.
        stale: whether the weights have changed since.
    """

    name: str
    accuracy: float
    low: float
    high: float
    rows: int
    source: str = ""
    macro_f1: float | None = None
    stale: bool = False

    def describe(self) -> str:
        """Returns the accuracy and its interval, in percent."""
        words = f"{100 * self.accuracy:.2f} ({100 * self.low:.2f} to {100 * self.high:.2f})"
        words += " with TTA" if self.name.endswith("-tta") else ""
        return words + (", of earlier weights" if self.stale else "")


@dataclass(frozen=True)
class RunSummary:
    """A run folder at one time. A damaged one has a ``problem`` and no ``run``."""

    path: Path
    status: Status
    run: Run | None = None
    problem: str = ""
    epoch: int | None = None
    weights: str = ""
    val: Score | None = None
    evaluations: tuple[Score, ...] = ()
    exports: tuple[ExportState, ...] = ()

    @property
    def test(self) -> Score | None:
        """The evaluation on the test rows; the one without test-time augmentation if there is."""
        by_name = {score.name: score for score in self.evaluations}
        return by_name.get("test") or by_name.get("test-tta")

    def describe_status(self) -> str:
        """Returns the status, with the epoch of an unfinished training."""
        if self.run is None or self.status not in ("training", "interrupted"):
            return self.status
        return f"{self.status}, epoch {self.epoch or 0} of {self.run.config.train.epochs} done"

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        common = {"path": str(self.path), "status": self.status, "problem": self.problem or None}
        if self.run is None:
            return common
        run = self.run
        return {
            **common,
            "recipe": run.config.recipe,
            "task": run.task,
            "data": dict(run.data),
            "epochs": self.epoch or run.metrics.get("epochs"),
            "seconds": run.metrics.get("seconds"),
            "parameters": run.metrics.get("parameters"),
            "val": vars(self.val) if self.val else None,
            "evaluations": [vars(score) for score in self.evaluations],
            "exports": [export.to_dict() for export in self.exports],
        }


def summarize_run(path: Path, models: Sequence[Path] = ()) -> RunSummary:
    """Returns what a run folder shows, after checking its files. A damaged one is no error.

    Args:
        path: the run's folder.
        models: folders of models in which to look for exports that no record knows.
    """
    try:
        run = load_run(path, unfinished=True)
        return _summarize(run, models)
    except RunError as error:
        return RunSummary(path, "damaged", problem=str(error))
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        problem = f"the run {path} cannot be read: {type(error).__name__} {error}."
        return RunSummary(path, "damaged", problem=problem)


def find_models(folder: Path) -> list[Path]:
    """Returns the folders named models where exports are usually: here and beside the runs."""
    usual = {Path("models").resolve(), (folder.resolve().parent / "models")}
    return sorted(path for path in usual if path.is_dir())


def next_step(summary: RunSummary) -> str:
    """Returns the command that usually comes next for a run, or an empty text."""
    name = shown(summary.path)
    if summary.status == "damaged":
        return f"It cannot be used. Delete it: modelwright runs rm {name}"
    if summary.status == "training":
        return ""
    if summary.status in ("interrupted", "stopped"):
        return f"Continue the training: modelwright train --resume {name}"
    if summary.test is None or summary.test.stale:
        return f"Measure it on the test rows: modelwright evaluate {name}"
    if not any(one.state in ("there", "moved") and one.current for one in summary.exports):
        return f"Make a servable of it: modelwright export {name} models/{summary.path.name}"
    return ""


def _summarize(run: Run, models: Sequence[Path]) -> RunSummary:
    recorded = json.loads((run.path / "run.json").read_text("utf-8"))
    weights = str(recorded["files"].get(WEIGHTS, ""))
    rows = {str(split): int(count) for split, count in run.data["rows"].items()}
    for key in ("source", "fingerprint"):
        run.data[key].encode()
    status: Status = "finished" if run.status == "finished" else "stopped"
    if not run.finished:
        status = "training" if is_locked(run.path) else "interrupted"
    return RunSummary(
        path=run.path,
        status=status,
        run=run,
        epoch=None if run.finished else _epochs(run.path),
        weights=weights,
        val=_validation(run.metrics, rows.get("val", 0)) if run.finished else None,
        evaluations=_evaluations(run.path, weights),
        exports=find_exports(run.path, run.metrics, weights, models) if run.finished else (),
    )


def _epochs(path: Path) -> int:
    try:
        return max(0, len((path / "history.csv").read_text("utf-8").splitlines()) - 1)
    except OSError:
        return 0


def _validation(metrics: Mapping[str, Any], rows: int) -> Score | None:
    accuracy = metrics.get("val_accuracy")
    if accuracy is None or not rows:
        return None
    return Score("val", accuracy, *wilson_interval(round(accuracy * rows), rows), rows)


def _evaluations(path: Path, weights: str) -> tuple[Score, ...]:
    """Returns the evaluations of a run. What cannot be read was not written completely."""
    scores = []
    for file in sorted(path.glob("evaluations/*/evaluation.json")):
        try:
            record = json.loads(file.read_text("utf-8"))
            low, high = map(float, record["accuracy_interval"])
            scores.append(
                Score(
                    name=file.parent.name,
                    accuracy=float(record["accuracy"]),
                    low=low,
                    high=high,
                    rows=int(record["rows"]),
                    source=str(record["source"]),
                    macro_f1=float(record["macro_f1"]),
                    stale=record.get("weights", weights) != weights,
                )
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return tuple(scores)
