"""A model's versions for a person: which is live, and going back to an older one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import ModelwrightError, ServableError
from modelwright.core.terminal import percent, table
from modelwright.servable import withdrawn
from modelwright.servable.manifest import (
    MANIFEST,
    Manifest,
    find_version,
    read_manifest,
    version_folders,
)


@dataclass(frozen=True)
class RollbackReport:
    """Which version servers answer with from now on, and which not."""

    model: Path
    live: int
    before: int | None
    withdrawn: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**vars(self), "model": str(self.model), "withdrawn": list(self.withdrawn)}

    def render(self) -> str:
        """For a person."""
        out = ", ".join(map(str, self.withdrawn)) or "none"
        rows = [("live", self.live), ("before", self.before or "none"), ("withdrawn", out)]
        return table((f"rolled back {self.model}", ""), rows)


def rollback(model: Path | str, *, to: int | None = None) -> RollbackReport:
    """Have servers answer with an older version of a model, or with a newer one again.

    Args:
        model: its folder, ``models/NAME``.
        to: the version; the one before the newest that is not withdrawn by default. What is
            newer is withdrawn, what was withdrawn and is not newer comes back.

    Raises:
        ServableError: there is no such version, or none before, or it is not as it was exported.
    """
    folder = Path(model)
    there = version_folders(folder)
    if not there:
        find_version(folder)
    out = withdrawn.read(folder)
    offered = [version for version in there if version not in out]
    before = offered[-1] if offered else None
    if to is None:
        if len(offered) < 2:
            raise ServableError(
                f"{folder} has no version before {before}; it holds"
                f" {', '.join(map(str, there)) or 'none'}."
            )
        to = offered[-2]
    if to not in there:
        raise ServableError(f"{folder} has no version {to}; it holds {', '.join(map(str, there))}.")
    if (there[to] / MANIFEST).exists():
        read_manifest(there[to])
    newer = tuple(version for version in there if version > to)
    kept = sorted({*newer, *(version for version in out if version < to)})
    withdrawn.write(folder, kept)
    return RollbackReport(folder, to, before, tuple(kept))


@dataclass(frozen=True)
class VersionsReport:
    """A model's versions, the newest first, as servers see them."""

    model: Path
    versions: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {"model": str(self.model), "versions": list(self.versions)}

    def render(self) -> str:
        """For a person."""
        rows = [
            (
                f"{one['version']}",
                one["state"],
                one["created"] or "",
                one["figures"] or one["problem"] or "",
            )
            for one in self.versions
        ]
        return table(("version", "state", "created", str(self.model)), rows)


def versions(model: Path | str) -> VersionsReport:
    """A model's versions: which one a server answers with, which were withdrawn, their figures.

    Raises:
        ServableError: there is none.
    """
    folder = Path(model)
    there = version_folders(folder)
    if not there:
        find_version(folder)
    out = withdrawn.read(folder)
    live = True
    listed = []
    for version in reversed(there):
        about, problem = _about(there[version])
        state = "withdrawn" if version in out else "unusable" if problem else "older"
        if state == "older" and live:
            state, live = "live", False
        listed.append(
            {
                "version": version,
                "state": state,
                "created": about.created if about else None,
                "labels": list(about.labels) if about else None,
                "metrics": dict(about.metrics) if about else None,
                "figures": _figures(about.metrics) if about else None,
                "problem": problem,
            }
        )
    return VersionsReport(folder, tuple(listed))


def _about(folder: Path) -> tuple[Manifest | None, str | None]:
    if not (folder / MANIFEST).exists() and (folder / "saved_model.pb").exists():
        return None, None
    try:
        return read_manifest(folder), None
    except ModelwrightError as error:
        return None, str(error)


def _figures(metrics: Any) -> str:
    """The accuracy and macro-F1 of each split that was measured."""
    found = []
    training = metrics.get("training", {})
    if "val_accuracy" in training:
        found.append(f"val {percent(training['val_accuracy'])}")
    for split, figures in metrics.items():
        if isinstance(figures, dict) and "accuracy" in figures:
            found.append(f"{split} {percent(figures['accuracy'])}")
            if "macro_f1" in figures:
                found[-1] += f", macro-F1 {figures['macro_f1']:.4f}"
    return "; ".join(found)
