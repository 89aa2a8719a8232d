"""Makes a finished run of new weights: its settings, its rows, its vocabulary and its lineage.

Export, evaluation, quantization and all else then work on it as on any run.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, ModelConfig
from modelwright.core.errors import DataError
from modelwright.core.files import sha256_file, write_bytes, write_with_library
from modelwright.core.measure import measure
from modelwright.data.load import load_data
from modelwright.runs.run import VOCABULARY, WEIGHTS, Run, create_run
from modelwright.servable.manifest import MANIFEST
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
) -> Run:
    """Writes the run of an update.

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
    name = data_file(base.shape)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{name}")
    try:
        write_rows(temporary, made.rows, made.labels, base.shape)
        return _compose(folder, source, base, made, lineage, temporary)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        temporary.unlink(missing_ok=True)


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
) -> Run:
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
    write_with_library(folder / WEIGHTS, made.network.save_weights)
    record = {**run.data, "source": source, "places": {source: data_file(base.shape)}}
    run = run.update(data=record, backbone=dict(base.backbone), lineage=dict(lineage))
    network, tokenizer = run.network(), run.tokenizer()
    accuracy = {
        str(split): measure(NetworkClassifier(network, tokenizer), rows).metrics.accuracy
        for split, rows in data.splits.items()
        if split != "test"
    }
    return run.update(
        status="finished",
        precision={"policy": "float32", "reason": "an update learns in float32"},
        metrics=_metrics(run, made, accuracy, network.count_params()),
    )


def _metrics(
    run: Run, made: NewWeights, accuracy: Mapping[str, float], parameters: int
) -> dict[str, Any]:
    """Returns the figures that a training records, as far as an update has them."""
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
