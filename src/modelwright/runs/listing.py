"""The list of the runs in a folder, best first among runs on the same rows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Note, Table
from modelwright.core.errors import RunError
from modelwright.core.folders import is_run, kind_of, wrong_folder
from modelwright.core.report import Report
from modelwright.core.types import Progress
from modelwright.runs.exports import shown
from modelwright.runs.summary import RunSummary, find_models, summarize_run

_DEPTH = 4
_THREADS = 4
_FINGERPRINT = 12
_HEADERS = ("run", "recipe", "status", "validation %", "test %", "seconds", "exported as")


@dataclass(frozen=True)
class RunsReport(Report):
    """The runs of a folder.

    Attributes:
        folder: where they are.
        groups: runs on the same rows with the same splits, best first.
        damaged: folders of runs that cannot be used.
        skipped: links and folders that were not looked into.
    """

    folder: Path
    groups: tuple[tuple[RunSummary, ...], ...]
    damaged: tuple[RunSummary, ...]
    skipped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "folder": str(self.folder),
            "groups": [
                {"data": dict(group[0].run.data), "runs": [one.to_dict() for one in group]}
                for group in self.groups
                if group[0].run
            ],
            "damaged": [one.to_dict() for one in self.damaged],
            "skipped": list(self.skipped),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns a table for each set of rows, the damaged folders, and how runs are ranked."""
        blocks: list[Block] = [
            Table(_HEADERS, [_row(one) for one in group], _title(group), 130)
            for group in self.groups
        ]
        if self.damaged:
            rows = [(shown(one.path), one.problem) for one in self.damaged]
            blocks.append(Table(("damaged", "problem"), rows, width=130))
        notes = [*self._notes(), *self.skipped]
        if not self.groups and not self.damaged:
            notes.insert(0, f"{self.folder} holds no runs; modelwright train --out writes one.")
        return [*blocks, *(Note(note) for note in notes)]

    def _notes(self) -> Iterator[str]:
        if any(len(group) > 1 for group in self.groups):
            yield (
                "Best first by validation accuracy. Intervals are 95 % over the rows; where they"
                " overlap, compare two runs with modelwright runs diff A B."
            )
        if len(self.groups) > 1:
            yield (
                "Runs are ranked only against runs on the same rows and splits. Here are"
                f" {len(self.groups)} different sets of rows, a table for each."
            )
        sources = Counter(group[0].run.data["source"] for group in self.groups if group[0].run)
        for source, count in sources.items():
            if count > 1:
                yield (
                    f"{source} has {count} tables: its rows, its splits or the settings of the"
                    " data changed between the runs."
                )
        states = {export.state for group in self.groups for one in group for export in one.exports}
        if "gone" in states:
            yield "A servable that is not there any more was moved or deleted after its export."


def list_runs(folder: Path | str = "runs", *, progress: Progress | None = None) -> RunsReport:
    """Lists the runs in a folder and in its folders.

    Args:
        folder: where to look, at most four folders deep. Links are not followed.
        progress: called with each run that was checked.

    Raises:
        RunError: the folder does not exist, or is something else.
    """
    folder = Path(folder)
    kind = kind_of(folder)
    if kind == "run":
        raise RunError(
            f"{folder} is one run, not a folder of runs; modelwright runs show {folder} shows it."
        )
    if kind in ("version", "model", "models"):
        raise RunError(wrong_folder(folder, "run"))
    if kind in ("nothing", "file"):
        what = "is a file" if kind == "file" else "does not exist"
        raise RunError(
            f"the folder of runs {folder} {what}; expected a folder in which modelwright train"
            " wrote runs. The default is runs; name another one: modelwright runs FOLDER."
        )
    skipped: list[str] = []
    paths = list(_find(folder, skipped))
    models = find_models(folder)
    summaries = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for summary in pool.map(lambda path: summarize_run(path, models), paths):
            summaries.append(summary)
            if progress:
                progress("checking the runs", len(summaries), len(paths))
    groups: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        if summary.run:
            groups.setdefault(summary.run.data["fingerprint"], []).append(summary)
    ranked = [tuple(sorted(group, key=_rank)) for group in groups.values()]
    return RunsReport(
        folder=folder,
        groups=tuple(sorted(ranked, key=lambda group: (-len(group), _title(group)))),
        damaged=tuple(one for one in summaries if one.status == "damaged"),
        skipped=tuple(skipped),
    )


def _find(folder: Path, skipped: list[str]) -> Iterator[Path]:
    """Yields the folders of runs, and notes what is not looked into."""
    links, deep = 0, 0
    for root, names, _ in os.walk(folder):
        path = Path(root)
        if path != folder and is_run(path):
            names.clear()
            yield path
            continue
        names[:] = sorted(name for name in names if not name.startswith("."))
        linked = [name for name in names if (path / name).is_symlink()]
        links += len(linked)
        names[:] = [name for name in names if name not in linked]
        if len(path.relative_to(folder).parts) >= _DEPTH:
            deep += len(names)
            names.clear()
    if links:
        skipped.append(f"{links} linked folder{'s were' if links > 1 else ' was'} not followed.")
    if deep:
        skipped.append(f"Folders more than {_DEPTH} deep were not looked into ({deep}).")


def _rank(summary: RunSummary) -> tuple[Any, ...]:
    """Returns the key by which runs on the same rows are sorted: the best validation first.

    Without validation rows, the test accuracy decides. Runs without a score come last.
    """
    score = summary.val or summary.test
    return (summary.status in ("training", "interrupted"), score is None,
            -score.accuracy if score else 0.0, summary.path.name)  # fmt: skip


def _title(group: Sequence[RunSummary]) -> str:
    run = group[0].run
    if run is None:
        return ""
    rows = ", ".join(f"{split} {count:,}" for split, count in run.data["rows"].items())
    return (
        f"{run.data['source']}: {rows} rows; fingerprint {run.data['fingerprint'][:_FINGERPRINT]}"
    )


def _row(summary: RunSummary) -> tuple[object, ...]:
    run = summary.run
    seconds = run.metrics.get("seconds") if run else None
    exports = summary.exports
    return (
        shown(summary.path),
        run.config.recipe if run else "",
        summary.describe_status(),
        summary.val.describe() if summary.val else "—",
        summary.test.describe() if summary.test else "not evaluated",
        "—" if seconds is None else f"{seconds:,.1f}",
        "; ".join(export.describe() for export in exports) or "—",
    )
