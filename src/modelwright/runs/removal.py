"""Deletes run folders, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Note, Table
from modelwright.core.errors import RunError
from modelwright.core.folders import MEMORY, UPDATE_RECORD, is_run, wrong_folder
from modelwright.core.report import Report
from modelwright.runs.exports import EXPORTS, shown
from modelwright.runs.lock import CONFIG, is_locked, lock_run
from modelwright.runs.run import CHECKPOINT, VOCABULARY, WEIGHTS
from modelwright.runs.summary import RunSummary, find_models, summarize_run

_WRITTEN = {
    *(CONFIG, "run.json", VOCABULARY, WEIGHTS, CHECKPOINT, "history.csv", "rejected.csv"),
    *(EXPORTS, "plots", "tensorboard", "evaluations"),
    *(MEMORY, "rows.parquet", "rows.npz", UPDATE_RECORD),
}


@dataclass(frozen=True)
class RemovalReport(Report):
    """Runs that are to be deleted, or that were.

    Attributes:
        runs: the runs.
        sizes: bytes of each folder.
        foreign: of each folder what ``modelwright`` did not write into it.
        deleted: whether they were deleted.
    """

    runs: tuple[RunSummary, ...]
    sizes: tuple[int, ...]
    foreign: tuple[tuple[str, ...], ...]
    deleted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "deleted": self.deleted,
            "runs": [
                {
                    "path": str(one.path),
                    "bytes": size,
                    "exports": [export.to_dict() for export in one.exports],
                    "foreign": list(foreign),
                }
                for one, size, foreign in zip(self.runs, self.sizes, self.foreign, strict=True)
            ],
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the runs with what to know before they are deleted."""
        rows = [
            (shown(one.path), one.describe_status(), one.val.describe() if one.val else "—",
             f"{size / 2**20:.1f}")
            for one, size in zip(self.runs, self.sizes, strict=True)
        ]  # fmt: skip
        title = "deleted" if self.deleted else "to be deleted"
        blocks: list[Block] = [Table((title, "status", "validation %", "MiB"), rows)]
        blocks += [Note(note) for note in self._notes()]
        return blocks

    def _notes(self) -> list[str]:
        notes = []
        for one, foreign in zip(self.runs, self.foreign, strict=True):
            kept = [shown(export.path) for export in one.exports if export.state != "gone"]
            if kept:
                notes.append(
                    f"{shown(one.path)} was exported as {', '.join(kept)}: servables stay and work"
                    " without the run, but it cannot be evaluated or exported again."
                )
            if foreign:
                notes.append(
                    f"{shown(one.path)} also holds what modelwright train did not write:"
                    f" {', '.join(foreign)}"
                )
        return notes


def plan_removal(paths: Sequence[Path | str]) -> RemovalReport:
    """Checks that folders can be deleted, and deletes none.

    Raises:
        RunError: one of them is not a run, is a link, holds other runs or the current folder, or
            is being trained.
    """
    chosen = list(dict.fromkeys(Path(path) for path in paths))
    for path in chosen:
        _check(path)
    summaries = tuple(summarize_run(path, find_models(path.resolve().parent)) for path in chosen)
    return RemovalReport(
        runs=summaries,
        sizes=tuple(_size(path) for path in chosen),
        foreign=tuple(tuple(_foreign(path)) for path in chosen),
    )


def remove_runs(plan: RemovalReport) -> RemovalReport:
    """Deletes the runs of a plan. Links in them are deleted, not what they point to.

    Raises:
        RunError: a folder is no longer what the plan says. Then nothing is deleted.
        OSError: a folder cannot be deleted.
    """
    paths = [one.path for one in plan.runs]
    with ExitStack() as locks:
        for path in paths:
            _check(path)
            if (path / CONFIG).is_file():
                locks.enter_context(lock_run(path))
        for path in paths:
            shutil.rmtree(path)
    return RemovalReport(plan.runs, plan.sizes, plan.foreign, deleted=True)


def _check(path: Path) -> None:
    if path.is_symlink():
        raise RunError(
            f"{path} is a link to {path.resolve()}, and links are not followed; give the run's own"
            " folder."
        )
    if not is_run(path):
        raise RunError(f"{wrong_folder(path, 'run')} Nothing was deleted.")
    if Path.cwd().is_relative_to(path.resolve()):
        raise RunError(f"{path} holds the current folder; leave it first. Nothing was deleted.")
    inside = [one.parent for one in path.rglob("run.json") if one.parent != path]
    if inside:
        raise RunError(
            f"{path} holds another run, {inside[0]}; move or delete that one first. Nothing was"
            " deleted."
        )
    if is_locked(path):
        raise RunError(
            f"the run {path} is being trained; wait for its end, or stop it first. Nothing was"
            " deleted."
        )


def _size(path: Path) -> int:
    return sum(one.lstat().st_size for one in path.rglob("*") if not one.is_dir())


def _foreign(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir() if one.name not in _WRITTEN)
