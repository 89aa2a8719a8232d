"""What differs between two runs: settings, data, scores, with a test on rows that both answered."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block, Note, Table
from modelwright.core.config import setting
from modelwright.core.errors import RunError
from modelwright.core.folders import is_run, wrong_folder
from modelwright.core.report import Report
from modelwright.core.statistics import BoolArray, PairedTest, paired_randomization_test
from modelwright.runs.exports import shown
from modelwright.runs.run import Run
from modelwright.runs.settings import flat_settings
from modelwright.runs.summary import RunSummary, Score, summarize_run

_LEVEL = 0.05
Values = tuple[str, str, str]
"""A name, the value of the first run and that of the second."""


@dataclass(frozen=True)
class DifferenceReport(Report):
    """Two runs side by side.

    Attributes:
        runs: the folders.
        settings: each setting that differs.
        data: each fact about the data and the software that differs.
        scores: of each evaluation the accuracies of both, as text.
        tests: of each evaluation on the same rows the paired test, the second run minus the first.
        untested: why an evaluation has no test.
    """

    runs: tuple[Path, Path]
    settings: tuple[Values, ...]
    data: tuple[Values, ...]
    scores: tuple[Values, ...]
    tests: Mapping[str, PairedTest]
    untested: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        tables = {"settings": self.settings, "data": self.data, "scores": self.scores}
        return {
            "runs": [str(path) for path in self.runs],
            **{name: {key: [a, b] for key, a, b in rows} for name, rows in tables.items()},
            "tests": {
                name: {
                    "difference": test.difference,
                    "interval": [test.low, test.high],
                    "p": test.p,
                }
                for name, test in self.tests.items()
            },
            "untested": list(self.untested),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns a table for each kind of difference, and what the tests say."""
        first, second = (shown(path) for path in self.runs)
        blocks: list[Block] = []
        for title, rows in (("settings", self.settings), ("data and software", self.data),
                            ("accuracy % (95 %)", self.scores)):  # fmt: skip
            if rows:
                blocks.append(Table((title, first, second), rows, width=130))
        if not self.settings:
            blocks.insert(0, Note("The settings of both runs are the same."))
        blocks += [Note(self._verdict(name, test)) for name, test in self.tests.items()]
        return [*blocks, *(Note(reason) for reason in self.untested)]

    def _verdict(self, name: str, test: PairedTest) -> str:
        better = shown(self.runs[1 if test.difference > 0 else 0])
        points = [100 * value for value in (test.difference, test.low, test.high)]
        said = f"{better} is better" if test.p < _LEVEL else "no difference is shown"
        p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
        return (
            f"On the same rows ({name}): {points[0]:+.2f} points from the first to the second, 95 %"
            f" {points[1]:+.2f} to {points[2]:+.2f}, {p}: {said}. Another seed may change this;"
            " modelwright compare trains several."
        )


def compare_runs(first: Path | str, second: Path | str) -> DifferenceReport:
    """Returns what differs between two runs. Trains and measures nothing.

    Raises:
        RunError: a folder is not a run, or the run cannot be used.
    """
    one, other = (_summarize(Path(path)) for path in (first, second))
    if one.run is None or other.run is None:
        raise RunError(one.problem or other.problem)
    settings = _differences(flat_settings(one.run.config), flat_settings(other.run.config))
    tests: dict[str, PairedTest] = {}
    untested: list[str] = []
    for name in _paired_names(one, other, untested):
        tested = _test(name, one, other)
        if isinstance(tested, str):
            untested.append(tested)
        else:
            tests[name] = tested
    return DifferenceReport(
        runs=(one.path, other.path),
        settings=tuple(settings),
        data=tuple(_differences(_facts(one.run), _facts(other.run))),
        scores=tuple(_scores(one, other)),
        tests=tests,
        untested=tuple(untested),
    )


def _summarize(path: Path) -> RunSummary:
    if not is_run(path):
        raise RunError(wrong_folder(path, "run"))
    return summarize_run(path)


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Values]:
    for key in {**one, **other}:
        a, b = one.get(key), other.get(key)
        if a != b:
            yield key, _shown(a), _shown(b)


def _shown(value: Any) -> str:
    return "—" if value is None else setting(value)


def _facts(run: Run) -> dict[str, Any]:
    rows = ", ".join(f"{split} {count:,}" for split, count in run.data["rows"].items())
    return {
        "source": run.data["source"],
        "rows": rows,
        "fingerprint": run.data["fingerprint"][:12],
        "labels": ", ".join(run.labels),
        "notes": "; ".join(run.data.get("notes", ())) or None,
        "backend": run.backend,
        "precision": run.precision.get("policy"),
        **run.versions,
    }


def _scores(one: RunSummary, other: RunSummary) -> Iterator[Values]:
    columns = []
    for summary in (one, other):
        run = summary.run
        scores = {score.name: score.describe() for score in summary.evaluations}
        if summary.val:
            scores = {**scores, "val": summary.val.describe()}
        seconds = run.metrics.get("seconds") if run and run.finished else None
        if seconds is not None:
            scores["seconds"] = f"{seconds:,.1f}"
        columns.append({"status": summary.describe_status(), **scores})
    first, second = columns
    for key in {**first, **second}:
        yield key, first.get(key, "not measured"), second.get(key, "not measured")


def _paired_names(one: RunSummary, other: RunSummary, untested: list[str]) -> list[str]:
    """Returns the evaluations that both runs have; notes what to run where there is none."""
    names = [
        {score.name for score in summary.evaluations if not score.stale} for summary in (one, other)
    ]
    both = sorted(names[0] & names[1])
    if both:
        return both
    commands = [
        f"modelwright evaluate {shown(summary.path)}"
        for summary, found in zip((one, other), names, strict=True)
        if "test" not in found
    ]
    untested.append(
        "No paired test: the runs have no evaluation of the same rows. To measure both on the test"
        f" rows: {'; '.join(commands)}"
    )
    return []


def _test(name: str, one: RunSummary, other: RunSummary) -> PairedTest | str:
    """Returns the paired test of an evaluation, or why the rows cannot be paired."""
    answers = [_read_answers(summary.path / "evaluations" / name) for summary in (one, other)]
    if answers[0] is None or answers[1] is None:
        return f"No paired test on {name}: a file predictions.csv is missing or damaged."
    (rows, right), (other_rows, other_right) = answers[0], answers[1]
    sources = [_score(summary, name).source for summary in (one, other)]
    fingerprints = {run.data["fingerprint"] for run in (one.run, other.run) if run}
    if rows != other_rows or (len(fingerprints) > 1 and sources[0] != sources[1]):
        return f"No paired test on {name}: the runs were measured on different rows."
    return paired_randomization_test(other_right[None], right[None])


def _score(summary: RunSummary, name: str) -> Score:
    return next(score for score in summary.evaluations if score.name == name)


def _read_answers(folder: Path) -> tuple[list[tuple[str, str]], BoolArray] | None:
    """Returns the origin and label of each row, and whether the prediction is right."""
    try:
        with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
            lines = [
                (line["origin"], line["label"], line["predicted"]) for line in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, csv.Error):
        return None
    if not lines:
        return None
    right = np.array([label == predicted for _, label, predicted in lines])
    return [(origin, label) for origin, label, _ in lines], right
