"""Verification: a servable's checksums, and every engine's answers to its recorded examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts
from modelwright.core.errors import ParityError
from modelwright.core.report import Report
from modelwright.servable.engines.registry import is_installed
from modelwright.servable.manifest import find_version, read_manifest
from modelwright.servable.replay import replay


@dataclass(frozen=True)
class VerifyReport(Report):
    """The checks that a servable passed; an engine that fails raises an error instead."""

    servable: Path
    version: int
    files: int
    engines: dict[str, Any]
    skipped: tuple[str, ...] = ()
    """Engines that are not installed here, so that only their files were checked."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {**vars(self), "servable": str(self.servable)}

    def blocks(self) -> Sequence[Block]:
        """Returns the checks, one line each."""
        rows: list[tuple[str, object]] = [("files with the right checksum", self.files)]
        for engine, figures in self.engines.items():
            rows.append(
                (
                    f"{engine}, in a fresh process",
                    f"{figures['rows']} recorded answers, largest difference"
                    f" {figures['max_difference']:.1e}",
                )
            )
        rows += [(name, "not installed here: only its file was checked") for name in self.skipped]
        return [Facts(f"verified {self.servable}", rows)]


def verify(path: Path | str) -> VerifyReport:
    """Checks a servable's files and the answers of its engines.

    Args:
        path: a version's folder, or a model's folder for its live version.

    Raises:
        ServableError: a file has changed, is missing or was added; or an engine does not run.
        ParityError: an engine does not give the answers that were recorded at export.
    """
    folder = find_version(Path(path))
    manifest = read_manifest(folder)
    installed = [name for name in manifest.engines if is_installed(name)]
    engines = {
        name: replay(folder, manifest, name, folder / manifest.examples_of(name))
        for name in installed
    }
    for name, figures in engines.items():
        if not figures["passed"]:
            raise ParityError(
                f"engine '{name}' of {folder} no longer gives its recorded answers:"
                f" {figures['labels_changed']} of {figures['rows']} labels changed, largest"
                f" difference {figures['max_difference']:.2e}, allowed"
                f" {manifest.tolerance_of(name):.0e}."
            )
    skipped = tuple(name for name in manifest.engines if name not in installed)
    return VerifyReport(folder, manifest.version, len(manifest.files), engines, skipped)
