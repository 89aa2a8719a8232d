"""The local cache of named sets: one folder for each set, with one file in a fixed format.

Images are an uncompressed ``.npz`` in the layout of keras.datasets. Texts are a Parquet file with
the columns text, label, split and, if the set has them, category. Checksums are not checked here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modelwright.core.cache import cache_folder
from modelwright.core.files import write_atomic
from modelwright.data.named.content import Content
from modelwright.data.named.definitions import NamedSet


def cached_file(definition: NamedSet) -> Path:
    """Returns the file of a set in the cache. It may not exist."""
    ending = "npz" if definition.task == "image" else "parquet"
    return cache_folder() / "data" / definition.name / f"{definition.name}.{ending}"


def write_cache(definition: NamedSet, content: Content) -> Path:
    """Writes a set into the cache, atomically.

    Raises:
        OSError: The folder cannot be written.
    """
    path = cached_file(definition)
    if definition.task == "image":
        position = {label: number for number, label in enumerate(definition.labels)}
        arrays = {}
        for part, rows in content.items():
            arrays[f"x_{part}"] = np.asarray(rows.values)
            numbers = [position[label] for label in rows.labels]
            arrays[f"y_{part}"] = np.asarray(numbers, dtype=np.uint8)
        write_atomic(path, lambda file: np.savez(file, allow_pickle=False, **arrays))
    else:
        columns: dict[str, list[str]] = {"text": [], "label": [], "split": []}
        for part, rows in content.items():
            columns["text"] += rows.values
            columns["label"] += rows.labels
            columns["split"] += [part] * len(rows)
            if rows.categories:
                columns.setdefault("category", []).extend(rows.categories)
        write_atomic(path, lambda file: pq.write_table(pa.table(columns), file))
    return path
