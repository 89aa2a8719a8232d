"""Models and rows made by hand, for tests that need no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from modelwright.core.config import Config, DataConfig, ModelConfig, TrainConfig
from modelwright.core.types import Task
from modelwright.data.digests import hash_texts
from modelwright.data.images import encode_png
from modelwright.updating.base_model import BaseModel
from modelwright.updating.old_rows import OldRows
from modelwright.updating.row_store import StoredRows
from modelwright.updating.seen_rows import seen_rows


def base_model(
    folder: Path,
    *,
    labels: tuple[str, ...] = ("neg", "pos"),
    task: Task = "text",
    shape: tuple[int, int, int] | None = None,
    version: int = 1,
    lineage: dict[str, Any] | None = None,
) -> BaseModel:
    """Returns a model without a network, in the folder of a model."""
    config = Config(
        name="made",
        recipe="made",
        data=DataConfig(source="made.csv"),
        model=ModelConfig(builder="ngrams"),
        train=TrainConfig(),
    )
    return BaseModel(
        path=folder / str(version),
        model=folder,
        version=version,
        task=task,
        labels=labels,
        shape=shape,
        config=config,
        data={},
        lineage=lineage or {},
        tta=False,
        backbone={},
        source=cast("Any", None),
    )


def stored(
    texts: list[str],
    labels: list[int],
    sides: list[int],
    versions: list[int] | None = None,
    outputs: list[list[float]] | None = None,
) -> StoredRows:
    """Returns rows of text."""
    contents = pa.array(texts, pa.large_string())
    return StoredRows(
        "text",
        contents,
        np.array(labels),
        np.array(sides, np.int8),
        np.array(versions or [1] * len(texts)),
        hash_texts(contents),
        np.array(outputs or [[np.nan]] * len(texts), np.float32),
    )


def stored_images(pixels: np.ndarray, labels: list[int], sides: list[int]) -> StoredRows:
    """Returns rows of images ``[n, h, w, c]``."""
    count = len(pixels)
    return StoredRows(
        "image",
        pa.array([encode_png(one) for one in pixels], pa.large_binary()),
        np.array(labels),
        np.array(sides, np.int8),
        np.ones(count, np.int64),
        np.arange(2 * count, dtype=np.uint64).reshape(-1, 2),
        np.full((count, 1), np.nan, np.float32),
    )


def old_rows(rows: StoredRows) -> OldRows:
    """Returns rows as those that a model learned."""
    train = rows.sides == 0
    seen = seen_rows(rows.digests[train], rows.labels[train], ("neg", "pos"), 1)
    return OldRows(rows, seen, rows.digests[~train, 0])
