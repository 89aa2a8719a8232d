"""Verification: a servable's checksums, and every engine's answers to its recorded examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import ParityError
from modelwright.core.terminal import table
from modelwright.servable import manifest
from modelwright.servable.engines import installed
from modelwright.servable.replay import replay


@dataclass(frozen=True)
class VerifyReport:
    """A servable that is as it was exported and answers as it did then."""

    servable: Path
    version: int
    files: int
    engines: dict[str, Any]
    skipped: tuple[str, ...] = ()
    """Engines that are not installed here, so that only their files were checked."""

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**vars(self), "servable": str(self.servable)}

    def render(self) -> str:
        """For a person."""
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
        return table((f"verified {self.servable}", ""), rows)


def verify(path: Path | str) -> VerifyReport:
    """Check a servable: a version's folder, or a model's, which means its newest version.

    Raises:
        ServableError: a file changed, is missing or was added, or an engine does not run.
        ParityError: an engine answers otherwise than it did at export.
    """
    folder = manifest.find(Path(path))
    about = manifest.read(folder)
    engines = {
        name: replay(folder, about, name, folder / about.examples_of(name))
        for name in about.engines
        if installed(name)
    }
    for name, figures in engines.items():
        if not figures["passed"]:
            raise ParityError(
                f"engine '{name}' of {folder} no longer gives its recorded answers:"
                f" {figures['labels_changed']} of {figures['rows']} labels changed, largest"
                f" difference {figures['max_difference']:.2e}, allowed"
                f" {about.tolerance_of(name):.0e}."
            )
    skipped = tuple(name for name in about.engines if name not in engines)
    return VerifyReport(folder, about.version, len(about.files), engines, skipped)
