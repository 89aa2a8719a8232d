"""What a page is about: a run and the servable made of it, in one object. Loads no framework.

A servable finds its run by the record of exports that the run keeps; a run finds its newest
servable the same way. Either may be absent, and then the page says what is missing for that.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, DataConfig, check_table
from modelwright.core.errors import DataError, ModelwrightError, RunError, ServableError
from modelwright.core.folders import MEMORY, UPDATES, is_run, subfolders
from modelwright.core.types import Dataset, ImageShape, Progress, Task
from modelwright.data.named.cache import cached_file
from modelwright.data.named.definitions import NAMED_SETS
from modelwright.reporting.audit_record import FoundAudit
from modelwright.reporting.drift_record import FoundDrift
from modelwright.reporting.evaluation_record import Evaluation, read_evaluations
from modelwright.reporting.update_record import FoundUpdate, find_update
from modelwright.runs.exports import read_exports
from modelwright.runs.rows import reload_data
from modelwright.runs.run import Run
from modelwright.runs.summary import RunSummary, find_models, summarize_run
from modelwright.servable.manifest import Manifest, find_version, read_manifest


@dataclass(frozen=True)
class RunFiles:
    """What a run's folder keeps besides its record. ``problems`` are sentences on damaged files."""

    evaluations: tuple[Evaluation, ...] = ()
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    rejected: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A model: the folder that was asked for, its run and its servable as far as they are there.

    ``rows`` is the data of the training, or why it cannot be had. ``audit`` and ``drift`` are added
    by whoever finds them.
    """

    path: Path
    name: str
    config: Config
    task: Task
    labels: tuple[str, ...]
    shape: ImageShape | None
    data: Mapping[str, Any]
    rows: Dataset | str
    run: RunSummary | None = None
    files: RunFiles = field(default_factory=RunFiles)
    servable: Path | None = None
    manifest: Manifest | None = None
    audit: FoundAudit | None = None
    drift: tuple[FoundDrift, ...] = ()

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The figures of the training that are numbers; empty while it goes on."""
        if self.run and self.run.run:
            found = self.run.run.metrics
        else:
            found = self.manifest.metrics.get("training", {}) if self.manifest else {}
        return {key: value for key, value in found.items() if isinstance(value, int | float)}

    @property
    def owner(self) -> Run | Manifest:
        """Who knows the versions and the backbone."""
        found = self.run.run if self.run and self.run.run else self.manifest
        if found is None:
            raise RunError(f"{self.path} has neither a run nor a servable.")
        return found

    @property
    def update(self) -> FoundUpdate | None:
        """How an update made these weights; None if a training made them."""
        lineage = self.manifest.lineage if self.manifest else {}
        return find_update(lineage or self.owner.lineage, self.run.path if self.run else None)

    @property
    def evaluation(self) -> Evaluation | None:
        """The evaluation of these weights that counts most: test rows before others."""
        return next((one for one in self.files.evaluations if not one.stale), None)


def read_run_subject(
    path: Path, root: Path | None = None, progress: Progress | None = None
) -> Subject:
    """Returns a run with the newest servable that was made of it.

    Raises:
        RunError: the run's own record cannot be read.
        ConfigError: the data is not in ``root``.
    """
    summary = summarize_run(path, find_models(path.resolve().parent))
    run = summary.run
    if run is None:
        raise RunError(summary.problem)
    exports = [one for one in summary.exports if one.state in ("there", "moved") and one.current]
    servable, manifest, problems = None, None, []
    for export in sorted(exports, key=lambda one: one.created, reverse=True):
        try:
            servable, manifest = export.path, read_manifest(export.path)
            break
        except ServableError as error:
            servable = None
            problems.append(str(error))
    return Subject(
        path=path,
        name=run.model_name,
        config=run.config,
        task=run.task,
        labels=run.labels,
        shape=run.shape,
        data=run.data,
        rows=_rows(run.config, run.data, path, root, progress),
        run=summary,
        files=_read_files(path, summary.weights, problems),
        servable=servable,
        manifest=manifest,
    )


