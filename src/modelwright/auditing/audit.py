"""``modelwright.audit``: finds labels that are probably wrong, duplicates and outliers."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.auditing.all_rows import AllRows, pool_splits
from modelwright.auditing.cross_validation import answer_folds, count_done
from modelwright.auditing.findings import find_suspects, report_findings
from modelwright.auditing.label_quality import judge_labels
from modelwright.auditing.outputs import file_names, write_outputs
from modelwright.auditing.report import AuditReport
from modelwright.auditing.settings import AuditSettings, changed, resolve_audit
from modelwright.auditing.work_folder import WorkFolder, default_folder
from modelwright.core.errors import DataError
from modelwright.core.files import explained_refusals
from modelwright.core.folds import NEVER_HELD_OUT, assign_folds
from modelwright.core.types import Dataset, IntArray, Progress
from modelwright.data.load import load_data
from modelwright.models.builders import options_for_classes
from modelwright.recipes.resolve import merge_tables
from modelwright.training.data_check import check_data

Source = str | Path | Sequence[str] | Mapping[str, Any] | AuditSettings


def audit(
    data: Source,
    *,
    recipe: str | None = None,
    folds: int = 5,
    settings: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Lists rows whose labels are probably wrong, duplicates, outliers and classes that overlap.

    Every row of every split is judged by a model that was trained without it. Confident learning
    (Northcutt, Jiang and Chuang 2021) then finds the labels that do not fit.

        >>> report = audit("reviews.csv")
        >>> report.suspects[0].row.origin, report.suspects[0].suggested

    Args:
        data: a path, the name of a set, a list of them, keys of the table ``[data]``, or resolved
            settings, which take no others.
        recipe: the recipe of the models; a fast one that fits the rows by default.
        folds: number of folds, at least 2.
        settings: the tables ``data``, ``model`` and ``train``.
        out: the output folder; ``audits/NAME-TIME`` by default. An audit that was stopped goes on
            if it gets its folder again.
        progress: called with each step.

    Raises:
        ConfigError: a setting cannot be used, or the folder is not empty.
        DataError: the data cannot be used, or has fewer different rows than folds.
        MissingDependencyError: a package of the extra ``audit`` is missing.
        WriteError: the folder cannot be written.
    """
    start = time.monotonic()
    chosen = (
        data
        if isinstance(data, AuditSettings)
        else _resolve(data, recipe, folds, settings, progress)
    )
    loaded = load_data(chosen.config.data, progress=progress)
    rows = pool_splits(loaded)
    fold = _assign(rows, chosen, loaded.source)
    check_data(chosen.config, loaded, options_for_classes(chosen.config.model, len(rows.names))[0])
    path = Path(out) if out else default_folder(chosen.config)
    with explained_refusals(path):
        folder = WorkFolder(path, _identity(chosen, loaded))
        with folder.kept_if_useful():
            report = _head(chosen, loaded, rows, fold, folder)
            try:
                answers = answer_folds(folder, chosen.config, loaded, rows, fold, progress)
            except KeyboardInterrupt:
                done = count_done(folder, fold)
                if not done:
                    raise
                return replace(
                    report,
                    status="stopped",
                    folds_done=done,
                    seconds=time.monotonic() - start,
                    next=_again(chosen, path),
                )
            quality = judge_labels(rows.labels, answers.probabilities)
            suspects = find_suspects(rows, quality)
            report = report_findings(report, rows, quality, suspects, answers, progress)
            report = replace(
                report,
                seconds=time.monotonic() - start,
                files=file_names(loaded.rejected),
                next=_next(chosen, path) if suspects else "",
            )
            positions = [one.position for one in suspects]
            write_outputs(report, rows, positions, quality, answers.probabilities, loaded.rejected)
            folder.finish()
            return report


def _resolve(
    data: str | Path | Sequence[str] | Mapping[str, Any],
    recipe: str | None,
    folds: int,
    settings: Mapping[str, Any] | None,
    progress: Progress | None,
) -> AuditSettings:
    if isinstance(data, Mapping):
        own: Mapping[str, Any] = data
    else:
        own = {"source": str(data) if isinstance(data, str | Path) else [str(one) for one in data]}
    tables = {"data": own, **({"model": {"recipe": recipe}} if recipe else {})}
    return resolve_audit(merge_tables(settings or {}, tables), folds, (), progress)


def _assign(rows: AllRows, settings: AuditSettings, source: str) -> IntArray:
    different = len(np.unique(rows.copies))
    if different < settings.folds:
        raise DataError(
            f"{source} has {different} different rows, fewer than the {settings.folds} folds;"
            " expected at least one row a fold. Give fewer folds with --folds, or more rows."
        )
    seed = settings.config.train.seed
    fold = assign_folds(rows.labels, settings.folds, seed, rows.copies)
    if not (fold != NEVER_HELD_OUT).any():
        raise DataError(
            f"{source} has one row of each class, so no row can be judged by a model that was"
            " trained without it; expected several rows a class. Is it the right column of labels"
            " (data.label)?"
        )
    return fold


def _identity(settings: AuditSettings, data: Dataset) -> dict[str, Any]:
    config = settings.config.model_dump(mode="json")
    return {
        "data": data.fingerprint,
        "recipe": settings.config.recipe,
        "folds": settings.folds,
        "model": config["model"],
        "train": config["train"],
    }


def _head(
    settings: AuditSettings, data: Dataset, rows: AllRows, fold: IntArray, folder: WorkFolder
) -> AuditReport:
    """Returns what is known of the report before any model is trained."""
    held = [np.unique(rows.copies[rows.labels == at]) for at in range(len(rows.names))]
    few = [
        f"'{name}' ({len(contents)})"
        for name, contents in zip(rows.names, held, strict=True)
        if len(contents) < settings.folds
    ]
    notes = [settings.reason, *settings.notes, *data.notes]
    if few:
        more = f" and {len(few) - 5} more" if len(few) > 5 else ""
        notes.append(
            f"fewer different rows than folds: {', '.join(few[:5])}{more}; what is said of these"
            " classes is uncertain"
        )
    if alone := int((fold == NEVER_HELD_OUT).sum()):
        notes.append(
            f"rows that are the only ones of their class, which no model can judge: {alone:,}"
        )
    if folder.resumed:
        notes.append("an audit that was stopped went on; its finished folds were kept")
    return AuditReport(
        out=folder.path,
        status="finished",
        source=data.source,
        rows=len(rows),
        labels=rows.names,
        recipe=settings.config.recipe,
        folds=settings.folds,
        folds_done=settings.folds,
        seconds=0.0,
        rejected=len(data.rejected),
        notes=tuple(notes),
    )


def _words(settings: AuditSettings, *tables: str) -> str:
    """Returns the data of the audit, and what was set in some tables, as words of a command."""
    source = settings.config.data.source
    sources = [source] if isinstance(source, str) else source
    words = [*sources, *(word for one in changed(settings, tables) for word in ("--set", one))]
    return " ".join(shlex.quote(one) for one in words)


def _next(settings: AuditSettings, out: Path) -> str:
    suspects = shlex.quote(str(out / "suspects.csv"))
    return f"modelwright train {_words(settings, 'data')} --drop {suspects}"


def _again(settings: AuditSettings, out: Path) -> str:
    recipe, words = settings.config.recipe, _words(settings, "data", "model", "train")
    return (
        f"modelwright audit {words} --recipe {recipe} --folds {settings.folds}"
        f" --out {shlex.quote(str(out))}"
    )
