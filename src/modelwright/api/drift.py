"""Says whether new rows differ from those that a model was measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.api.drift_rows import NewRows, read_new_rows
from modelwright.core.backend import load_keras
from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError, ModelwrightError, ServableError
from modelwright.core.folders import is_run
from modelwright.core.types import Progress
from modelwright.monitoring.accuracy import LabeledRows, measure_labeled
from modelwright.monitoring.compare import FEWEST_ROWS, check_rows, compare
from modelwright.monitoring.drift_report import DriftReport
from modelwright.monitoring.label_shift import estimate_shares
from modelwright.monitoring.measure_reference import measure_reference
from modelwright.monitoring.observation import Observation, observe
from modelwright.monitoring.observed_model import (
    ObservedModel,
    can_read_features,
    find_tensor,
    observed_servable,
)
from modelwright.monitoring.reference import REFERENCE, Reference, read_reference
from modelwright.runs.rows import reload_data
from modelwright.servable.manifest import Manifest, find_version, read_manifest

DEFAULT_ROWS = 5000


@dataclass(frozen=True)
class _Opened:
    """A model that is ready, its reference, and where the reference is from."""

    folder: Path
    manifest: Manifest
    model: ObservedModel
    reference: Reference
    source: str


def drift(  # noqa: PLR0913
    model: Path | str,
    data: Path | str,
    *,
    rows: int = DEFAULT_ROWS,
    seed: int = 0,
    engine: str = "auto",
    data_root: Path | str | None = None,
    reading: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> DriftReport:
    """Tests whether new rows differ from those that a model was measured on, and in what.

    The new rows need no labels. Where they have some, the report has the accuracy on them, too.

    Args:
        model: a servable's folder, or the folder of a run.
        data: a table, a folder of images, or a named set.
        rows: the largest number of rows, drawn with the seed.
        seed: decides which rows are drawn.
        engine: the engine of a servable; ``auto`` selects the fastest that is installed.
        data_root: where the data of the training is now, for a run and for a servable that was
            exported without reference statistics.
        reading: keys of ``[data]`` in which the new rows differ from those of the training, such as
            ``{"encoding": "gb18030"}``.
        progress: called with each step.

    Raises:
        ConfigError: ``rows`` is below 20, there is no such engine, or a setting cannot be used.
        DataError: the rows cannot be read, are of the other task, or are too few; or there is no
            reference, and the data of the training is not found.
        ServableError: the servable cannot be used.
        RunError: the run cannot be used.
        MissingDependencyError: a package is not installed.

    Example:
        ``drift("models/reviews", "new.csv").drifted``
    """
    if rows < FEWEST_ROWS:
        raise ConfigError(
            f"rows was given {rows}; expected {FEWEST_ROWS} or more, and 200 or more to find small"
            " differences."
        )
    path = Path(model)
    opened = (
        _open_run(path, engine, data_root, progress)
        if is_run(path)
        else _open_servable(path, engine, data_root, progress)
    )
    new = read_new_rows(str(data), opened.manifest, rows, seed, reading=reading, progress=progress)
    check_rows(len(new.inputs), f"{new.source} has")
    observed = observe(opened.model.engine, len(opened.model.labels), new.inputs, progress)
    reference = opened.reference
    labeled, notes = _measure(reference, observed, new)
    return DriftReport(
        model=opened.folder,
        task=reference.task,
        source=new.source,
        rows=len(observed),
        total=new.total,
        reference_rows=reference.rows,
        reference_split=reference.split,
        reference_source=opened.source,
        comparison=compare(reference, observed, opened.model.vocabulary),
        class_shares=(
            estimate_shares(reference, observed.class_counts()) if reference.held_out else ()
        ),
        labeled=labeled,
        notes=(*new.notes, *notes),
    )


def _open_servable(
    path: Path, engine: str, root: Path | str | None, progress: Progress | None
) -> _Opened:
    folder = find_version(path)
    manifest = read_manifest(folder)
    reference = read_reference(folder)
    features = can_read_features(manifest, engine)
    if reference is not None:
        if (reference.task, reference.labels) != (manifest.task, manifest.labels):
            raise ServableError(
                f"{folder / REFERENCE} is of another model: its {reference.task} labels are"
                f" {', '.join(reference.labels[:5])}. Export the run again."
            )
        tensor = reference.features.tensor if reference.features and features else ""
        model = observed_servable(folder, manifest, tensor=tensor, engine=engine)
        return _Opened(folder, manifest, model, reference, f"recorded in {REFERENCE}")
    tensor = find_tensor(folder, manifest) if features else ""
    model = observed_servable(folder, manifest, tensor=tensor, engine=engine)
    try:
        config = DataConfig.model_validate(manifest.config.get("data"))
        data = reload_data(config, manifest.data, folder, progress, root=root)
    except ConfigError:
        raise
    except (ValueError, KeyError, ModelwrightError) as error:
        raise DataError(
            f"{folder} has no {REFERENCE}, since an earlier version of modelwright exported it, and"
            f" its data cannot be read to measure one: {error} Name the place of the data with"
            " --data-root, or export the run again."
        ) from None
    reference = measure_reference(model, data, progress)
    where = f"measured now, since the servable has no {REFERENCE}"
    return _Opened(folder, manifest, model, reference, where)


def _open_run(
    path: Path, engine: str, root: Path | str | None, progress: Progress | None
) -> _Opened:
    if engine not in ("auto", "keras"):
        raise ConfigError(
            f"{path} is a run, which Keras answers; got engine '{engine}'. Leave out the engine, or"
            " give a servable of the run (modelwright export)."
        )
    load_keras()
    from modelwright.api.observed_run import observed_run

    run, manifest, model = observed_run(path)
    data = reload_data(run.config.data, run.data, run.path, progress, root=root)
    reference = measure_reference(model, data, progress)
    return _Opened(run.path, manifest, model, reference, "measured now on the data of the run")


def _measure(
    reference: Reference, observed: Observation, new: NewRows
) -> tuple[LabeledRows | None, list[str]]:
    """Returns the figures on the rows that have a label of the model, and notes."""
    if new.labels is None:
        return None, []
    positions = {label: position for position, label in enumerate(reference.labels)}
    classes = np.array([positions.get(label or "", -1) for label in new.labels], np.int64)
    known = np.flatnonzero(classes >= 0)
    others = [label for label in new.labels if label and label not in positions]
    unknown = sorted(set(others))
    notes = []
    if unknown:
        shown = ", ".join(f"'{label[:40]}'" for label in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        notes.append(
            f"the accuracy leaves out {len(others):,} rows with a label that the model does not"
            f" have: {shown}{more}"
        )
    if not len(known):
        return None, notes
    return measure_labeled(reference, observed.probabilities[known], classes[known]), notes