def read_servable_subject(
    path: Path, root: Path | None = None, progress: Progress | None = None
) -> Subject:
    """Returns a servable, the live version of a model, with the run that it was made of.

    Raises:
        ServableError: the servable is not as it was exported.
        ConfigError: the data is not in ``root``.
    """
    folder = find_version(path)
    manifest = read_manifest(folder)
    try:
        config = check_table(Config, manifest.config, "config")
    except ModelwrightError as error:
        raise ServableError(f"the config in the manifest of {folder} is damaged: {error}") from None
    if missing := [key for key in ("source", "fingerprint", "rows") if key not in manifest.data]:
        raise ServableError(f"the manifest of {folder} is damaged: data.{missing[0]} is missing.")
    found = find_run(folder, manifest)
    summary, weights = found if found else (None, "")
    owner = summary.path if summary else folder
    shape = manifest.shape
    return Subject(
        path=path,
        name=f"{manifest.name}/{manifest.version}",
        config=config,
        task=manifest.task,
        labels=manifest.labels,
        shape=(shape[0], shape[1], shape[2]) if shape else None,
        data=manifest.data,
        rows=_rows(config, manifest.data, owner, root, progress),
        run=summary,
        files=_read_files(summary.path, weights, []) if summary else RunFiles(),
        servable=folder,
        manifest=manifest,
    )


def find_run(folder: Path, manifest: Manifest) -> tuple[RunSummary, str] | None:
    """Returns the run that a servable was made of, and the sha256 of its weights at the export.

    It is looked for in the folder ``runs`` here, and in the one beside the folder of models. The
    run of an update is in the memory of its model.
    """
    here = folder.resolve()
    near = [Path("runs").resolve(), *(one / "runs" for one in here.parents[1:4])]
    places = dict.fromkeys([*near, here.parent / MEMORY / UPDATES])
    for run in (one for place in places for one in subfolders(place) if is_run(one)):
        for export in read_exports(run):
            known = Path(export.servable) == here or (run / export.relative).resolve() == here
            if known and export.created == manifest.created:
                summary = summarize_run(run)
                return (summary, export.weights) if summary.run else None
    return None


def read_history(path: Path) -> dict[str, tuple[float, ...]]:
    """Returns the columns of ``history.csv``; a value that is no number is NaN.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is no table.
    """
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    names = [name for name in (lines[0] if lines else {}) if name]
    return {name: tuple(_number(line.get(name)) for line in lines) for name in names}


def _rows(
    config: Config, data: Mapping[str, Any], owner: Path, root: Path | None, progress: Any
) -> Dataset | str:
    if name := _absent_set(config.data):
        return (
            f"the named set '{name}' is not in the cache, and a report downloads nothing; fetch it"
            f" with: modelwright data fetch {name}"
        )
    try:
        return reload_data(config.data, data, owner, progress, root=root)
    except DataError as error:
        return str(error)
    except (OSError, KeyError) as error:
        return f"{type(error).__name__}: {error}"


def _absent_set(config: DataConfig) -> str | None:
    """Returns the first named set that would have to be downloaded, or None."""
    if config.folder or os.environ.get("MODELWRIGHT_DATA"):
        return None
    sources = [config.source] if isinstance(config.source, str) else config.source
    for name in (*sources, *config.unlabelled):
        if name in NAMED_SETS and not cached_file(NAMED_SETS[name]).is_file():
            return str(name)
    return None


def _read_files(run: Path, weights: str, problems: list[str]) -> RunFiles:
    evaluations, damaged = read_evaluations(run, weights)
    history: dict[str, tuple[float, ...]] = {}
    rejected: tuple[tuple[str, str], ...] = ()
    problems = [*problems, *damaged]
    try:
        history = read_history(run / "history.csv")
    except FileNotFoundError:
        pass  # no epoch has ended
    except (OSError, ValueError, csv.Error) as error:
        problems.append(f"{run / 'history.csv'}: {error}")
    try:
        rejected = tuple(_read_rejected(run / "rejected.csv"))
    except FileNotFoundError:
        pass  # no row was rejected
    except (OSError, ValueError, KeyError, csv.Error) as error:
        problems.append(f"{run / 'rejected.csv'}: {error}")
    return RunFiles(tuple(evaluations), history, rejected, tuple(problems))


def _read_rejected(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            yield line["origin"], line["reason"]


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan
