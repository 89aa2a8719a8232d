"""The reference statistics of an export: ``reference.json``, listed in the manifest."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.errors import ModelwrightError
from modelwright.core.types import Dataset, Progress
from modelwright.monitoring.measure_reference import measure_reference
from modelwright.monitoring.observed_model import find_tensor, observed_servable
from modelwright.monitoring.reference import REFERENCE, write_reference
from modelwright.servable.manifest import read_manifest, write_manifest


def add_reference(folder: Path, data: Dataset, progress: Progress | None = None) -> tuple[str, ...]:
    """Measures the reference of a version that is written, and adds it to the version.

    An export does not fail for want of it. Where it cannot be measured, a note says why.

    Args:
        folder: the version's folder, with its manifest.
        data: the data of the training.
        progress: called with each batch.

    Raises:
        OSError: the file cannot be written.
    """
    manifest = read_manifest(folder)
    try:
        model = observed_servable(folder, manifest, tensor=find_tensor(folder, manifest))
        reference = measure_reference(model, data, progress)
    except ModelwrightError as error:
        return (f"no {REFERENCE} was written, which modelwright drift compares with: {error}",)
    write_reference(folder, reference)
    write_manifest(manifest, folder)
    return ()
