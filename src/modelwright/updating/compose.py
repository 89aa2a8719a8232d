"""Makes a finished run of new weights: its settings, its rows, its vocabulary and its lineage.

Export, evaluation, quantization and all else then work on it as on any run.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, ModelConfig
from modelwright.core.errors import DataError
from modelwright.core.files import check_room, sha256_file, write_bytes, write_with_library
from modelwright.core.measure import Measurement, measure
from modelwright.data.load import load_data
from modelwright.runs.run import VOCABULARY, WEIGHTS, Run, create_run
from modelwright.servable.manifest import MANIFEST
from modelwright.training.measuring import MeasuredTraining
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.updating.base_model import BaseModel
from modelwright.updating.composed_data import (
    check_label_names,
    composed_config,
    data_file,
    write_rows,
)
from modelwright.updating.row_store import StoredRows


@dataclass(frozen=True)
class NewWeights:
    """What an update made, before it is written.

    Attributes:
        network: the ``keras.Model`` that learned.
        model: its builder and options.
        labels: its classes.
        vocabulary: the file with its tokens; None for images.
        rows: examples of all rows that trained it, and the held-out rows.
        seconds: how long it learned.
        notes: decisions of the update.
    """

    network: Any
    model: ModelConfig
    labels: tuple[str, ...]
    vocabulary: Path | None
    rows: StoredRows
    seconds: float
    notes: tuple[str, ...]


def compose_run(
    folder: Path, source: str, base: BaseModel, made: NewWeights, lineage: Mapping[str, Any]
) -> MeasuredTraining:
    """Writes the run of an update. Returns it with its network, measured on all of its rows.

    Args:
        folder: the run's folder, which must not exist.
        source: the path of its rows, as its settings and those of a servable name it.
        base: the model before.
        made: the new weights.
        lineage: how they were made.

    Raises:
        DataError: the rows would not be read back with the same labels.
        OSError: the folder cannot be written.
    """
    check_label_names(made.labels)
    temporary = folder.with_name(f".{folder.name}.rows")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    rows = temporary / data_file(base.shape)
    try:
        write_rows(rows, made.rows, made.labels, base.shape)
        return _compose(folder, source, base, made, lineage, rows)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def fingerprint_of(base: BaseModel) -> str:
    """Returns a sha256 that names the weights before and everything that belongs to them."""
    return sha256_file(base.path / (MANIFEST if base.model else WEIGHTS))


def _compose(
    folder: Path,
    source: str,
    base: BaseModel,
    made: NewWeights,
    lineage: Mapping[str, Any],
    rows: Path,
) -> MeasuredTraining:
    config = composed_config(str(rows), base.config.data, base.task, base.shape)
    data = load_data(config)
    if data.labels != made.labels or data.shape != base.shape:
        raise DataError(
            f"the rows of the update are read back with the classes {', '.join(data.labels)} and"
            f" the shape {data.shape}; expected {', '.join(made.labels)} and {base.shape}."
        )
    settings = Config(
        name=base.config.name,
        recipe=base.config.recipe,
        data=config.model_copy(update={"source": source}),
        model=made.model,
        train=base.config.train.model_copy(update={"tensorboard": False, "histograms": False}),
    )
    run = create_run(settings, data, folder)
    rows.replace(folder / data_file(base.shape))
    if made.vocabulary is not None:
        write_bytes(folder / VOCABULARY, made.vocabulary.read_bytes())
    check_room(folder / WEIGHTS, sum(weight.nbytes for weight in made.network.get_weights()))
    write_with_library(folder / WEIGHTS, made.network.save_weights)
    record = {**run.data, "source": source, "places": {source: data_file(base.shape)}}
    run = run.update(data=record, backbone=dict(base.backbone), lineage=dict(lineage))
    network, tokenizer = run.network(), run.tokenizer()
    classifier = NetworkClassifier(network, tokenizer)
    measured = {str(split): measure(classifier, rows) for split, rows in data.splits.items()}
    run = run.update(
        status="finished",
        precision={"policy": "float32", "reason": "an update learns in float32"},
        metrics=_metrics(run, made, measured, network.count_params()),
    )
    return MeasuredTraining(run, replace(data, source=source), network, measured)


def _metrics(
    run: Run, made: NewWeights, measured: Mapping[str, Measurement], parameters: int
) -> dict[str, Any]:
    """Returns the figures that a training records, as far as an update has them."""
    accuracy = {split: one.metrics.accuracy for split, one in measured.items()}
    return {
        "epochs": 0,
        "best_epoch": 1,
        "seconds": made.seconds,
        "val_accuracy": accuracy.get("val"),
        "train_accuracy": accuracy["train"],
        "parameters": parameters,
        "backend": run.backend,
        "precision": "float32 (an update learns in float32)",
        "status": "finished",
        "notes": list(made.notes),
        "steps": 0,
        "epoch_chosen": False,
    }
