"""The versions of a model as a server sees them: list them, and roll back to an older one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.errors import ModelwrightError, ServableError
from modelwright.core.folders import wrong_folder
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.servable.live_version import live_version
from modelwright.servable.manifest import (
    Manifest,
    ignored_folders,
    version_folders,
)
from modelwright.servable.version_folder import read_version
from modelwright.servable.withdrawn import read_withdrawn, write_withdrawn


@dataclass(frozen=True)
class RollbackReport(Report):
    """The live version after a rollback, the one before it, and the withdrawn versions."""

    model: Path
    live: int
    before: int | None
    withdrawn: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {**vars(self), "model": str(self.model), "withdrawn": list(self.withdrawn)}

    def blocks(self) -> Sequence[Block]:
        """Returns one table of the fields."""
        withdrawn = ", ".join(map(str, self.withdrawn)) or "none"
        rows = [("live", self.live), ("before", self.before or "none"), ("withdrawn", withdrawn)]
        return [Facts(f"rolled back {self.model}", rows)]


@dataclass(frozen=True)
class VersionsReport(Report):
    """A model's versions, the newest first, as servers see them."""

    model: Path
    versions: tuple[dict[str, Any], ...]
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Folders whose names look like versions and are none, each with the reason."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "model": str(self.model),
            "versions": list(self.versions),
            "ignored": dict(self.ignored),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns one table with a row for each version and each ignored folder."""
        rows = [
            (
                f"{version['version']}",
                version["state"],
                version["created"] or "",
                "; ".join(filter(None, (version["figures"], _origin(version["lineage"]))))
                or version["problem"]
                or "",
            )
            for version in self.versions
        ]
        rows += [(name, "ignored", "", reason) for name, reason in self.ignored.items()]
        return [Table(("version", "state", "created", str(self.model)), rows)]


@dataclass(frozen=True)
class _Inspected:
    """What the files of one version show. A SavedModel made elsewhere has no manifest."""

    manifest: Manifest | None = None
    problem: str | None = None


def rollback(model: Path | str, *, to: int | None = None) -> RollbackReport:
    """Makes servers answer with an older version of a model, or with a newer one again.

    All versions newer than ``to`` are withdrawn. Versions up to ``to`` that were withdrawn
    before stay withdrawn, except ``to`` itself.

    Args:
        model: its folder, ``models/NAME``.
        to: the version to go to; by default the one that would be live without the live one.

    Raises:
        ServableError: the version does not exist or is damaged, or there is none to go back to.
    """
    folder = Path(model)
    existing = _version_folders(folder)
    withdrawn = read_withdrawn(folder)
    unusable = {number for number, path in existing.items() if _inspect(path).problem}
    before = live_version(existing, withdrawn, unusable)
    if to is None:
        to = None if before is None else live_version(existing, {*withdrawn, before}, unusable)
        if to is None:
            missing = f"version before {before}" if before else "usable version"
            raise ServableError(
                f"{folder} has no {missing}; it holds {', '.join(map(str, existing))}."
            )
    if to not in existing:
        raise ServableError(
            f"{folder} has no version {to}; it holds {', '.join(map(str, existing))}."
        )
    read_version(existing[to])
    newer = {number for number in existing if number > to}
    remaining = tuple(sorted(newer.union(number for number in withdrawn if number < to)))
    write_withdrawn(folder, remaining)
    return RollbackReport(folder, to, before, remaining)


def versions(model: Path | str) -> VersionsReport:
    """Lists a model's versions: which one is live, which are withdrawn, and their metrics.

    Raises:
        ServableError: the folder holds no version.
    """
    folder = Path(model)
    existing = _version_folders(folder)
    withdrawn = read_withdrawn(folder)
    inspected = {number: _inspect(path) for number, path in existing.items()}
    unusable = {number for number, version in inspected.items() if version.problem}
    live = live_version(existing, withdrawn, unusable)

    def state(number: int) -> str:
        if number in withdrawn:
            return "withdrawn"
        if number in unusable:
            return "unusable"
        return "live" if number == live else "older"

    listed = [_row(number, state(number), inspected[number]) for number in reversed(existing)]
    return VersionsReport(folder, tuple(listed), ignored_folders(folder))


def _version_folders(model: Path) -> dict[int, Path]:
    existing = version_folders(model)
    if not existing:
        raise ServableError(wrong_folder(model, "model"))
    return existing


def _inspect(folder: Path) -> _Inspected:
    try:
        return _Inspected(manifest=read_version(folder))
    except ModelwrightError as error:
        return _Inspected(problem=str(error))


def _row(number: int, state: str, version: _Inspected) -> dict[str, Any]:
    recorded = version.manifest
    return {
        "version": number,
        "state": state,
        "created": recorded.created if recorded else None,
        "labels": list(recorded.labels) if recorded else None,
        "metrics": dict(recorded.metrics) if recorded else None,
        "figures": _figures(recorded.metrics) if recorded else None,
        "lineage": dict(recorded.lineage) if recorded else None,
        "problem": version.problem,
    }


def _origin(lineage: Mapping[str, Any] | None) -> str:
    """Returns which version an update learned from, and how; empty for a trained one."""
    if not lineage:
        return ""
    return f"updated from {lineage.get('parent')} by {lineage.get('strategy')}"


def _figures(metrics: Any) -> str:
    """Returns the accuracy and macro-F1 of each split that was measured."""
    figures = []
    training = metrics.get("training", {})
    if training.get("val_accuracy") is not None:  # None where no row was held out for it
        figures.append(f"val {percent(training['val_accuracy'])}")
    for split, values in metrics.items():
        if isinstance(values, dict) and "accuracy" in values:
            figures.append(f"{split} {percent(values['accuracy'])}")
            if "macro_f1" in values:
                figures[-1] += f", macro-F1 {values['macro_f1']:.4f}"
    return "; ".join(figures)
